"""What is parked, what failed and what was left out comes back when somebody says so, over every frontier."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from crawler import urls
from crawler.frontier import Ended, Left
from crawler.model import Disposition, Lease, LeftOut, Outcome, Page, Reason, Request, Url
from crawler.protocols import Frontier
from crawler.standing import Rows
from tests.frontier.conftest import HandClock, Open, fetched, lend, lend_one, links, page, pages, texts

TRAP = "http://a/#"


@pytest.fixture
async def frontier(open_frontier: Open) -> AsyncIterator[Frontier]:
    async with open_frontier(per_site=100) as frontier:
        yield frontier


def parked(lease: Lease, pattern: str = TRAP, reason: Reason = Reason.TRAP) -> Outcome:
    return Outcome(lease, Disposition.PARKED, reason, pattern=pattern)


def failed(lease: Lease, reason: Reason = Reason.DNS) -> Outcome:
    return Outcome(lease, Disposition.FAILED, reason)


def read(lease: Lease, frontier: Frontier, *found: str, **said: Any) -> Outcome:
    made = replace(page(frontier, *found), n_links=len(found), **said)
    return Outcome(lease, Disposition.FETCHED, page=made)


async def settle_all(frontier: Frontier, *outcomes: Outcome) -> None:
    await frontier.settle(outcomes, {"sink": {"pages": 1}})


# -- parked ----------------------------------------------------------------------------------------------------------


async def test_what_is_parked_is_neither_queued_nor_lost(frontier: Frontier) -> None:
    await frontier.add(pages("a", 1, 2, 3))
    for lease in await _all(frontier):
        await settle_all(frontier, parked(lease))
    counts = frontier.counts()
    assert (counts.known, counts.queued, counts.parked, counts.settled) == (3, 0, 3, {})
    [trap] = counts.traps
    assert (trap.pattern, trap.parked, trap.examples, trap.reason) == (
        TRAP, 3, ("http://a/1", "http://a/2"), Reason.TRAP,
    )  # fmt: skip
    assert not await frontier.wait()


async def test_parked_urls_come_back_with_their_pattern_and_only_these(frontier: Frontier) -> None:
    await frontier.add([*pages("a", 1, 2), *pages("b", 1)])
    for lease in await _all(frontier):
        site = lease.request.url.site
        await settle_all(frontier, parked(lease, f"{site}/#"))
    assert await frontier.unpark([TRAP]) == 2
    assert texts(await _all(frontier)) == ["http://a/1", "http://a/2"]
    assert (frontier.counts().parked, [trap.pattern for trap in frontier.counts().traps]) == (1, ["http://b/#"])
    assert await frontier.unpark() == 1


async def test_what_is_parked_waits_over_a_restart(open_frontier: Open) -> None:
    async with open_frontier(per_site=100) as frontier:
        await frontier.add(pages("a", 1, 2))
        for lease in await _all(frontier):
            await settle_all(frontier, parked(lease, "http://a/**", Reason.BLOCKED))
        is_kept = frontier.durable is not None
    async with open_frontier(per_site=100) as frontier:
        if is_kept:
            [trap] = frontier.counts().traps
            assert (trap.parked, trap.reason, frontier.counts().queued) == (2, Reason.BLOCKED, 0)
            assert await frontier.parked(Reason.BLOCKED) == ["http://a/**"]
            assert await frontier.unpark() == 2
            assert len(await _all(frontier)) == 2


# -- visited once more -----------------------------------------------------------------------------------------------


async def test_what_failed_is_visited_once_more_as_a_further_visit(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier(per_site=100) as frontier:
        await frontier.add(pages("a", 1, 2, 3))
        one, two, three = await _all(frontier)
        await settle_all(frontier, failed(one), failed(two, Reason.TLS), fetched(three, clock))
        assert await frontier.take_back(Ended(("dns",))) == 1
        assert await frontier.take_back(Ended(("dns",))) == 0, "it is queued already"
        assert frontier.counts().settled == {Disposition.FAILED: 1, Disposition.FETCHED: 1}
        assert frontier.counts().queued == 1
        is_kept = frontier.durable is not None
        if not is_kept:
            await _expect_second_visit(frontier)
    if is_kept:
        async with open_frontier(per_site=100) as frontier:
            await _expect_second_visit(frontier)
            await frontier.take_back(Ended(("dns",)))
            [third] = await _all(frontier)
            assert third.request.visit == 3


async def _expect_second_visit(frontier: Frontier) -> None:
    [again] = await _all(frontier)
    assert (again.request.url.text, again.request.visit, again.request.attempt) == ("http://a/1", 2, 1)
    await settle_all(frontier, failed(again))
    counts = frontier.counts()
    assert (counts.settled[Disposition.FAILED], counts.queued, counts.scheduled) == (2, 0, 0)


async def test_a_seed_that_failed_is_tried_again_when_it_is_given_again(frontier: Frontier) -> None:
    await frontier.add(pages("a", 1, 2))
    one, two = await _all(frontier)
    await settle_all(frontier, failed(one), read(two, frontier))
    assert await frontier.add(pages("a", 1, 2)) == 0
    assert await frontier.revive(("dns", "timeout")) == 1
    assert await frontier.revive(("dns",)) == 0, "they were looked at"
    assert [lease.request.visit for lease in await _all(frontier)] == [2]


async def test_a_known_url_is_a_seed_once_it_is_given(frontier: Frontier) -> None:
    await frontier.add(pages("a", 1))
    await settle_all(frontier, read(await lend_one(frontier), frontier, "http://b/9"))
    assert await frontier.add(pages("b", 9)) == 0
    assert await frontier.revive(()) == 0
    [lease] = await _all(frontier)
    request = lease.request
    assert (request.depth, request.via, request.seed, request.root) == (0, None, None, None)


async def test_answers_that_were_no_content_are_visited_once_more(frontier: Frontier) -> None:
    await frontier.add(pages("a", 1, 2))
    one, two = await _all(frontier)
    await settle_all(frontier, read(one, frontier))
    await settle_all(frontier, replace(failed(two, Reason.SOFT_OUTAGE), repeats=(one.token,)))
    assert await frontier.wait()
    [again] = await _all(frontier)
    assert (again.request.url, again.request.visit) == (one.request.url, 2)
    assert frontier.counts().settled == {Disposition.FETCHED: 0, Disposition.FAILED: 1}


async def test_a_url_that_several_name_at_once_is_visited_once_more(frontier: Frontier) -> None:
    await frontier.add(pages("a", 1, 2, 3, 4))
    first, *others = await _all(frontier)
    await settle_all(frontier, read(first, frontier))
    naming = [replace(failed(one, Reason.SOFT_OUTAGE), repeats=(first.token, first.token)) for one in others]
    async with asyncio.TaskGroup() as tasks:  # none waits for what another one's look brings
        for outcome in naming:
            tasks.create_task(settle_all(frontier, outcome))
    assert await frontier.wait()
    [again] = await _all(frontier)
    assert (again.request.url, again.request.visit) == (first.request.url, 2)
    await settle_all(frontier, read(again, frontier))
    assert not await frontier.wait()
    assert frontier.counts().settled == {Disposition.FETCHED: 1, Disposition.FAILED: 3}


# -- read again ------------------------------------------------------------------------------------------------------


async def test_a_page_whose_links_were_left_out_is_read_again_and_its_visit_stands(open_frontier: Open) -> None:
    async with open_frontier(per_site=100) as frontier:
        await frontier.add(pages("a", 1, 2))
        one, two = await _all(frontier)
        depth = {"left_out": int(LeftOut.DEPTH)}
        await settle_all(frontier, read(one, frontier, **depth), read(two, frontier, left_out=int(LeftOut.REACH)))
        assert await frontier.left_out() == {LeftOut.DEPTH: 1, LeftOut.REACH: 1}
        assert await frontier.take_back(Left(int(LeftOut.DEPTH))) == 1
        assert await frontier.take_back(Left(int(LeftOut.DEPTH))) == 0, "it is queued already"
        is_kept = frontier.durable is not None
        if not is_kept:
            await _expect_reread(frontier)
    if is_kept:
        async with open_frontier(per_site=100) as frontier:
            await _expect_reread(frontier)


async def _expect_reread(frontier: Frontier) -> None:
    [again] = await _all(frontier)
    assert (again.request.url.text, again.request.is_reread) == ("http://a/1", True)
    await settle_all(frontier, read(again, frontier, "http://a/7"))
    assert frontier.counts().settled == {Disposition.FETCHED: 2}
    assert await frontier.left_out() == {LeftOut.REACH: 1}
    assert texts(await _all(frontier)) == ["http://a/7"]


async def test_a_page_that_was_read_again_gives_up_its_claim(frontier: Frontier) -> None:
    """Else all that says the same later would be a duplicate of a visit that has no record."""
    await frontier.add(pages("a", 1))
    [lease] = await _all(frontier)
    await settle_all(frontier, read(lease, frontier, left_out=int(LeftOut.REACH)))
    assert await frontier.take_back(Left(int(LeftOut.REACH))) == 1
    [again] = await _all(frontier)
    await frontier.claim(b"x" * 32, again)
    await settle_all(frontier, read(again, frontier))
    await frontier.add(pages("b", 1))
    [other] = await _all(frontier)
    assert await frontier.claim(b"x" * 32, other) == other.request.url


async def test_a_page_that_cannot_be_read_again_keeps_what_is_known_of_it(frontier: Frontier) -> None:
    await frontier.add(pages("a", 1))
    await settle_all(frontier, read(await lend_one(frontier), frontier, left_out=int(LeftOut.DEPTH)))
    for _ in range(2):
        assert await frontier.take_back(Left(int(LeftOut.DEPTH))) == 1
        await settle_all(frontier, failed(await lend_one(frontier)))
    assert frontier.counts().settled == {Disposition.FETCHED: 1}


async def test_a_late_seed_makes_pages_that_link_there_worth_reading_again(frontier: Frontier) -> None:
    await frontier.add(pages("a", 1, 2))
    one, two = await _all(frontier)
    place = urls.fingerprints(["b"], frontier.key)
    await settle_all(frontier, read(one, frontier, outside=place), read(two, frontier))
    number = int.from_bytes(place, "little")
    found, mark = await frontier.reread_links_to([number], 0, done := set[int]())
    assert (found, done) == (1, {one.token})
    assert texts(await _all(frontier)) == ["http://a/1"]
    assert await frontier.reread_links_to([number], mark, set()) == (0, mark)
    assert await frontier.reread_links_to([number + 1], 0, set()) == (0, mark)


# -- shorter ways ----------------------------------------------------------------------------------------------------


async def test_a_page_at_the_limit_is_read_again_when_a_shorter_way_to_it_is_found(open_frontier: Open) -> None:
    async with open_frontier(in_depth_order=True, per_site=100) as frontier:
        await frontier.add(pages("a", 1))
        await settle_all(frontier, read(await lend_one(frontier), frontier, "http://b/1"))
        below = await lend_one(frontier)
        await settle_all(frontier, read(below, frontier, "http://c/1", left_out=int(LeftOut.DEPTH)))
        await frontier.add(pages("b", 1))
        again, leaf = sorted(await _all(frontier), key=lambda lease: lease.request.url.text)
        assert (again.request.url.text, again.request.depth, again.request.is_reread) == ("http://b/1", 0, True)
        assert again.request.via is None
        await settle_all(frontier, read(again, frontier, "http://c/1", "http://d/1"))
        [found] = await _all(frontier)
        assert (found.request.url.text, found.request.depth, found.request.origin.text) == (
            "http://d/1", 1, "http://b/1",
        )  # fmt: skip
        await frontier.release([leaf])
        assert (await lend_one(frontier)).request.depth == 1, "nearer since its page is"


async def test_a_shorter_way_found_while_a_page_is_fetched_counts_when_it_is_settled(open_frontier: Open) -> None:
    async with open_frontier(in_depth_order=True, per_site=100) as frontier:
        await frontier.add([Request(Url("http://a/1"), 3, via=Url("http://x/"), seed=Url("http://x/"))])
        out = await lend_one(frontier)
        await frontier.add([Request(Url("http://a/1"), 1, via=Url("http://y/"), seed=Url("http://x/"))])
        left_out = int(LeftOut.DEPTH)
        await settle_all(frontier, read(out, frontier, "http://b/1", left_out=left_out))
        again, link = sorted(await _all(frontier), key=lambda lease: lease.request.url.text)
        assert (again.request.is_reread, again.request.depth, link.request.depth) == (True, 1, 2)


async def test_what_its_owner_notes_is_there_the_next_time(open_frontier: Open) -> None:
    async with open_frontier(per_site=100) as frontier:
        await frontier.note("a", {"b": [1, None]})
        await frontier.note("row", 7)
        assert await frontier.notes() == {"a": {"b": [1, None]}, "row": 7}
        is_kept = frontier.durable is not None
    async with open_frontier(per_site=100) as frontier:
        assert await frontier.notes() == ({"a": {"b": [1, None]}, "row": 7} if is_kept else {})


@pytest.mark.parametrize("number", [0, 300])
async def test_any_number_comes_back(frontier: Frontier, number: int) -> None:
    await frontier.add(pages("a", *range(number)))
    while leases := await lend(frontier, 100):
        await settle_all(frontier, *(failed(lease) for lease in leases))
    assert await frontier.take_back(Ended(("dns",))) == number
    assert frontier.counts().queued == number
    assert await frontier.take_back(Rows(())) == 0


async def _all(frontier: Frontier) -> list[Lease]:
    found: list[Lease] = []
    while frontier.counts().queued and (more := await frontier.lease(100)):
        found += more
    return found


def test_links_pack_what_a_frontier_reads() -> None:
    assert Page(b"", news=links(b"k", "http://a/")).news.split() == ["http://a/"]


async def test_a_pattern_under_which_nothing_is_parked_is_none(open_frontier: Open) -> None:
    async with open_frontier(per_site=100, traps="park") as frontier:
        assert await frontier.unpark(["no pattern at all", "http://a/**"]) == 0


async def test_all_that_is_parked_comes_back_whatever_the_reason(frontier: Frontier) -> None:
    await frontier.add(pages("a", 1, 2, 3))
    reasons = (Reason.TRAP, Reason.BLOCKED, Reason.SOFT_OUTAGE)
    for lease, reason in zip(await _all(frontier), reasons, strict=True):
        await settle_all(frontier, parked(lease, f"http://a/{reason}", reason))
    assert await frontier.unpark() == 3
