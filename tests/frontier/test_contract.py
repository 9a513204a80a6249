"""What every frontier promises, in memory as on disk."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from crawler.errors import FrontierError
from crawler.model import Disposition, Outcome, Page, Reason, Url
from crawler.protocols import Frontier
from tests.frontier.conftest import (
    HandClock,
    Open,
    deferred,
    fetched,
    lend,
    lend_one,
    page,
    pages,
    request,
    texts,
)

# -- knowing ---------------------------------------------------------------------------------------------------------


async def test_a_url_is_queued_once_however_often_it_is_added(frontier: Frontier) -> None:
    assert await frontier.add([*pages("a", 1, 2, 1), *pages("b", 1)]) == 3
    assert await frontier.add(pages("a", 1, 3)) == 1
    assert frontier.counts().known == frontier.counts().queued == 4


async def test_thousands_of_seeds_are_taken_from_any_iterable(frontier: Frontier) -> None:
    assert await frontier.add(request(f"http://h{i % 7}/{i}") for i in range(3000)) == 3000
    assert await frontier.add(iter(())) == 0
    assert frontier.counts().sites == 7


async def test_what_was_visited_is_still_known(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1))
    await frontier.settle([fetched(await lend_one(frontier), clock)], {})
    assert await frontier.add(pages("a", 1)) == 0
    assert not await frontier.wait()


async def test_counts_follow_a_url_from_queue_to_end(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add([*pages("a", 1, 2), *pages("b", 1)])
    one, other = await lend(frontier, 5)
    assert (frontier.counts().queued, frontier.counts().leased, frontier.counts().sites) == (1, 2, 2)
    await frontier.settle([fetched(one, clock), deferred(other, clock, 5)], {})
    counts = frontier.counts()
    assert (counts.known, counts.queued, counts.leased, counts.retrying, counts.sites) == (3, 2, 0, 1, 2)
    assert counts.settled == {Disposition.FETCHED: 1}


# -- following -------------------------------------------------------------------------------------------------------


async def test_links_of_a_page_descend_from_it(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1))
    seed = await lend_one(frontier)
    await frontier.settle([fetched(seed, clock, page=page(frontier, "http://a/2", "http://a/1", "http://a/2"))], {})
    child = await lend_one(frontier)
    expected = request("http://a/2", depth=1, via=Url("http://a/1"), seed=Url("http://a/1"), root=Url("http://a/1"))
    assert child.request == expected
    await frontier.settle([fetched(child, clock, page=page(frontier, "http://b/"))], {})
    grandchild = (await lend_one(frontier)).request
    assert grandchild == request(
        "http://b/", depth=2, via=Url("http://a/2"), seed=Url("http://a/1"), root=Url("http://a/1")
    )
    assert frontier.counts().known == 3


async def test_links_of_a_sitemap_keep_its_depth(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1))
    sitemap = page(frontier, "http://a/2", kind="sitemap")
    await frontier.settle([fetched(await lend_one(frontier), clock, page=sitemap)], {})
    assert (await lend_one(frontier)).request.depth == 0


async def test_a_redirect_of_a_seed_hands_its_standing_on(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1))
    lease = await lend_one(frontier)
    target = request("http://b/", via=Url("http://a/1"), seed=Url("http://a/1"), redirects=1)
    await frontier.settle([Outcome(lease, Disposition.REDIRECTED, found=(target, target))], {})
    lent = await lend_one(frontier)
    assert lent.request == target
    await frontier.settle([fetched(lent, clock, page=page(frontier, "http://b/2"))], {})
    child = (await lend_one(frontier)).request
    assert (child.seed, child.root, child.via) == (Url("http://a/1"), Url("http://b/"), Url("http://b/"))


async def test_two_pages_of_one_settle_bring_a_link_once(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add([*pages("a", 1), *pages("b", 1)])
    outcomes = [
        fetched(lease, clock, page=page(frontier, "http://c/", f"{lease.request.url}x")) for lease in
        await lend(frontier, 2)
    ]  # fmt: skip
    await frontier.settle(outcomes, {})
    assert sorted(texts(await lend(frontier, 9))) == ["http://a/1x", "http://b/1x", "http://c/"]


async def test_a_reference_to_what_was_never_queued_is_kept(frontier: Frontier, clock: HandClock) -> None:
    strange = [
        request(f"http://a/{i}", depth=2, via=Url("http://x/v"), seed=Url("http://x/s"), root=Url("http://x/r"))
        for i in range(20)
    ]
    await frontier.add(strange)
    for expected in strange:
        lease = await lend_one(frontier)
        assert lease.request == expected
        await frontier.settle([fetched(lease, clock)], {})


# -- order -----------------------------------------------------------------------------------------------------------


async def test_what_a_sitemap_lists_goes_in_the_order_it_wishes(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add([request("http://a/sitemap.xml")])
    listed = page(frontier, "http://a/soon", "http://b/late", "http://a/first", "http://b/", kind="sitemap")
    said = replace(listed.news, priorities=bytes([0, 5, 256 - 5, 0]))
    [lease] = await lend(frontier, 1)
    await frontier.settle([fetched(lease, clock, page=replace(listed, news=said))], {})
    for turn in (["http://a/first", "http://b/"], ["http://a/soon", "http://b/late"]):
        leases = await lend(frontier, 2)
        assert sorted(texts(leases)) == turn
        await frontier.settle([fetched(lease, clock) for lease in leases], {})


async def test_a_site_goes_by_priority_then_depth_then_discovery(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add([request(f"http://a/late{i}", depth=3) for i in range(20)])
    await frontier.add([request("http://a/deep", depth=9, priority=-1), request("http://a/second", depth=1)])
    await frontier.add([request("http://a/first", depth=0), request("http://a/last", priority=5)])
    order = await drain(frontier, clock)
    late = [f"http://a/late{i}" for i in range(20)]
    assert order == ["http://a/deep", "http://a/first", "http://a/second", *late, "http://a/last"]


async def test_sites_take_turns(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier(per_site=3) as frontier:
        await frontier.add([*pages("a", *range(9)), *pages("b", *range(9)), *pages("c", *range(9))])
        turns = [text[7] for text in texts(await lend(frontier, 6))]
        assert sorted(turns[:3]) == ["a", "b", "c"]
        assert turns[3:] == turns[:3]
        assert len(await lend(frontier, 100)) == 3


async def test_no_site_starves_beside_a_large_one(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("large", *range(200)))
    await frontier.add(request(f"http://s{i}/") for i in range(20))
    lent = Counter[str]()
    for _ in range(21):
        leases = await lend(frontier, 2)
        lent.update(lease.request.url.site for lease in leases)
        await frontier.settle([fetched(lease, clock) for lease in leases], {})
    assert len(lent) == 21


async def test_in_depth_order_a_site_waits_for_its_shallower_pages(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier(per_site=4, in_depth_order=True) as frontier:
        await frontier.add([request("http://a/"), request("http://a/deep", depth=1, priority=-9)])
        await frontier.add(pages("b", 1))
        leases = await lend(frontier, 9)
        assert texts(leases) == ["http://a/", "http://b/1"]
        found = page(frontier, *[f"http://a/{i}" for i in range(6)])
        await frontier.settle([fetched(leases[0], clock, page=found)], {})
        shallow = await lend(frontier, 9)
        assert len(shallow) == 4
        assert {lease.request.depth for lease in shallow} == {1}
        await frontier.settle([fetched(shallow[0], clock, page=page(frontier, "http://a/next"))], {})
        rest = await lend(frontier, 9)
        assert {lease.request.depth for lease in rest} == {1}
        await frontier.settle([fetched(lease, clock) for lease in [*shallow[1:], *rest]], {})
        order = [*texts(await lend(frontier, 9))]
        assert {text for text in order if text != "http://a/next"} <= {f"http://a/{i}" for i in range(6)}


async def test_what_is_released_goes_first_and_its_slot_is_free_at_once(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier(per_site=2) as frontier:
        await frontier.add(pages("a", 1, 2, 3, 4))
        leases = await lend(frontier, 9)
        assert await lend(frontier, 9) == []
        await frontier.release(leases)
        again = await lend(frontier, 9)
        assert texts(again) == texts(leases) == ["http://a/1", "http://a/2"]
        assert frontier.counts().queued == 2


async def test_what_is_released_goes_first_also_where_little_stands_in_memory(open_frontier: Open) -> None:
    async with open_frontier(per_site=3) as frontier:
        await frontier.add(pages("a", *range(6)))
        leases = await lend(frontier, 9)
        await frontier.note("any", 1)  # what the site wanted from the disk is there
        await frontier.release(leases)
        await frontier.add([request("http://a/urgent", priority=-1)])
        assert texts(await lend(frontier, 9)) == texts(leases)


# -- turns -----------------------------------------------------------------------------------------------------------


async def test_a_site_is_never_visited_twice_at_once(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1, 2))
    first = await lend_one(frontier)
    assert await lend(frontier, 9) == []
    await frontier.settle([fetched(first, clock)], {})
    assert texts(await lend(frontier, 9)) == ["http://a/2"]


async def test_a_site_rests_from_the_end_of_the_exchange(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1, 2))
    outcome = fetched(await lend_one(frontier), clock, rest_s=10)
    clock.move(4)  # parsing and recording took that long
    await frontier.settle([outcome], {})
    clock.move(5.9)
    assert await lend(frontier, 9) == []
    clock.move(0.2)
    assert len(await lend(frontier, 9)) == 1


async def test_a_site_that_ran_dry_rests_all_the_same(frontier: Frontier, clock: HandClock) -> None:
    """A link that comes while it has nothing to do is no reason to ask it sooner."""
    await frontier.add(pages("a", 1))
    await frontier.settle([fetched(await lend_one(frontier), clock, rest_s=10)], {})
    assert frontier.counts().sites == 0
    clock.move(4)
    await frontier.add([*pages("a", 2), *pages("b", 1)])
    assert texts(await lend(frontier, 9)) == ["http://b/1"]
    clock.move(5.9)
    assert await lend(frontier, 9) == []
    clock.move(0.2)
    assert texts(await lend(frontier, 9)) == ["http://a/2"]


async def test_each_slot_rests_for_itself(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier(per_site=2) as frontier:
        await frontier.add(pages("a", *range(9)))
        one, other = await lend(frontier, 9)
        await frontier.settle([fetched(one, clock, rest_s=5)], {})
        clock.move(2)
        await frontier.settle([fetched(other, clock, rest_s=5)], {})
        assert await lend(frontier, 9) == []
        clock.move(3)
        assert len(await lend(frontier, 9)) == 1
        clock.move(2)
        assert len(await lend(frontier, 9)) == 1


async def test_a_site_that_asks_to_be_left_alone_is_left_alone_as_a_whole(
    open_frontier: Open, clock: HandClock
) -> None:
    async with open_frontier(per_site=4) as frontier:
        await frontier.add(pages("a", *range(9)))
        leases = await lend(frontier, 4)
        await frontier.settle([fetched(leases[0], clock, rest_s=1)], {})
        await frontier.settle([deferred(leases[1], clock, 60, Reason.RATE_LIMITED, rest_s=60)], {})
        await frontier.settle([fetched(lease, clock, rest_s=1) for lease in leases[2:]], {})
        clock.move(59)
        assert await lend(frontier, 9) == []
        clock.move(1)
        assert len(await lend(frontier, 9)) == 4


async def test_an_address_bears_only_so_much_whatever_the_number_of_sites(
    open_frontier: Open, clock: HandClock
) -> None:
    async with open_frontier(per_ip=2) as frontier:
        await frontier.add(request(f"http://s{i}/{n}") for n in range(3) for i in range(6))
        for lease in await lend(frontier, 99):
            ip = "10.0.0.2" if lease.request.url.site == "http://s5" else "10.0.0.1"
            await frontier.settle([fetched(lease, clock, ip=ip)], {})
        leases = await lend(frontier, 99)
        assert Counter(lease.request.url.site == "http://s5" for lease in leases) == {False: 2, True: 1}
        seen = set()
        while leases:
            seen |= set(texts(leases))
            await frontier.settle([fetched(leases[0], clock, ip="10.0.0.1")], {})
            more = await lend(frontier, 99)
            leases = [*leases[1:], *more]
            crowd = [lease for lease in leases if lease.request.url.site != "http://s5"]
            assert len(crowd) <= 2
        assert len(seen) == 12
        assert not await frontier.wait()


async def test_what_is_released_leaves_its_address(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier(per_ip=1) as frontier:
        await frontier.add([*pages("a", 1, 2), *pages("b", 1, 2)])
        for lease in await lend(frontier, 9):
            await frontier.settle([fetched(lease, clock, ip="10.0.0.1")], {})
        for _ in range(3):
            [lease] = await lend(frontier, 9)
            await frontier.release([lease])


async def test_one_address_never_bears_less_than_one_site_may(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier(per_site=4, per_ip=1) as frontier:
        await frontier.add(pages("a", *range(9)))
        await frontier.settle([fetched(await lend_one(frontier), clock, ip="10.0.0.1")], {})
        assert len(await lend(frontier, 9)) == 4


# -- setbacks --------------------------------------------------------------------------------------------------------


async def test_a_setback_comes_again_after_its_wait_as_another_attempt(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1, 2))
    await frontier.settle([deferred(await lend_one(frontier), clock, 30)], {})
    assert texts(await lend(frontier, 9)) == ["http://a/2"]
    clock.move(29.9)
    assert frontier.counts().retrying == 1
    clock.move(0.2)
    assert await lend(frontier, 9) == [], "the site has a lease out"


async def test_a_setback_is_lent_again_until_it_is_settled(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1))
    for attempt in (1, 2, 3):
        assert await frontier.wait()
        lease = await lend_one(frontier)
        assert lease.request.attempt == attempt
        await frontier.settle([deferred(lease, clock, 30)], {})
        assert frontier.counts().sites == 1
        assert await lend(frontier, 9) == []
        clock.move(30)
    await frontier.settle([Outcome(await lend_one(frontier), Disposition.FAILED, Reason.TIMEOUT)], {})
    assert not await frontier.wait()
    assert frontier.counts().settled == {Disposition.FAILED: 1}
    assert frontier.counts().sites == 0


@pytest.mark.parametrize("wait_s", [None, 0.0])
async def test_a_setback_without_a_wait_is_lent_again_at_once(
    frontier: Frontier, clock: HandClock, wait_s: float | None
) -> None:
    await frontier.add(pages("a", 1))
    [lease] = await lend(frontier, 9)
    await frontier.settle([replace(deferred(lease, clock, 0), retry_in_s=wait_s)], {})
    assert [again.request.attempt for again in await lend(frontier, 9)] == [2]


async def test_a_visit_that_only_asked_for_robots_was_no_attempt(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1, 2))
    await frontier.settle([deferred(await lend_one(frontier), clock, 0, None, rest_s=1)], {})
    assert await lend(frontier, 9) == []
    clock.move(1)
    [lease] = await lend(frontier, 9)
    assert (lease.request.url.text, lease.request.attempt) == ("http://a/1", 1)


# -- contents --------------------------------------------------------------------------------------------------------


async def test_the_first_claim_of_a_content_wins(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add([*pages("a", 1), *pages("b", 1), *pages("c", 1)])
    a, b, c = await lend(frontier, 3)
    content = b"\x07" * 32
    assert await frontier.claim(content, a) == a.request.url
    assert await frontier.claim(content, a) == a.request.url
    assert await frontier.claim(content, b) == a.request.url
    await frontier.settle([fetched(a, clock, page=Page(content))], {})
    assert await frontier.claim(content, c) == a.request.url
    assert await frontier.claim(content[:8] + b"\x08" * 24, c) == c.request.url


@pytest.mark.parametrize("how", ["released", "deferred", "failed"])
async def test_a_claim_without_a_page_is_given_up(frontier: Frontier, clock: HandClock, how: str) -> None:
    await frontier.add([*pages("a", 1), *pages("b", 1)])
    a, b = await lend(frontier, 2)
    await frontier.claim(b"x" * 32, a)
    if how == "released":
        await frontier.release([a])
    elif how == "deferred":
        await frontier.settle([deferred(a, clock, 5)], {})
    else:
        await frontier.settle([Outcome(a, Disposition.FAILED, Reason.PARSE)], {})
    assert await frontier.claim(b"x" * 32, b) == b.request.url


# -- the rest of the door --------------------------------------------------------------------------------------------


async def test_positions_are_those_of_the_last_settle(frontier: Frontier) -> None:
    assert await frontier.positions() == {}
    await frontier.settle([], {"jsonl": {"pages.jsonl": 17}, "other": {}})
    await frontier.settle([], {"jsonl": {"pages.jsonl": 99}})
    assert await frontier.positions() == {"jsonl": {"pages.jsonl": 99}, "other": {}}


async def test_a_lease_ends_once_and_a_wrong_call_changes_nothing(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add([*pages("a", 1), *pages("b", 1)])
    a, b = await lend(frontier, 2)
    await frontier.settle([fetched(a, clock)], {})
    before = frontier.counts()
    for call in (
        frontier.settle([fetched(b, clock), fetched(a, clock)], {}),
        frontier.settle([fetched(b, clock), fetched(b, clock)], {}),
        frontier.release([b, a]),
    ):
        with pytest.raises(FrontierError, match="not out on lease"):
            await call
    assert frontier.counts() == before


async def test_the_busiest_sites_come_first(frontier: Frontier) -> None:
    await frontier.add([*pages("a", 1), *pages("b", 1, 2, 3), *pages("c", 1, 2)])
    await lend(frontier, 1)
    views = frontier.busiest(2)
    assert [(view.site, view.queued + view.leased) for view in views] == [("http://b", 3), ("http://c", 2)]


async def test_a_site_says_for_what_it_is_left_alone(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add([*pages("a", 1, 2), *pages("b", 1, 2)])
    a, b = await lend(frontier, 2)
    assert [view.next_turn_in_s for view in frontier.busiest(2)] == [None, None]
    late = Outcome(a, Disposition.FAILED, Reason.STATUS_5XX, rest_s=30, ended=clock.now)
    await frontier.settle([late, fetched(b, clock, rest_s=5)], {})
    clock.now += 1
    views = {view.site: view for view in frontier.busiest(2)}
    assert (views["http://a"].backoff_s, views["http://a"].setback) == (29, "status-5xx")
    assert (views["http://b"].backoff_s, views["http://b"].setback) == (0, None)
    assert (views["http://a"].next_turn_in_s, views["http://b"].next_turn_in_s) == (29, 4)
    clock.now += 29
    assert frontier.busiest(1)[0].setback is None


async def test_nothing_is_lent_beyond_the_limit(frontier: Frontier) -> None:
    await frontier.add(request(f"http://s{i}/") for i in range(9))
    assert len(await lend(frontier, 4)) == 4
    assert await lend(frontier, 0) == []


async def drain(frontier: Frontier, clock: HandClock) -> list[str]:
    order: list[str] = []
    while leases := await lend(frontier, 1):
        order += texts(leases)
        await frontier.settle([fetched(lease, clock) for lease in leases], {})
    return order
