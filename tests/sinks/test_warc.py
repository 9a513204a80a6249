"""The archive of a crawl: every exchange once, whatever happens, as readers of others see it."""

from __future__ import annotations

import json
import resource
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from isal import isal_zlib

import crawler
from crawler.errors import SinkError, StorageFull
from crawler.model import Disposition, Heads, Lease, Outcome, Position, Reason, Request, Response, Url
from crawler.protocols import Output
from crawler.settings.loading import amend
from crawler.sinks import make_outputs
from crawler.testing import (
    Served,
    Site,
    Web,
    big,
    cacheable,
    chunked,
    compressed,
    error,
    failing,
    html,
    missing,
    open_web,
    redirect,
    robots,
    truncated,
)
from crawler.warc.names import OPEN
from tests.warc.judges import Seen, judge

QUICK: dict[str, Any] = {
    "allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0, "retry_delay_s": 0.01,
    "sinks": [{"kind": "jsonl"}, {"kind": "warc"}],
}  # fmt: skip
ANSWERS = ("response", "revisit")
HEAD = b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"


async def archive(served: Served, folder: Path, **settings: Any) -> crawler.Summary:
    return await crawler.crawl(served.seeds, amend(crawler.Config(), QUICK | settings), folder=folder)


def seen(folder: Path) -> list[Seen]:
    """All records of all files of a crawl that is over, in order."""
    found = []
    for path in sorted((folder / "warc").glob("*.warc.gz*")):
        assert not path.name.endswith(OPEN)
        records = judge(path)
        assert [one.kind == "warcinfo" for one in records] == [True] + [False] * (len(records) - 1)
        assert records[0].fields["warc-filename"] == path.name
        found += records
    return found


def answers(folder: Path) -> list[Seen]:
    return [one for one in seen(folder) if one.kind in ANSWERS]


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "pages.jsonl").read_text().splitlines()]


def said(one: Seen) -> dict[str, str]:
    """The fields of a metadata record or of a warcinfo."""
    return dict(line.split(": ", 1) for line in one.block.decode().splitlines() if not line.startswith(" "))


def every_kind() -> Web:
    pages = {
        "/plain": html("Plain", text=["many words of a page"] * 40),
        "/copy": html("Plain", text=["many words of a page"] * 40),
        "/gzip": compressed(html("Packed")),
        "/chunked": chunked(html("In chunks")),
        "/gone": missing(),
        "/moved": redirect("/plain"),
        "/sick": failing(html("Well again"), times=2),
        "/dead": error(503),
        "/big": big("Big", 300_000),
    }
    rules = robots.Rules(disallow=("/private/",))
    return Web([Site("a.test", {"/": html("Home", [*pages, "/private/x"]), **pages}, robots=robots.moved(rules, 2))])


# -- through a crawl ---------------------------------------------------------------------------------------------------


async def test_every_exchange_is_archived_once_with_each_attempt_and_robots_txt(tmp_path: Path) -> None:
    async with open_web(every_kind()) as served:
        await archive(served, tmp_path / "c")
        asked = Counter(hit.url for hit in served.hits)
    found = seen(tmp_path / "c")
    assert Counter(one.fields["warc-target-uri"] for one in found if one.kind in ANSWERS) == asked
    assert {url.rsplit("/", 1)[1]: n for url, n in asked.items() if n > 1} == {"sick": 3, "dead": 3}
    ids = [one.fields["warc-record-id"] for one in found if one.kind in ANSWERS]
    for kind in ("request", "metadata"):
        assert [one.fields["warc-concurrent-to"] for one in found if one.kind == kind] == ids
    told = [said(one) for one in found if one.kind == "metadata"]
    tried = [(one["disposition"], one["attempt"]) for one in told if one.get("seed") and one["attempt"] != "1"]
    assert sorted(tried) == [("deferred", "2"), ("deferred", "2"), ("failed", "3"), ("fetched", "3")]
    assert [one["purpose"] for one in told if "purpose" in one] == ["robots.txt"] * 3


async def test_each_answer_is_as_it_came(tmp_path: Path) -> None:
    async with open_web(every_kind()) as served:
        await archive(served, tmp_path / "c")
    found = {one.fields["warc-target-uri"].rsplit("/", 1)[1]: one for one in answers(tmp_path / "c")}
    assert b"\r\nX-Crawl-Transfer-Encoding: chunked\r\n" in found["chunked"].block
    assert found["chunked"].payload.startswith(b"<!DOCTYPE html>")
    assert b"\r\nContent-Encoding: gzip\r\n" in found["gzip"].block
    stored = found["gzip"].block.split(b"\r\n\r\n", 1)[1]
    assert b"Packed" in isal_zlib.decompress(stored, 31)
    assert found["moved"].block.startswith(b"HTTP/1.1 301 ")
    assert found["gone"].block.startswith(b"HTTP/1.1 404 ")
    assert found["plain"].fields["warc-ip-address"].startswith("127.")
    copies = [found[name] for name in ("plain", "copy")]
    assert sorted(one.kind for one in copies) == ["response", "revisit"]
    first, second = sorted(copies, key=lambda one: one.kind)
    assert second.fields["warc-refers-to-target-uri"] == first.fields["warc-target-uri"]
    assert second.fields["warc-refers-to-date"] == first.fields["warc-date"]
    assert second.fields["warc-payload-digest"] == first.fields["warc-payload-digest"]


async def test_each_record_names_its_capture(tmp_path: Path) -> None:
    async with open_web(every_kind()) as served:
        await archive(served, tmp_path / "c")
    by_place = {one.member: one for one in answers(tmp_path / "c")}
    (file,) = (tmp_path / "c" / "warc").glob("*.warc.gz")
    for record in records(tmp_path / "c"):
        if record["status"] is None:
            assert "warc" not in record
            continue
        assert record["warc"]["filename"] == file.name
        captured = by_place[record["warc"]["offset"], record["warc"]["length"]]
        assert captured.fields["warc-target-uri"] == record["url"]
        assert captured.block.startswith(f"HTTP/1.1 {record['status']} ".encode())


async def test_what_has_not_changed_refers_to_the_capture_that_has_the_body(tmp_path: Path) -> None:
    web = Web([Site("a.test", {"/": cacheable(html("Home"))}, robots=robots.missing())])
    async with open_web(web) as served:
        for _ in range(2):
            await archive(served, tmp_path / "c", revisit_after_s=0.0)
    found = [one for one in answers(tmp_path / "c") if one.fields["warc-target-uri"] == served.seeds[0]]
    assert [one.kind for one in found] == ["response", "revisit"]
    assert found[1].fields["warc-profile"].endswith("/server-not-modified")
    assert found[1].fields["warc-refers-to-date"] == found[0].fields["warc-date"]
    assert found[1].fields["warc-payload-digest"] == found[0].fields["warc-payload-digest"]
    names = sorted(path.name.split("-")[2] for path in (tmp_path / "c" / "warc").glob("*.warc.gz"))
    assert names == ["00000", "00001"], "a whole file never changes"


async def test_the_first_record_tells_who_crawled_and_how(tmp_path: Path) -> None:
    async with open_web(every_kind()) as served:
        await archive(served, tmp_path / "c", contact="me@example.org", digest="sha256")
    first, *_, last = seen(tmp_path / "c")
    told = said(first)
    assert told["software"].startswith("crawld/")
    assert told["operator"] == "me@example.org"
    assert told["robots"] == "obey"
    assert "me@example.org" in told["http-header-user-agent"]
    assert told["isPartOf"] == "c"
    assert told["settings-digest"].startswith("sha256:")
    assert last.fields["warc-block-digest"].startswith("sha256:")


async def test_passwords_and_cookies_of_requests_are_not_archived_unless_asked(tmp_path: Path) -> None:
    web = Web([Site("a.test", {"/": html("Home")})])
    async with open_web(web) as served:
        sites = {served.seeds[0].rstrip("/"): {"basic_auth": "x:s3cret", "headers": {"Cookie": "id=s3cret"}}}
        for name, whole in (("a", False), ("b", True)):
            await archive(served, tmp_path / name, sites=sites, whole_requests=whole)
            asked = b"".join(one.block for one in seen(tmp_path / name) if one.kind == "request")
            assert [b"id=s3cret" in asked, b"eDpzM2NyZXQ=" in asked] == [whole, whole]
            assert (b"Cookie: (not kept)" in asked) is not whole


@pytest.mark.parametrize(
    ("settings", "offered"),
    [
        ({}, "gzip, deflate, br"),
        ({"zstd": True}, "gzip, deflate, br, zstd"),
        ({"sinks": [{"kind": "jsonl"}]}, "gzip, deflate, br, zstd"),
        ({"fetch": {"headers": {"accept-encoding": "zstd"}}}, "zstd"),
    ],
)
async def test_zstd_is_not_offered_while_an_archive_is_written(
    tmp_path: Path, settings: dict[str, Any], offered: str
) -> None:
    async with open_web(Web([Site("a.test", {"/": html("Home")})])) as served:
        await archive(served, tmp_path / "c", **settings)
    assert {hit.headers["accept-encoding"] for hit in served.hits} == {offered}


async def test_a_body_that_was_cut_says_so(tmp_path: Path) -> None:
    web = Web([Site("a.test", {"/": big("Big", 300_000)}, robots=robots.huge(robots.Rules()))])
    async with open_web(web) as served:
        await archive(served, tmp_path / "c", max_body_bytes=100_000, oversized="keep")
    found = {one.fields["warc-target-uri"].rsplit("/", 1)[1]: one for one in answers(tmp_path / "c")}
    assert [found[name].fields["warc-truncated"] for name in ("", "robots.txt")] == ["length", "length"]
    assert len(found[""].payload) == 100_000


async def test_an_exchange_without_a_whole_answer_is_not_archived(tmp_path: Path) -> None:
    web = Web([Site("a.test", {"/": truncated(big("Half", 5000))}, robots=robots.missing())])
    async with open_web(web) as served:
        await archive(served, tmp_path / "c", max_attempts=1)
    assert [one.fields["warc-target-uri"].rsplit("/", 1)[1] for one in answers(tmp_path / "c")] == ["robots.txt"]


async def test_files_roll_over_and_copies_are_known_in_later_ones(tmp_path: Path) -> None:
    noise = {f"/{n}": html(f"{n}", text=[random_text(n)]) for n in range(6)}
    again = {f"/again/{n}": noise[f"/{n}"] for n in range(6)}
    web = Web([Site("a.test", {"/": html("Home", [*noise, *again]), **noise, **again})])
    async with open_web(web) as served:
        await archive(served, tmp_path / "c", max_file_bytes=1 << 20, concurrency=1)
    files = sorted((tmp_path / "c" / "warc").glob("*.warc.gz"))
    assert len(files) >= 3
    assert all(path.stat().st_size >= 1 << 20 for path in files[:-1])
    kinds = Counter(one.kind for one in answers(tmp_path / "c"))
    assert kinds["revisit"] >= 6
    places = {(path.name, *one.member): one for path in files for one in judge(path)}
    for record in records(tmp_path / "c"):
        assert places[tuple(record["warc"].values())].fields["warc-target-uri"] == record["url"]


def random_text(seed: int) -> str:
    from random import Random

    return Random(seed).randbytes(400_000).hex()


# -- what every output promises: see test_contract.py ------------------------------------------------------------------


def visited(*numbers: int) -> list[Outcome]:
    """Outcomes with an answer; every third is another attempt of one that failed."""
    return [
        Outcome(
            Lease(Request(Url(f"http://a.test/{n}")), n),
            Disposition.FETCHED if n % 3 else Disposition.DEFERRED,
            Reason.STATUS_5XX if n % 3 == 0 else None,
            response=Response(
                Url(f"http://a.test/{n}"), 200, ((b"Server", b"x"),), b"body %d" % n, started_at=1.8e9 + n,
                heads=Heads(b"GET / HTTP/1.1\r\n\r\n", HEAD),
            ),
        )
        for n in numbers
    ]  # fmt: skip


@pytest.fixture
def output(tmp_path: Path) -> Output:
    (made,) = make_outputs(tmp_path, amend(crawler.Config(), {"sinks": [{"kind": "warc"}], "max_file_bytes": 1 << 20}))
    return made


def targets(folder: Path) -> list[str]:
    return [one.fields["warc-target-uri"][-1] for one in answers(folder)]


def settled(position: Position) -> Position:
    """The position as the frontier keeps it."""
    return orjson.loads(orjson.dumps(position))  # type: ignore[no-any-return]


async def test_making_it_touches_nothing_and_it_makes_no_files_but_those_it_names(
    output: Output, tmp_path: Path
) -> None:
    assert list(tmp_path.iterdir()) == []
    assert (output.files, output.reader, output.mender) == ([], None, None)
    async with output.open(is_synced=False) as sink:
        assert sink.name == output.name
        await sink.rewind(None)
        assert await sink.write([]) == {}
        assert list(tmp_path.iterdir()) == []
        await sink.write(visited(1))
        here = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
        assert here <= {*output.files, *output.drafts}
        assert [name.endswith(OPEN) for name in output.files] == [True]
    assert [name.endswith(OPEN) for name in output.files] == [False]
    assert all(path.stat().st_mode & 0o77 == 0 for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("is_synced", [False, True])
async def test_it_is_cut_back_to_a_position_and_goes_on_from_there(
    output: Output, tmp_path: Path, is_synced: bool
) -> None:
    async with output.open(is_synced=is_synced) as sink:
        await sink.rewind(None)
        await sink.write(visited(1, 2))
        kept = settled(await sink.write(visited(3)))
        await sink.write(visited(4))
    assert targets(tmp_path) == ["1", "2", "3", "4"]
    async with output.open(is_synced=is_synced) as sink:
        await sink.rewind(kept)
        again = settled(await sink.write(visited(5)))
    assert targets(tmp_path) == ["1", "2", "3", "5"]
    async with output.open(is_synced=is_synced) as sink:
        await sink.rewind(again)
        last = settled(await sink.write(visited(6)))
    assert [list(position.values()) for position in (kept, again, last)] != []
    assert targets(tmp_path) == ["1", "2", "3", "5", "6"]
    assert len(output.files) == 2, "the first was whole, and stays as it is"
    async with output.open(is_synced=is_synced) as sink:
        await sink.rewind(again)
    assert targets(tmp_path) == ["1", "2", "3", "5"]
    async with output.open(is_synced=is_synced) as sink:
        await sink.rewind(None)
    assert targets(tmp_path) == []


async def test_files_begun_after_the_position_are_removed_and_the_one_of_the_position_goes_on(
    output: Output, tmp_path: Path
) -> None:
    large = [replace(one, response=replace(one.response, body=random_text(n).encode() * 4))
             for n, one in enumerate(visited(1, 2, 4, 5)) if one.response]  # fmt: skip
    async with output.open(is_synced=False) as sink:
        await sink.rewind(None)
        kept = settled(await sink.write(large[:1]))
        await sink.write(large[1:])
    assert len(output.files) > 1
    async with output.open(is_synced=False) as sink:
        await sink.rewind(kept)
        assert [name.rsplit("/", 1)[1] for name in output.files] == [*kept] or len(output.files) == 1
        await sink.write(visited(7))
    assert targets(tmp_path) == ["1", "7"]


async def test_a_file_that_is_shorter_than_settled_or_gone_is_an_error(output: Output, tmp_path: Path) -> None:
    async with output.open(is_synced=False) as sink:
        await sink.rewind(None)
        kept = await sink.write(visited(1))
    (file,) = output.files
    whole = (tmp_path / file).read_bytes()
    for content in (whole[:-1], None):
        (tmp_path / file).unlink() if content is None else (tmp_path / file).write_bytes(content)
        async with output.open(is_synced=False) as sink:
            with pytest.raises(SinkError, match=r"bytes long, but .* were settled"):
                await sink.rewind(kept)


async def test_what_no_position_has_named_is_gone_when_it_is_closed(output: Output, tmp_path: Path) -> None:
    answer = visited(1)[0].response
    assert answer
    async with output.open(is_synced=False) as sink:
        await sink.rewind(None)
        assert isinstance(sink, crawler.Observer)
        assert isinstance(sink, crawler.Archive)
        await sink.observe(answer)
        await sink.archive([])
        assert len(output.files) == 1
    assert output.files == []
    async with output.open(is_synced=False) as sink:
        await sink.rewind(None)
        assert isinstance(sink, crawler.Observer)
        await sink.observe(answer)
        await sink.write(visited(2))
        await sink.observe(answer)
    assert targets(tmp_path) == ["1", "2"]


async def test_answers_for_robots_txt_wait_for_the_next_batch_but_not_in_much_memory(
    output: Output, tmp_path: Path
) -> None:
    answer = visited(1)[0].response
    assert answer
    async with output.open(is_synced=False) as sink:
        await sink.rewind(None)
        assert isinstance(sink, crawler.Observer)
        for _ in range(10):
            await sink.observe(replace(answer, body=b"#" * 100_000))
        assert output.files == []
        await sink.observe(replace(answer, body=b"#" * 100_000))
        assert len(output.files) == 1
        await sink.observe(answer)
        await sink.write([])
    assert targets(tmp_path) == ["1"] * 12


async def test_places_are_known_before_anything_is_settled(output: Output, tmp_path: Path) -> None:
    async with output.open(is_synced=False) as sink:
        await sink.rewind(None)
        assert isinstance(sink, crawler.Archive)
        placed = await sink.archive([*visited(1, 2), replace(visited(4)[0], response=None)])
        position = await sink.write(placed)
    assert [one.capture is not None for one in placed] == [True, True, False]
    first, second = placed[0].capture, placed[1].capture
    assert first
    assert second
    assert position[first.filename] > second.offset + second.length > second.offset > first.offset
    assert targets(tmp_path) == ["1", "2"], "written once"


async def test_a_damaged_list_of_captures_costs_copies_and_nothing_else(output: Output, tmp_path: Path) -> None:
    copy = replace(visited(1)[0], lease=Lease(Request(Url("http://a.test/9")), 9))
    async with output.open(is_synced=False) as sink:
        await sink.rewind(None)
        await sink.write(visited(1))
        kept = await sink.write([copy])
    assert [one.kind for one in answers(tmp_path)] == ["response", "revisit"]
    (tmp_path / "warc" / "captures.sqlite").write_bytes(b"no database" * 1000)
    async with output.open(is_synced=False) as sink:
        await sink.rewind(kept)
        await sink.write([copy])
        await sink.write([copy])
    assert [one.kind for one in answers(tmp_path)] == ["response", "revisit", "response", "revisit"]


async def test_a_capture_that_was_cut_off_is_never_referred_to(output: Output, tmp_path: Path) -> None:
    async with output.open(is_synced=False) as sink:
        await sink.rewind(None)
        kept = await sink.write(visited(1))
        await sink.write(visited(2))
    async with output.open(is_synced=False) as sink:
        await sink.rewind(kept)
        await sink.write(visited(2))
    assert [one.kind for one in answers(tmp_path)] == ["response", "response"]


async def test_no_space_leaves_whole_records(output: Output, tmp_path: Path) -> None:
    async with output.open(is_synced=False) as sink:
        await sink.rewind(None)
        kept = await sink.write(visited(1))
        with no_larger_files(sum(kept.values()) + 700), pytest.raises(StorageFull, match="no space left"):
            await sink.write(visited(2))
        await sink.write(visited(4))
    assert targets(tmp_path) == ["1", "4"]


@contextmanager
def no_larger_files(size: int) -> Iterator[None]:
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


async def test_no_link_is_followed(output: Output, tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    (tmp_path / "warc").symlink_to(tmp_path / "else")
    async with output.open(is_synced=False) as sink:
        await sink.rewind(None)
        with pytest.raises(SinkError, match="a symbolic link"):
            await sink.write(visited(1))
    assert list((tmp_path / "else").iterdir()) == []
