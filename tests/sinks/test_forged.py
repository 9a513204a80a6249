"""Records that a stranger tries to forge: each outcome is exactly one line, and the line means what was found."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

import crawler
from crawler.cli.output import StandardOutput
from crawler.model import Disposition, Lease, Outcome, Page, Reason, Request, Response, Url
from crawler.parse import Content
from crawler.parse.data import encode
from crawler.parse.page import MAX_TEXT
from crawler.sinks import JsonLines, Wants
from crawler.testing import Site, Web, html, open_web
from tests.cpu_time import check_least, cpu_s

RECORD = '{"v":1,"url":"http://forged.test/","disposition":"failed","reason":"dns"}'
FORGED = {
    "a record behind a line end": f'"}}\n{RECORD}\n{{"a":"',
    "a record": RECORD,
    "closed and opened": "}{",
    "ends of lines": "a\nb\r\nc\rd\x0be\x0cf\x1cg\x1dh\x1ei\x85j\u2028k\u2029l",
    "NUL": "a\0b",
    "escapes": '\\" \\n \\u000a \\ud800 \\\\"',
    "letters of 4 bytes": "\U0001f408\U0010ffff\U00020000",
    "marks": "\ufeff\u202e\u200b\x1b]0;x\x07\x7f\ufffe\uffff",
    "digits": "9" * 5000,
    "many ends of lines": "\u2028\n" * 1000,
}
"""Each stays what it is."""
HALVES = {"a\ud800b": "a\ufffdb", "\udfff": "\ufffd", "\ud83d\ude00": "\U0001f600", "\n\udc00" * 500: "\n\ufffd" * 500}
"""Half a character has no place in UTF-8."""
NUMBERS = [2**64 - 1, -(2**63), 1e308, 5e-324, -0.0, 0.1, True, None]
EVERYTHING = Wants(links=True, text=True, headers=True)
OCTETS = bytes(range(256))


def found(text: str, data: object = None) -> Outcome:
    """An outcome in which all that strangers choose is this text."""
    octets = text.encode("utf-8", "surrogatepass")
    return Outcome(
        Lease(Request(Url(f"http://a.test/?{len(text)}")), 1),
        Disposition.FAILED,
        Reason.DNS,
        text,
        response=Response(
            Url("http://a.test/"), 200, ((octets, octets), (b"ETag", octets), (b"Content-Type", OCTETS)), b""
        ),
        page=Page(
            b"\1" * 32, 4, "html", text, text, description=text, language=text, canonical=text, robots=text, text=text,
            data_json=encode(data), links_json=encode([text] if text in FORGED.values() else []),
        ),
    )  # fmt: skip


def records_of(lines: bytes) -> list[dict[str, Any]]:
    """Each line read by two readers of JSON; no name of a field may come twice."""
    assert lines.endswith(b"\n")
    texts = lines.decode("utf-8").splitlines()  # U+2028 and others end a line for Python, too
    assert texts == lines.decode("utf-8").split("\n")[:-1]
    records = [json.loads(text, object_pairs_hook=_once) for text in texts]
    assert records == [orjson.loads(text) for text in texts]
    return records


def _once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def assert_means(record: dict[str, Any], text: str, octets: str) -> None:
    fields = ("detail", "charset", "title", "description", "language", "canonical", "robots", "text")
    assert {name: record[name] for name in fields} == dict.fromkeys(fields, text)
    assert record["headers"] == [[octets, octets], ["ETag", octets], ["Content-Type", OCTETS.decode("latin-1")]]
    assert (record["etag"], record["reason"]) == (octets.strip(" \t"), "dns")


def assert_each_is_one(lines: bytes) -> None:
    texts = {**{text: text for text in FORGED.values()}, **HALVES}
    records = records_of(lines)
    assert len(records) == len(texts)
    for record, (text, whole) in zip(records, texts.items(), strict=True):
        assert_means(record, whole, text.encode("utf-8", "surrogatepass").decode("latin-1"))
        if text in FORGED.values():
            assert (record["data"], record["links"]) == ({text: [text, NUMBERS]}, [text])


def outcomes() -> list[Outcome]:
    return [found(text, {text: [text, NUMBERS]}) for text in FORGED.values()] + [found(text) for text in HALVES]


async def test_a_file_of_records_has_one_line_for_each_outcome_whatever_it_holds(tmp_path: Path) -> None:
    sink = JsonLines(tmp_path / "pages.jsonl", EVERYTHING)
    await sink.rewind(None)
    position = await sink.write(outcomes())
    lines = (tmp_path / "pages.jsonl").read_bytes()
    assert position == {"pages.jsonl": len(lines)}
    assert_each_is_one(lines)


async def test_standard_output_has_one_line_for_each_outcome_whatever_it_holds(
    capfd: pytest.CaptureFixture[str],
) -> None:
    await StandardOutput(EVERYTHING).write(outcomes())
    assert_each_is_one(capfd.readouterr().out.encode())


DATA: dict[str, object] = {
    **{str(number): text for number, text in enumerate(FORGED.values())},
    "keys": dict.fromkeys(FORGED.values(), 1),
    "numbers": NUMBERS,
    "infinite": [math.inf, -math.inf, math.nan],
    "half": "a\ud800b",
    "half of a key": {"\udfff": 1},
    "too large": 2**64,
    "far too large": 10**5000,
    "keys that are no texts": {1: 1, "1": 2},
    "no JSON": object(),
}


def told(content: Content) -> object:
    return DATA[content.url.path[1:].replace("%20", " ")]


async def test_data_of_a_parse_function_is_what_it_returned_or_refused(tmp_path: Path) -> None:
    pages = {f"/{name.replace(' ', '%20')}": html(name) for name in DATA}
    web = Web([Site("a.test", pages)], [f"http://a.test{path}" for path in pages])
    async with open_web(web) as served:
        await crawler.crawl(
            served.seeds, folder=tmp_path / "crawl", parse=told, workers=1, delay_s=0.0, robots="ignore",
            allow_networks=["127.0.0.0/8"],
        )  # fmt: skip
    records = records_of((tmp_path / "crawl" / "pages.jsonl").read_bytes())
    assert len(records) == len(DATA)
    got = {record["title"]: record.get("data", record["reason"]) for record in records}
    refused = ("half", "half of a key", "too large", "far too large", "keys that are no texts", "no JSON")
    assert got == {**DATA, "infinite": [None] * 3, **dict.fromkeys(refused, "parse")}


def test_records_for_standard_output_are_not_made_on_the_loop(capfd: pytest.CaptureFixture[str]) -> None:
    page = Page(b"\1" * 32, text="\xe9\u202e" * (MAX_TEXT // 2))
    many = [Outcome(Lease(Request(Url("http://a.test/")), n), Disposition.FETCHED, page=page) for n in range(4)]
    sink = StandardOutput(EVERYTHING)
    out = ""

    def spent_s() -> float:
        nonlocal out
        spent = cpu_s(lambda: runner.run(sink.write(many)))
        out = capfd.readouterr().out
        return spent

    with asyncio.Runner() as runner:
        check_least(spent_s, 0.05)  # of this thread alone; it was 200 ms
    assert [len(record["text"]) for record in records_of(out.encode())] == [MAX_TEXT] * 4
