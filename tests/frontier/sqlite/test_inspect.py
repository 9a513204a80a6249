"""A look at a frontier's file, whoever holds it, that leaves everything as it was."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from crawler.errors import FrontierError
from crawler.frontier import Ended, Left, Look, Root, look
from crawler.model import Disposition, LeftOut, Outcome, Page, Reason, Url
from crawler.standing import Trap

from ..conftest import HandClock, deferred, fetched, lend, lend_one, links, opened, pages

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
    assert roots == [Root(1, Url("http://a/1"), None), Root(2, Url("http://a/2"), None)]
    assert (queued, settled) == (2, {"fetched": 1})


async def test_what_waits_and_what_is_queued_again_is_told(path: Path, clock: HandClock) -> None:
    trap, wall = "http://a/#", "http://b/**"
    async with opened(path, clock, per_site=9) as frontier:
        await frontier.add([*pages("a", 1, 2, 3), *pages("b", 1), *pages("c", 1, 2, 3)])
        leases = {lease.request.url.text: lease for lease in await lend(frontier, 7)}
        held = [(f"http://a/{n}", trap, Reason.TRAP) for n in (1, 2)] + [("http://b/1", wall, Reason.BLOCKED)]
        settled = [Outcome(leases[url], Disposition.PARKED, reason, pattern=pattern) for url, pattern, reason in held]
        settled += [
            Outcome(leases["http://c/1"], Disposition.FAILED, Reason.DNS),
            fetched(leases["http://c/2"], clock, page=Page(b"", n_links=1, left_out=LeftOut.DEPTH)),
            fetched(leases["http://c/3"], clock, page=Page(b"")),
            fetched(leases["http://a/3"], clock, page=Page(b"")),
        ]
        await frontier.settle(settled, {})

    def asked(seen: Look) -> list[tuple[object, ...]]:
        known = [seen.find(Url(f"http://{name}")) for name in ("a/1", "b/1", "c/1", "c/2", "c/3")]
        return [(one.standing, one.pattern, one.parked_for, one.is_reread) for one in known if one]

    before = [
        ("parked", trap, Reason.TRAP, False),
        ("parked", wall, Reason.BLOCKED, False),
        *[("done", "", None, False)] * 3,
    ]
    assert look(path, asked) == before
    assert look(path, lambda seen: (seen.parked(), seen.parkings())) == (
        3,
        [Trap(trap, 0, 0, 2, ("http://a/1", "http://a/2")), Trap(wall, 0, 0, 1, ("http://b/1",), Reason.BLOCKED)],
    )
    assert look(path, lambda seen: seen.parking("http://z/#")) is None
    async with opened(path, clock) as frontier:
        await frontier.unpark([trap])
        await frontier.take_back(Ended(("dns",)))
        await frontier.take_back(Left(LeftOut.DEPTH))
    queued = ("queued", "", None, False)
    assert look(path, asked) == [queued, before[1], queued, ("queued", "", None, True), before[4]]


async def test_a_file_of_the_first_layout_is_looked_at_as_it_is(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add(pages("a", 1, 2))
        await frontier.settle([fetched(await lend_one(frontier), clock, page=Page(b""))], {})
    with closing(sqlite3.connect(path)) as file:
        file.executescript("""
            DROP TABLE parked; DROP TABLE parking; DROP TABLE reread; DROP TABLE outside;
            ALTER TABLE visit DROP COLUMN left_out; ALTER TABLE pattern RENAME COLUMN parked TO refused;
            PRAGMA user_version = 1;
        """)

    def asked(seen: Look) -> tuple[object, ...]:
        known = [seen.find(url) for url in (Url("http://a/1"), Url("http://a/2"))]
        return [one and one.standing for one in known], seen.trap(Url("http://a/1")), seen.parkings(), seen.parked()

    assert look(path, asked) == (["done", "queued"], None, [], 0)


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
