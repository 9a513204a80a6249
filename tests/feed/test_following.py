"""Each change is told once, behind a cursor that outlives kills, further runs and the loss of the feed's own file."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import crawler
from crawler import ConfigError, FolderError, PageChange, follow_changes, read_folder
from crawler.feed import NAME, Cursor, open_feed
from crawler.sinks.jsonl import JsonLinesReader
from crawler.testing import Page, Site, Web, error, html, open_web, redirect
from tests.export.conftest import MakeFolder, page
from tests.test_revisit import in_editions, run

from .webs import DAY, START
from .webs import Site as MadeUp

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def told(changes: list[PageChange]) -> list[tuple[str, str]]:
    return [(one.kind, one.url) for one in changes]


async def test_real_revisits_tell_what_is_new_changed_and_moved_and_say_gone_of_nothing(tmp_path: Path) -> None:
    pages: dict[str, Page] = {
        "/": html("Home", ["/same", "/news", "/old", "/lost"]),
        "/same": html("Same"),
        "/news": in_editions(html("News"), html("News"), html("More news")),
        "/old": in_editions(html("Old"), redirect("/new", 301)),
        "/new": html("New"),
        "/lost": in_editions(html("Lost"), error(404)),
    }
    folder, since, seen = tmp_path / "c", "", list[list[tuple[str, str]]]()
    async with open_web(Web([Site("a.test", pages)])) as served:
        home = served.url("a.test").rstrip("/")
        for _ in range(5):
            await run(served, folder)
            changes = list(follow_changes(read_folder(folder, crawler.Config()), since))
            seen.append([(kind, url.removeprefix(home)) for kind, url in told(changes)])
            since = changes[-1].cursor if changes else since
    assert sorted(seen[0]) == [("new", path) for path in ("/", "/lost", "/news", "/old", "/same")]
    assert sorted(seen[1]) == [("moved", "/old"), ("new", "/new")]
    assert seen[2:] == [[("changed", "/news")], [], []]


def test_a_page_that_comes_back_is_new_again(make: MakeFolder) -> None:
    def visit(number: int, **values: Any) -> dict[str, object]:
        return page("http://a.test/", visit=number, fetched_at=f"2026-11-{number:02}T00:00:00Z", **values)

    moved: dict[str, Any] = {"status": 301, "disposition": "redirected", "location": "http://a.test/new"}
    changes = list(follow_changes(make([visit(1, digest=A), visit(2, **moved), visit(3, **moved), visit(4, digest=A)])))
    assert [(one.kind, one.again, one.moved_to) for one in changes] == [
        ("new", False, None),
        ("moved", False, "http://a.test/new"),
        ("new", True, None),
    ]


def test_a_temporary_redirect_is_a_move_when_it_is_repeated_while_the_site_is_well(make: MakeFolder) -> None:
    records = [page("http://a.test/", digest=A), page("http://a.test/other", digest=A)]
    for number in range(2, 5):
        moved: dict[str, Any] = {"status": 302, "disposition": "redirected", "location": "http://a.test/login"}
        at = f"2026-11-{number:02}T00:00:00Z"
        records.append(page("http://a.test/", visit=number, fetched_at=at, **moved))
        if number > 2:
            records.append(page("http://a.test/other", visit=number, fetched_at=at, digest=A))
    assert [(one.kind, one.visit) for one in follow_changes(make(records))] == [("new", 1), ("new", 1), ("moved", 4)]


def test_a_cursor_gives_what_comes_after_it_also_when_the_file_of_the_feed_is_lost(make: MakeFolder) -> None:
    records = [page(f"http://a.test/{n}", digest=A) for n in range(10)]
    folder = make(records)
    first = list(follow_changes(folder))
    folder = make([*records, page("http://a.test/3", visit=2, digest=B)])
    (folder.path / NAME).unlink()
    again = list(follow_changes(folder, first[6].cursor))
    assert again[:3] == first[7:]
    assert told(again[3:]) == [("changed", "http://a.test/3")]
    assert again[3].digest_before == A
    assert list(follow_changes(folder, again[3].cursor)) == []


def test_records_that_stand_elsewhere_now_are_not_told_again(make: MakeFolder) -> None:
    records = [page(f"http://a.test/{n}", digest=A) for n in range(10)]
    first = list(follow_changes(make(records)))
    mended = make([*records[:4], *records[5:], records[4], page("http://a.test/11", digest=A)])
    assert told(list(follow_changes(mended, first[-1].cursor))) == [("new", "http://a.test/11")]


@pytest.mark.parametrize("text", ["x", "?", "a" * 500, Cursor("0" * 16, 1).text, "MS4"])
def test_what_is_no_cursor_of_this_crawl_is_refused(make: MakeFolder, text: str) -> None:
    folder = make([page("http://a.test/", digest=A)])
    with pytest.raises(ConfigError, match="--since"):
        list(follow_changes(folder, text))


def test_lines_that_are_no_records_are_passed_over(make: MakeFolder) -> None:
    folder = make([page("http://a.test/", digest=A)])
    with (folder.path / "pages.jsonl").open("ab") as file:
        file.write(
            b'{"v":1}\nx\n{"v":1,"url":"http://a.test/1","visit":1,"fetched_at":"never","disposition":"fetched"}\n[]\n'
        )
    assert told(list(follow_changes(folder))) == [("new", "http://a.test/")]


def test_a_folder_without_records_says_so(tmp_path: Path) -> None:
    from crawler.folder.folder import open_folder

    with open_folder(tmp_path / "a", crawler.Config(sinks=(crawler.SinkConfig(kind="warc"),))):
        pass
    with pytest.raises(FolderError, match="no output that can be read back"):
        list(follow_changes(read_folder(tmp_path / "a", crawler.Config())))


SCRIPT = """
import sys
from pathlib import Path
from typing import Any
from crawler.feed import open_feed
from crawler.sinks.jsonl import JsonLinesReader
reader = JsonLinesReader(Path(sys.argv[1]))
print("begins", flush=True)
with open_feed(Path(sys.argv[2])) as feed:
    feed.take(reader, reader.end())
"""


def test_kills_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    path, kept = tmp_path / "pages.jsonl", tmp_path / "feed.sqlite"
    site = MadeUp("a.test", 3000, 12, gone={7: START + DAY})
    path.write_bytes(b"".join(line for _, line in site.lines()))
    for pause_s in (0.02, 0.1, 0.2):
        with subprocess.Popen([sys.executable, "-c", SCRIPT, path, kept], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(pause_s)  # somewhere in the middle; that it is the middle matters little
            process.kill()
    reader = JsonLinesReader(path)
    with open_feed(kept) as killed, open_feed(None) as whole:
        for feed in (killed, whole):
            feed.take(reader, reader.end())
        assert list(killed.changes()) == list(whole.changes())
        assert len(list(whole.changes())) == 3001
