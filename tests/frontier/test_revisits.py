"""Pages that come back: when they are due, with what is known of them, behind all that is new, and never twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crawler.frontier import Ended
from crawler.model import Disposition, Lease, Outcome, Page, Reason, Request, Response, Url
from crawler.protocols import Frontier
from tests.defaults import make_terms, open_sqlite
from tests.frontier.conftest import HandClock, Open, deferred, lend, lend_one, links, opened, page, pages, texts

DAY = 86400.0
CONTENT = b"\x07" * 32
VALIDATORS = ((b"ETag", b'"one"'), (b"Last-Modified", b"Thu, 01 Jan 2026 00:00:00 GMT"))


def settled(
    lease: Lease, clock: HandClock, disposition: Disposition = Disposition.FETCHED, *, status: int = 200,
    headers: tuple[tuple[bytes, bytes], ...] = (), page: Page | None = None, after_s: float | None = DAY, **fields: Any,
) -> Outcome:  # fmt: skip
    response = Response(lease.request.url, status, headers)
    return Outcome(
        lease, disposition, response=response, page=page, revisit_in_s=after_s, ended=clock.now, visited_at=wall(clock),
        **fields,
    )  # fmt: skip


def wall(clock: HandClock) -> float:
    return clock.both.wall()


async def revisit(frontier: Frontier, clock: HandClock) -> int:
    """All that is due."""
    total = 0
    while more := await frontier.revisit(wall(clock)):
        total += more
    return total


async def visited(frontier: Frontier, clock: HandClock, **fields: Any) -> Request:
    """The only request that is due, visited."""
    lease = await lend_one(frontier)
    await frontier.settle([settled(lease, clock, **fields)], {})
    return lease.request


async def test_a_page_comes_back_when_it_is_due_and_not_before(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1))
    await visited(frontier, clock)
    assert (frontier.counts().scheduled, frontier.counts().queued, frontier.counts().due_in_s) == (1, 0, DAY)
    assert not await frontier.wait(), "the future holds no run"
    clock.move(DAY - 1)
    assert await revisit(frontier, clock) == 0
    clock.move(1)
    assert await frontier.revisit(wall(clock)) == 1
    assert await frontier.wait()
    counts = frontier.counts()
    assert (counts.known, counts.scheduled, counts.due_in_s, counts.queued, counts.sites) == (1, 0, None, 1, 1)
    assert (await lend_one(frontier)).request.visit == 2


async def test_a_revisit_knows_the_content_before(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1))
    first = await visited(frontier, clock, headers=VALIDATORS, page=Page(CONTENT))
    assert (first.visit, first.etag, first.digest, first.interval_s) == (1, "", b"", 0.0)
    clock.move(DAY)
    await revisit(frontier, clock)
    second = await visited(frontier, clock, disposition=Disposition.UNCHANGED, status=304, after_s=2 * DAY)
    assert (second.visit, second.attempt, second.interval_s) == (2, 1, DAY)
    assert (second.etag, second.last_modified, second.digest) == ('"one"', VALIDATORS[1][1].decode(), CONTENT)
    clock.move(2 * DAY)
    await revisit(frontier, clock)
    third = await visited(frontier, clock, disposition=Disposition.FAILED, status=503)
    assert (third.visit, third.etag, third.digest, third.interval_s) == (3, '"one"', CONTENT, 2 * DAY)
    clock.move(DAY)
    await revisit(frontier, clock)
    fourth = await visited(frontier, clock, disposition=Disposition.REDIRECTED, status=301)
    assert (fourth.visit, fourth.etag, fourth.digest) == (4, '"one"', CONTENT), "a failure forgets nothing"
    clock.move(DAY)
    await revisit(frontier, clock)
    fifth = (await lend_one(frontier)).request
    assert (fifth.visit, fifth.etag, fifth.last_modified, fifth.digest) == (5, "", "", b"")


async def test_an_etag_without_measure_is_not_kept(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1))
    await visited(frontier, clock, headers=((b"ETag", b'"' + b"x" * 5000 + b'"'),), page=Page(CONTENT))
    clock.move(DAY)
    await revisit(frontier, clock)
    assert (await lend_one(frontier)).request.etag == ""


@pytest.mark.parametrize("in_depth_order", [False, True])
async def test_what_is_new_goes_before_what_comes_back(
    open_frontier: Open, clock: HandClock, in_depth_order: bool
) -> None:
    async with open_frontier(in_depth_order=in_depth_order) as frontier:
        await frontier.add(pages("a", 1))
        await visited(frontier, clock)
        clock.move(DAY)
        await revisit(frontier, clock)
        await frontier.add([Request(Url(f"http://a/deep{n}"), depth=7, priority=9) for n in range(20)])
        order = []
        while leases := await lend(frontier, 1):
            order += texts(leases)
            await frontier.settle([settled(lease, clock, after_s=None) for lease in leases], {})
        assert order == [*(f"http://a/deep{n}" for n in range(20)), "http://a/1"]


async def test_a_new_link_on_a_revisited_page_is_followed(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1))
    await visited(frontier, clock, page=page(frontier, "http://a/2"))
    await visited(frontier, clock, after_s=None)
    clock.move(DAY)
    await revisit(frontier, clock)
    await visited(frontier, clock, page=page(frontier, "http://a/1", "http://a/2", "http://a/3"))
    found = (await lend_one(frontier)).request
    assert (found.url.text, found.depth, found.via, found.visit) == ("http://a/3", 1, Url("http://a/1"), 1)


async def test_a_revisit_may_be_tried_again_and_given_back(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1))
    await visited(frontier, clock, headers=VALIDATORS, page=Page(CONTENT))
    clock.move(DAY)
    await revisit(frontier, clock)
    await frontier.release([await lend_one(frontier)])
    await frontier.settle([deferred(await lend_one(frontier), clock, 30)], {})
    assert (frontier.counts().queued, frontier.counts().scheduled) == (1, 0)
    clock.move(30)
    assert await revisit(frontier, clock) == 0
    again = await visited(frontier, clock)
    assert (again.visit, again.attempt, again.etag) == (2, 2, '"one"')
    clock.move(DAY)
    await revisit(frontier, clock)
    assert (await lend_one(frontier)).request.attempt == 1, "attempts are counted anew at each visit"


async def test_revisits_wait_for_the_turn_of_their_site(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1, 2))
    for _ in range(2):
        await visited(frontier, clock)
    clock.move(DAY)
    assert await revisit(frontier, clock) == 2
    await frontier.settle([settled(await lend_one(frontier), clock, rest_s=10)], {})
    assert await lend(frontier, 9) == []
    clock.move(10)
    assert len(await lend(frontier, 9)) == 1


async def test_hundreds_come_back_once_each_the_longest_overdue_first(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(Request(Url(f"http://s{n % 7}/{n}")) for n in range(600))
    while leases := await lend(frontier, 7):
        await frontier.settle([settled(lease, clock) for lease in leases], {})
    clock.move(DAY)
    assert await frontier.revisit(wall(clock)) < 600, "queued in parts, so that visits may begin"
    await revisit(frontier, clock)
    lent: list[str] = []
    while leases := await lend(frontier, 50):
        lent += texts(leases)
        await frontier.settle([settled(lease, clock) for lease in leases], {})
    assert sorted(lent) == sorted(f"http://s{n % 7}/{n}" for n in range(600))
    assert frontier.counts().scheduled == 600
    assert frontier.counts().settled == {Disposition.FETCHED: 1200}


async def test_a_page_that_is_asked_for_again_is_no_longer_the_first_that_is_due(
    frontier: Frontier, clock: HandClock
) -> None:
    first, second = *pages("a", 1), *pages("b", 1)
    for request, after_s in ((first, DAY), (second, 2 * DAY)):
        await frontier.add([request])
        await visited(frontier, clock, after_s=after_s)
    assert await frontier.add_again([first]) == 1
    assert (frontier.counts().scheduled, frontier.counts().due_in_s) == (1, 2 * DAY)
    assert await frontier.add_again([second]) == 1
    assert (frontier.counts().scheduled, frontier.counts().due_in_s) == (0, None)


async def test_what_is_excluded_leaves_the_schedule_and_nothing_else_does(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1))
    await visited(frontier, clock)
    clock.move(DAY)
    await revisit(frontier, clock)
    await visited(frontier, clock, disposition=Disposition.FAILED, reason=Reason.INTERNAL, after_s=None)
    assert frontier.counts().due_in_s == DAY, "as long as before"
    clock.move(DAY)
    await revisit(frontier, clock)
    await visited(frontier, clock, disposition=Disposition.EXCLUDED, reason=Reason.OUT_OF_SCOPE, after_s=None)
    assert (frontier.counts().scheduled, frontier.counts().due_in_s) == (0, None)


async def test_what_was_excluded_when_it_came_back_may_be_taken_back_later(
    open_frontier: Open, clock: HandClock
) -> None:
    async with open_frontier(revisit_after_s=DAY) as frontier:
        await frontier.add(pages("a", 1))
        await visited(frontier, clock)
        clock.move(DAY)
        await revisit(frontier, clock)
        assert await frontier.take_back(Ended(("out-of-scope",))) == 0, "it is queued"
        out = {"disposition": Disposition.EXCLUDED, "reason": Reason.OUT_OF_SCOPE, "after_s": None}
        await visited(frontier, clock, **out)
        for visit in (3, 4):
            assert await frontier.take_back(Ended(("out-of-scope",))) == 1
            assert await frontier.take_back(Ended(("out-of-scope",))) == 0, "it is queued"
            assert (await visited(frontier, clock, **out)).visit == visit


async def test_a_content_belongs_to_its_page_while_it_stands_there(frontier: Frontier, clock: HandClock) -> None:
    """A copy is told from the original after revisits as before, until the original changes."""
    await frontier.add(pages("a", 1))
    lease = await lend_one(frontier)
    await frontier.claim(CONTENT, lease)
    await frontier.settle([settled(lease, clock, page=Page(CONTENT))], {})
    clock.move(DAY)
    await revisit(frontier, clock)
    original = await visited(frontier, clock, disposition=Disposition.UNCHANGED, status=304)
    await frontier.add(pages("b", 1))
    copy = await lend_one(frontier)
    assert await frontier.claim(CONTENT, copy) == original.url
    clock.move(DAY)
    await revisit(frontier, clock)
    [changed] = await lend(frontier, 1)
    other = b"\x08" * 32
    assert await frontier.claim(other, changed) == original.url
    await frontier.settle([settled(changed, clock, page=Page(other))], {})
    assert await frontier.claim(CONTENT, copy) == copy.request.url


async def test_a_page_that_a_sitemap_says_to_have_changed_is_due(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier(revisit_after_s=DAY) as frontier:
        await frontier.add(pages("a", *range(5)))
        for _ in range(5):
            await visited(frontier, clock, after_s=10 * DAY)
        clock.move(5 * DAY)
        await frontier.add(pages("a", 9))
        now, visit = int(wall(clock)), int(wall(clock) - 5 * DAY)
        said = {0: visit + 60, 1: visit - 60, 2: now + 99 * int(DAY), 3: 0, 7: now}
        packed = links(frontier.key, *(f"http://a/{n}" for n in said))
        modified = b"".join(seconds.to_bytes(4, "little") for seconds in said.values())
        await visited(frontier, clock, page=Page(b"", kind="sitemap", news=replace(packed, modified=modified)))
        assert await revisit(frontier, clock) == 1
        assert sorted(texts(await lend(frontier, 1))) == ["http://a/7"], "new, and goes first"


async def test_a_hint_counts_once(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier(revisit_after_s=DAY) as frontier:
        await frontier.add(pages("a", 1))
        await visited(frontier, clock, after_s=10 * DAY)
        clock.move(DAY)
        said = replace(links(frontier.key, "http://a/1"), modified=int(wall(clock) - 60).to_bytes(4, "little"))
        for n in (7, 8):
            await frontier.add(pages("a", n))
            await visited(frontier, clock, page=Page(b"", news=said), after_s=None)
        assert await revisit(frontier, clock) == 1
        assert (await visited(frontier, clock, after_s=10 * DAY)).url.path == "/1"
        await frontier.add(pages("a", 9))
        await visited(frontier, clock, page=Page(b"", news=said), after_s=None)
        assert await revisit(frontier, clock) == 0, "it was visited since"


# -- on disk ---------------------------------------------------------------------------------------------------------

ON: dict[str, Any] = {"revisit_after_s": DAY}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frontier.sqlite"


async def test_the_schedule_survives_a_restart_at_every_step(path: Path, clock: HandClock) -> None:
    async with opened(path, clock, **ON) as frontier:
        await frontier.add(pages("a", 1))
        await visited(frontier, clock, headers=VALIDATORS, page=Page(CONTENT))
    clock.move(DAY)
    async with opened(path, clock, **ON) as frontier:
        assert (frontier.counts().scheduled, frontier.counts().due_in_s) == (1, 0.0)
        await revisit(frontier, clock)
    async with opened(path, clock, **ON) as frontier:  # queued
        assert (frontier.counts().scheduled, frontier.counts().queued) == (0, 1)
        assert await revisit(frontier, clock) == 0
        await lend_one(frontier)
    async with opened(path, clock, **ON) as frontier:  # out
        await frontier.settle([deferred(await lend_one(frontier), clock, 30)], {})
    clock.move(30)
    async with opened(path, clock, **ON) as frontier:  # waiting for another attempt
        assert await revisit(frontier, clock) == 0
        request = await visited(frontier, clock, disposition=Disposition.UNCHANGED, status=304, after_s=2 * DAY)
        assert (request.visit, request.attempt, request.interval_s) == (2, 2, DAY)
        assert (request.etag, request.digest) == ('"one"', CONTENT)
    clock.move(DAY)
    async with opened(path, clock, **ON) as frontier:
        assert await revisit(frontier, clock) == 0
        clock.move(DAY)
        await revisit(frontier, clock)
        assert (await lend_one(frontier)).request.interval_s == 2 * DAY


async def test_pages_visited_while_revisits_were_off_are_on_schedule_once_they_are_on(
    path: Path, clock: HandClock
) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add(pages("a", 1, 2))
        await visited(frontier, clock, page=Page(CONTENT), after_s=None)
        await visited(
            frontier, clock, disposition=Disposition.EXCLUDED, reason=Reason.OUT_OF_SCOPE, after_s=None, status=0
        )
        assert frontier.counts().scheduled == 0
    clock.move(DAY)
    async with opened(path, clock, **ON) as frontier:
        assert await revisit(frontier, clock) == 1
        request = await visited(frontier, clock)
        assert (request.url.path, request.visit, request.digest) == ("/1", 2, CONTENT)
    async with opened(path, clock) as frontier:
        assert frontier.counts().scheduled == 0
        await frontier.add(pages("a", 3))
        await visited(frontier, clock, after_s=None)
    clock.move(DAY)
    async with opened(path, clock, **ON) as frontier:
        assert await revisit(frontier, clock) == 2
        assert sorted([(await visited(frontier, clock)).visit for _ in range(2)]) == [2, 3]


async def test_revisits_of_a_long_queue_are_lent_whole_though_little_of_it_is_in_memory(
    path: Path, clock: HandClock
) -> None:
    async with open_sqlite(path, make_terms(4, **ON), clock=clock.both, most_sites=3, most_entries=16) as frontier:
        await frontier.add(Request(Url(f"http://s{n % 5}/{n}")) for n in range(500))
        for visit in (1, 2, 3):
            lent: list[str] = []
            while frontier.counts().queued:
                leases = await frontier.lease(8)
                lent += texts(leases)
                assert {lease.request.visit for lease in leases} <= {visit}
                outcomes = [settled(lease, clock, headers=VALIDATORS, page=Page(CONTENT)) for lease in leases]
                await frontier.settle(outcomes, {})
            assert sorted(lent) == sorted(f"http://s{n % 5}/{n}" for n in range(500))
            clock.move(DAY)
            assert await revisit(frontier, clock) == 500


async def test_the_file_tells_when_a_url_is_visited_again(path: Path, clock: HandClock) -> None:
    async with opened(path, clock, **ON) as frontier:
        await frontier.add(pages("a", 1))
        url = (await visited(frontier, clock, page=Page(b"", news=links(frontier.key, "http://a/2")))).url
        known = await frontier.find(url)
        assert known
        assert (known.standing, known.visits, known.revisit_due) == ("done", 1, wall(clock) + DAY)
        clock.move(DAY)
        await revisit(frontier, clock)
        known = await frontier.find(url)
        assert known
        assert (known.standing, known.visits, known.revisit_due) == ("queued", 1, None)
        fresh = await frontier.find(Url("http://a/2"))
        assert fresh
        assert (fresh.standing, fresh.visits) == ("queued", 0)
