"""A look at a frontier's file, whoever holds it, that leaves everything as it was."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import pytest

from crawler.errors import FrontierError
from crawler.frontier import Look, look
from crawler.model import Page, Reason, Url

from .conftest import HandClock, deferred, fetched, lend, lend_one, links, opened, pages

LOOKED = """
import sys
from pathlib import Path
from crawler.frontier import look
from crawler.model import Url
for name in sys.argv[2:]:
    known = look(Path(sys.argv[1]), lambda look: look.find(Url(name)))
    print(known and (known.standing, known.depth, [via.text for via in known.via], known.root and known.root.text))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frontier.sqlite"


async def test_another_process_may_look_while_one_crawls(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add(pages("a", 1, 2))
        seed = await lend_one(frontier)
        page = Page(b"", news=links(frontier.key, "http://b/"))
        await frontier.settle([fetched(seed, clock, page=page)], {})
        before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
        asked = ["http://a/1", "http://b/", "http://nowhere/"]
        ran = await anyio.run_process([sys.executable, "-c", LOOKED, path, *asked])
        assert ran.stdout.decode().splitlines() == [
            "('done', 0, [], None)",
            "('queued', 1, ['http://a/1'], 'http://a/1')",
            "None",
        ]
        assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before
        assert await frontier.add(pages("c", 1)) == 1
    async with opened(path, clock) as frontier:
        assert frontier.counts().known == 4


async def test_a_look_tells_turns_roots_and_counts(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add([*pages("a", 1, 2), *pages("b", 1)])
        first, second = await lend(frontier, 2)
        await frontier.settle([fetched(first, clock, rest_s=5), deferred(second, clock, 60, Reason.DNS)], {})

    def asked(seen: Look) -> tuple[object, ...]:
        return seen.site("http://a"), seen.site("http://z"), seen.roots(2), seen.queued(), seen.settled()

    assert look(path, lambda seen: seen.busiest(1)) == [("http://a", 1, clock.both.wall() + 5)]
    turn, nothing, roots, queued, settled = look(path, asked)
    assert turn == (1, clock.both.wall() + 5)
    assert nothing is None
    assert roots == [Url("http://a/1"), Url("http://a/2")]
    assert (queued, settled) == (2, {"fetched": 1})


async def test_a_file_that_changes_meanwhile_is_looked_at_again(path: Path, clock: HandClock) -> None:
    async with opened(path, clock):
        pass
    seen = 0

    def asked(look: Look) -> int:
        nonlocal seen
        seen += 1
        if seen < 3:
            path.touch()
        return seen

    assert look(path, asked) == 3


def test_what_is_no_frontier_is_told_as_such(path: Path) -> None:
    with pytest.raises(FrontierError, match="No such file"):
        look(path, lambda look: None)
    path.write_text("something else entirely")
    with pytest.raises(FrontierError, match="not a crawl's frontier"):
        look(path, lambda look: None)
    assert list(path.parent.iterdir()) == [path]
