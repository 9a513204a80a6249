"""How URLs belong to a crawl: in reach, by extra hops, as requisites. The shortest way counts, over every frontier."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from crawler.model import Disposition, Lease, LeftOut, Outcome, Page, Reason
from crawler.protocols import Frontier
from tests.frontier.conftest import Open, lend_one, links, pages

TERMS: dict[str, Any] = {"per_site": 100, "has_ways_out": True}


@pytest.fixture
async def frontier(open_frontier: Open) -> AsyncIterator[Frontier]:
    async with open_frontier(**TERMS) as frontier:
        yield frontier


def read(lease: Lease, frontier: Frontier, news: str = "", beyond: str = "", needs: str = "") -> Outcome:
    """Returns the visit of a page that leads to these URLs, at most one of each kind."""
    made = {
        name: links(frontier.key, url)
        for name, url in (("news", news), ("beyond", beyond), ("requisites", needs))
        if url
    }
    left_out = LeftOut.BEYOND if beyond else LeftOut(0)
    page = Page(b"", kind="html", n_links=1, left_out=int(left_out), **made)  # type: ignore[arg-type]
    return Outcome(lease, Disposition.FETCHED, page=page)


async def settle(frontier: Frontier, *outcomes: Outcome) -> None:
    await frontier.settle(outcomes, {"sink": {"pages": 1}})


async def test_a_requisite_keeps_the_depth_of_its_page_and_goes_before_pages(
    frontier: Frontier,
) -> None:
    await frontier.add(pages("a", 1, 2, 3))
    await settle(frontier, read(await lend_one(frontier), frontier, needs="http://a/x.css"))
    lease = await lend_one(frontier)
    request = lease.request
    assert (request.url.text, request.depth, request.requisite, request.extra_hop) == ("http://a/x.css", 0, 1, 0)
    assert str(request.via) == "http://a/1"
    await settle(frontier, read(lease, frontier, needs="http://a/x.woff"))
    assert (await lend_one(frontier)).request.requisite == 2
    assert (frontier.counts().requisites, frontier.counts().pages) == (1, 1)


async def test_an_extra_hop_is_one_deeper_and_counts_from_where_it_left(frontier: Frontier) -> None:
    await frontier.add(pages("a", 1))
    await settle(frontier, read(await lend_one(frontier), frontier, beyond="http://b/1"))
    lease = await lend_one(frontier)
    assert (lease.request.depth, lease.request.extra_hop) == (1, 1)
    await settle(frontier, read(lease, frontier, beyond="http://b/2"))
    assert (await lend_one(frontier)).request.extra_hop == 2
    assert frontier.counts().pages == 2


async def test_what_was_fetched_as_a_requisite_is_read_again_when_a_link_leads_to_it(frontier: Frontier) -> None:
    await frontier.add(pages("a", 1, 2))
    await settle(frontier, read(await lend_one(frontier), frontier, needs="http://b/x"))
    needed, second = await lend_one(frontier), await lend_one(frontier)
    if needed.request.url.text != "http://b/x":
        needed, second = second, needed
    await settle(frontier, read(needed, frontier))
    assert frontier.counts().requisites == 1
    await settle(frontier, read(second, frontier, news="http://b/x"))
    again = (await lend_one(frontier)).request
    assert (again.url.text, again.is_reread, again.way, again.depth) == ("http://b/x", True, 0, 1)
    assert (frontier.counts().requisites, frontier.counts().pages) == (0, 3)


async def test_a_further_way_to_a_known_url_changes_nothing(frontier: Frontier) -> None:
    await frontier.add(pages("a", 1, 2))
    first, second = await lend_one(frontier), await lend_one(frontier)
    await settle(frontier, read(first, frontier, news="http://a/x"))
    lease = await lend_one(frontier)
    await settle(frontier, read(lease, frontier), read(second, frontier, beyond="http://a/x", needs="http://a/x"))
    assert not await frontier.lease(9)


async def test_a_page_that_comes_nearer_while_it_is_out_is_read_again_and_keeps_its_place(open_frontier: Open) -> None:
    async with open_frontier(**TERMS) as frontier:
        await frontier.add(pages("a", 1, 2, 3))
        one, two, three = [await lend_one(frontier) for _ in range(3)]
        await settle(frontier, read(one, frontier, beyond="http://b/x"))
        out = await lend_one(frontier)
        await settle(frontier, read(two, frontier, news="http://b/x"))
        assert not await frontier.lease(9)
        await settle(frontier, read(out, frontier), read(three, frontier))
        assert (frontier.counts().queued, frontier.counts().known) == (1, 4)
        is_kept = frontier.durable is not None
        if not is_kept:
            assert (await lend_one(frontier)).request.is_reread
    if is_kept:
        async with open_frontier(**TERMS) as frontier:
            again = (await lend_one(frontier)).request
            assert (again.is_reread, again.way) == (True, 0)


async def test_a_reread_that_comes_nearer_while_it_is_out_is_made_once_more(
    open_frontier: Open,
) -> None:
    async with open_frontier(**TERMS) as frontier:
        await frontier.add(pages("a", 1, 2, 3))
        one, two, three = [await lend_one(frontier) for _ in range(3)]
        await settle(frontier, read(one, frontier, needs="http://b/x"))
        await settle(frontier, read(await lend_one(frontier), frontier))
        await settle(frontier, read(two, frontier, beyond="http://b/x"))
        again = await lend_one(frontier)
        assert (again.request.is_reread, again.request.way) == (True, 1)
        await settle(frontier, read(three, frontier, news="http://b/x"))
        await settle(frontier, read(again, frontier))
        is_kept = frontier.durable is not None
        if not is_kept:
            assert (await lend_one(frontier)).request.is_reread
    if is_kept:
        async with open_frontier(**TERMS) as frontier:
            assert (await lend_one(frontier)).request.is_reread


async def test_ways_and_their_counts_outlast_the_process_even_if_none_is_followed_now(
    open_frontier: Open,
) -> None:
    async with open_frontier(**TERMS) as frontier:
        await frontier.add(pages("a", 1, 2))
        one, two = await lend_one(frontier), await lend_one(frontier)
        await settle(frontier, read(one, frontier, needs="http://b/x"))
        await settle(frontier, read(await lend_one(frontier), frontier))
        await frontier.release([two])
        if frontier.durable is None:
            return
    async with open_frontier(per_site=100) as frontier:
        assert (frontier.counts().requisites, frontier.counts().pages) == (1, 1)
        lease = await lend_one(frontier)
        await settle(frontier, read(lease, frontier, news="http://b/x"))
        again = (await lend_one(frontier)).request
        assert (again.url.text, again.is_reread, again.way) == ("http://b/x", True, 0)


async def test_a_seed_given_later_makes_a_page_of_a_requisite(frontier: Frontier) -> None:
    await frontier.add(pages("a", 1))
    await settle(frontier, read(await lend_one(frontier), frontier, needs="http://b/1"))
    await settle(frontier, read(await lend_one(frontier), frontier))
    await frontier.add(pages("b", 1))
    again = (await lend_one(frontier)).request
    assert (again.is_reread, again.way, again.depth, again.via) == (True, 0, 0, None)


async def test_a_setback_keeps_the_way(frontier: Frontier, open_frontier: Open) -> None:
    await frontier.add(pages("a", 1))
    await settle(frontier, read(await lend_one(frontier), frontier, needs="http://b/1"))
    lease = await lend_one(frontier)
    await settle(frontier, replace(Outcome(lease, Disposition.DEFERRED), retry_in_s=0.0))
    assert (await lend_one(frontier)).request.requisite == 1


@pytest.mark.parametrize("is_kept", [False, True])
async def test_what_scope_refused_is_visited_after_all_on_a_shorter_way(open_frontier: Open, is_kept: bool) -> None:
    async with open_frontier(**TERMS) as frontier:
        await frontier.add(pages("a", 1, 2))
        one, two = await lend_one(frontier), await lend_one(frontier)
        await settle(frontier, read(one, frontier, needs="http://b/x"))
        refused = Outcome(await lend_one(frontier), Disposition.EXCLUDED, Reason.OUT_OF_SCOPE)
        await settle(frontier, refused)
        if not is_kept:
            await _find(frontier, two)
        await frontier.release([two] if is_kept else [])
        if frontier.durable is None:
            return
    if is_kept:
        async with open_frontier(**TERMS) as frontier:
            await _find(frontier, await lend_one(frontier))


async def _find(frontier: Frontier, lease: Lease) -> None:
    """Settles a page that links to what was refused, and checks that it is lent as a page, with a further visit."""
    await settle(frontier, read(lease, frontier, news="http://b/x"))
    assert await frontier.wait()
    found = (await lend_one(frontier)).request
    assert (found.url.text, found.is_reread, found.way, found.visit) == ("http://b/x", False, 0, 2)
    assert Disposition.EXCLUDED not in {name for name, n in frontier.counts().settled.items() if n}
