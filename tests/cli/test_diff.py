"""`crawl diff`: its exit codes are those of diff(1); table, lines of JSON and page say the same."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from crawler.runtime.escaping import json_line

from .conftest import Crawl

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
EVIL = 'http://a.test/?q="><script>alert(1)</script>'


@pytest.fixture
def crawls(tmp_path: Path) -> None:
    """a.jsonl and b.jsonl, which differ in one change, one move, and a title that attacks."""
    page = {"status": 200, "disposition": "fetched", "length": 5}
    before = [{"url": "http://a.test/", "digest": A, "text": "one\ntwo"}, {"url": "http://a.test/old", "digest": "d"}]
    after = [
        {"url": "http://a.test/", "digest": B, "text": "one\nthree", "title": "<b>\x1b[31m"},
        {"url": EVIL, "digest": "e"},
        {"url": "http://a.test/new", "digest": "d"},
    ]
    for name, records in (("a.jsonl", before), ("b.jsonl", after)):
        (tmp_path / name).write_bytes(b"".join(json_line({**one, **page}) for one in records))


@pytest.mark.usefixtures("crawls")
async def test_the_exit_code_is_that_of_diff(crawl: Crawl) -> None:
    same = await crawl("diff", "a.jsonl", "a.jsonl")
    assert (same.code, same.out.splitlines()[-1], same.err) == (0, "no difference", "")
    assert (await crawl("diff", "a.jsonl", "b.jsonl")).code == 1
    quiet = await crawl("diff", "a.jsonl", "b.jsonl", "-q")
    assert (quiet.code, quiet.out, quiet.err) == (1, "", "")
    missing = await crawl("diff", "a.jsonl", "b.json")
    assert (missing.code, missing.out) == (2, "")
    assert missing.err == "crawl: b.json: no such file; did you mean b.jsonl?\n"


@pytest.mark.usefixtures("crawls")
async def test_the_table_fits_a_terminal(crawl: Crawl) -> None:
    ran = await crawl("diff", "a.jsonl", "b.jsonl")
    lines = ran.out.splitlines()
    assert lines[0] == "a.jsonl: 2 URLs; b.jsonl: 3 URLs"
    assert lines[1] == "added 1 · moved 1 · changed 1"
    assert "~ http://a.test/" in lines
    assert "> http://a.test/old" in lines
    assert "    moved to http://a.test/new (content)" in lines
    assert any(line.startswith("    changed, ") and line.endswith("alike, lines +1 -1") for line in lines)
    assert "\x1b" not in ran.out
    assert max(map(len, lines)) <= 80
    few = await crawl("diff", "a.jsonl", "b.jsonl", "--most", "1")
    assert few.out.splitlines()[-1] == "and 2 more: --most N shows more, --json all"


@pytest.mark.usefixtures("crawls")
async def test_lines_of_json_come_in_one_order(crawl: Crawl) -> None:
    first, second = [await crawl("diff", "a.jsonl", "b.jsonl", "--json") for _ in range(2)]
    assert first == second
    told = [json.loads(line) for line in first.out.splitlines()]
    assert [(one["url"], one["kinds"]) for one in told] == [
        ("http://a.test/", ["changed"]),
        (EVIL, ["added"]),
        ("http://a.test/old", ["moved"]),
    ]
    assert told[0]["lines"] == {"added": 1, "removed": 1, "added_lines": ["three"], "removed_lines": ["two"]}
    assert told[2]["moved_to"] == "http://a.test/new"


@pytest.mark.usefixtures("crawls")
async def test_the_page_needs_nothing_and_nothing_of_it_acts(crawl: Crawl, tmp_path: Path) -> None:
    ran = await crawl("diff", "a.jsonl", "b.jsonl", "--html", "d.html", "-q")
    assert (ran.code, ran.err) == (1, "")
    found = _Tags()
    found.feed((tmp_path / "d.html").read_text())
    assert "script" not in found.names
    assert "b" not in found.names
    assert {name for name, _ in found.loads} == {"a"}
    assert "http://a.test/" in {value for _, value in found.loads}


class _Tags(HTMLParser):
    """The elements of a page, and the addresses that they name."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.loads: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.loads += [(tag, value) for name, value in attrs if name in ("href", "src")]
