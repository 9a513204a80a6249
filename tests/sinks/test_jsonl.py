"""Records: one line each, cut back to what was settled."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from crawler.errors import SinkError, StorageFull
from crawler.model import Disposition, Lease, Outcome, Page, Reason, Request, Response, Timings, Url
from crawler.sinks import JsonLines, Wants
from crawler.sinks.record import FIELDS, MOST_SHARED, record

SEED = Url("http://a.test/")


def fetched(n: int, title: str = "A title") -> Outcome:
    request = Request(Url(f"http://a.test/{n}"), depth=1, via=SEED, seed=SEED)
    headers = ((b"Content-Type", b"text/html"), (b"ETag", b'"1"'), (b"X", b"\xff"))
    return Outcome(
        Lease(request, n),
        Disposition.FETCHED,
        response=Response(request.url, 200, headers, b"body", "192.0.2.1", 0.0, Timings(ttfb=1.234)),
        page=Page(b"\x01" * 32, 4, "html", "utf-8", title, links_json=b'["http://a.test/x"]', text="words"),
        visited_at=1_760_000_000.5,
    )


def failed(n: int) -> Outcome:
    return Outcome(Lease(Request(Url(f"http://b.test/{n}")), n), Disposition.FAILED, Reason.DNS, "no such host")


@pytest.mark.parametrize("outcome", [fetched(1), failed(2)])
def test_every_record_has_every_field_in_one_order(outcome: Outcome) -> None:
    assert tuple(json.loads(record(outcome, Wants()))) == FIELDS


def test_a_record_says_what_was_fetched() -> None:
    values = json.loads(record(fetched(1), Wants(links=True, text=True, headers=True)))
    assert values["v"] == 1
    assert values["seed"] == values["via"] == "http://a.test/"
    assert values["digest"] == "sha256:" + "01" * 32
    assert values["fetched_at"] == "2025-10-09T08:53:20.500Z"
    assert values["timings"]["ttfb"] == 1.2
    assert values["links"] == ["http://a.test/x"]
    assert values["text"] == "words"
    assert values["headers"][2] == ["X", "ÿ"]


@pytest.mark.parametrize("text", ["words", "w" * MOST_SHARED], ids=["short", "long"])
def test_sinks_that_want_the_same_get_equal_lines_and_short_ones_are_made_once(text: str) -> None:
    outcome = fetched(1)
    outcome = replace(outcome, page=replace(outcome.page, text=text))  # type: ignore[type-var]
    with_text = [record(outcome, Wants(text=True)) for _ in range(2)]
    assert json.loads(with_text[0])["text"] == text
    assert with_text[0] == with_text[1]
    assert (with_text[0] is with_text[1]) == (text == "words")
    assert "text" not in json.loads(record(outcome, Wants()))
    assert "headers" in json.loads(record(outcome, Wants(headers=True)))


def test_a_changed_copy_of_an_outcome_has_a_record_of_its_own() -> None:
    outcome = fetched(1)
    before = json.loads(record(outcome, Wants()))
    after = json.loads(record(replace(outcome, detail="another"), Wants()))
    assert (before["detail"], after["detail"]) == (None, "another")


def test_a_seed_is_its_own_seed() -> None:
    assert json.loads(record(failed(1), Wants()))["seed"] == "http://b.test/1"


async def test_whatever_was_never_settled_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    sink = JsonLines(path)
    await sink.rewind(None)
    settled = await sink.write([fetched(1)])
    await sink.write([fetched(2)])
    with path.open("ab") as file:
        file.write(b'{"v":1,"url":"http://a.te')  # torn by a kill

    again = JsonLines(path)
    await again.rewind(settled)
    await again.write([fetched(3)])
    assert [json.loads(line)["url"] for line in path.read_text().splitlines()] == ["http://a.test/1", "http://a.test/3"]


async def test_a_crawl_that_settled_nothing_keeps_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    path.write_bytes(b"old")
    await JsonLines(path).rewind(None)
    assert path.read_bytes() == b""


async def test_a_file_shorter_than_settled_is_not_papered_over(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    path.write_bytes(b"short\n")
    with pytest.raises(SinkError, match="6 bytes long, but 1000 were settled"):
        await JsonLines(path).rewind({"pages.jsonl": 1000})
    assert path.read_bytes() == b"short\n"


async def test_another_writer_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    sink = JsonLines(path)
    await sink.rewind(None)
    await sink.write([fetched(1)])
    with path.open("ab") as file:
        file.write(b"mine too\n")
    with pytest.raises(SinkError, match="another program"):
        await sink.write([fetched(2)])


class _OnFullDisk(JsonLines):
    def _append(self, lines: bytes) -> None:
        Path("/dev/full").write_bytes(lines)


async def test_a_full_disk_is_said_as_such(tmp_path: Path) -> None:
    with pytest.raises(StorageFull, match="no space left"):
        await _OnFullDisk(tmp_path / "pages.jsonl").write([fetched(1)])


async def test_an_unwritable_place_is_a_sink_error(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="cannot be written"):
        await JsonLines(tmp_path / "missing" / "pages.jsonl").write([failed(1)])
