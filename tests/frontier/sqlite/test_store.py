"""What only a frontier on disk can promise: it comes back as it was, and holds more than memory does."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from crawler.frontier.embedded import UNSHELVED_AT_ONCE
from crawler.frontier.sqlite.store import MOST_FIRST
from crawler.model import Disposition, Lease, LeftOut, Outcome, Page, Reason, Url
from tests.defaults import make_terms, open_sqlite
from tests.frontier.conftest import (
    HandClock,
    deferred,
    fetched,
    lend,
    lend_one,
    links,
    opened,
    pages,
    request,
    texts,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frontier.sqlite"


async def test_queue_key_counts_and_positions_come_back(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        key = frontier.key
        await frontier.add([*pages("a", *range(5)), *pages("b", 1)])
        lease = await lend_one(frontier)
        found = Page(b"x" * 32, news=links(key, "http://c/", "http://a/1"))
        await frontier.settle([fetched(lease, clock, page=found)], {"jsonl": {"pages.jsonl": 7}})
        before = frontier.counts()
    async with opened(path, clock) as frontier:
        assert frontier.key == key
        assert len(key) == 16
        assert frontier.counts() == before
        assert await frontier.positions() == {"jsonl": {"pages.jsonl": 7}}
        assert sorted(texts(await lend(frontier, 9))) == ["http://a/1", "http://b/1", "http://c/"]
        assert await frontier.add(pages("a", 0, 1)) == 0


@pytest.mark.parametrize("how", ["deferred", "parked", "nothing"])
async def test_a_settle_without_records_leaves_the_sinks_where_they_are(path: Path, clock: HandClock, how: str) -> None:
    """Else the output would be cut to nothing when the folder is opened again."""
    async with opened(path, clock) as frontier:
        await frontier.add([*pages("a", 1), *pages("b", 1)])
        a, b = await lend(frontier, 2)
        await frontier.settle([fetched(a, clock)], {"jsonl": {"pages.jsonl": 7}, "other": {"x": 1}})
        if how == "nothing":
            await frontier.settle([], {})
        else:
            parked = Outcome(b, Disposition.PARKED, Reason.TRAP, pattern="http://b/*")
            await frontier.settle([deferred(b, clock, 30) if how == "deferred" else parked], {})
    async with opened(path, clock) as frontier:
        assert await frontier.positions() == {"jsonl": {"pages.jsonl": 7}, "other": {"x": 1}}


async def test_what_was_out_on_lease_is_queued_again(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add(pages("a", 1, 2))
        await lend_one(frontier)
    async with opened(path, clock) as frontier:
        assert frontier.counts().leased == 0
        assert texts(await lend(frontier, 9)) == ["http://a/1"]


async def test_a_request_comes_back_whole(path: Path, clock: HandClock) -> None:
    origin = {"via": Url("http://v/"), "seed": Url("http://s/"), "root": Url("http://r/")}
    whole = request("http://a/x", depth=3, priority=-2, redirects=1, **origin)
    async with opened(path, clock) as frontier:
        await frontier.add([whole])
    async with opened(path, clock) as frontier:
        assert (await lend_one(frontier)).request == whole


async def test_turns_survive_a_restart(path: Path, clock: HandClock) -> None:
    async with opened(path, clock, per_site=2) as frontier:
        await frontier.add([*pages("a", *range(9)), *pages("done", 1)])
        a, done, other = await lend(frontier, 3)
        await frontier.settle([fetched(lease, clock, rest_s=30) for lease in (a, done, other)], {})
    clock.move(10)
    async with opened(path, clock, per_site=2) as frontier:
        await frontier.add(pages("done", 2))
        assert await lend(frontier, 9) == []
        clock.move(19.9)
        assert await lend(frontier, 9) == []
        clock.move(0.2)
        assert len(await lend(frontier, 9)) == 3


async def test_a_site_that_ran_dry_rests_over_a_restart(path: Path, clock: HandClock) -> None:
    """Nothing is queued anywhere, so that no site stands on the shelf."""
    async with opened(path, clock) as frontier:
        await frontier.add(pages("a", 1))
        await frontier.settle([fetched(await lend_one(frontier), clock, rest_s=30)], {})
    clock.move(10)
    async with opened(path, clock, rest_s=1.0) as frontier:
        await frontier.add(pages("a", 2))
        clock.move(19.9)
        assert await lend(frontier, 9) == []
        clock.move(0.2)
        assert len(await lend(frontier, 9)) == 1


async def test_setbacks_survive_a_restart_with_their_wait_and_their_attempts(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add([*pages("a", 1), *pages("b", 1)])
        a, b = await lend(frontier, 2)
        await frontier.settle([deferred(a, clock, 30), deferred(b, clock, 10)], {})
    clock.move(20)
    async with opened(path, clock) as frontier:
        assert frontier.counts().retrying == 2
        assert frontier.counts().sites == 2
        [lease] = await lend(frontier, 9)
        assert (lease.request.url.text, lease.request.attempt) == ("http://b/1", 2)
        clock.move(10)
        [lease] = await lend(frontier, 9)
        assert (lease.request.url.text, lease.request.attempt) == ("http://a/1", 2)
    async with opened(path, clock) as frontier:
        assert [lease.request.attempt for lease in await lend(frontier, 9)] == [2, 2]


async def test_claims_survive_a_restart_once_their_page_is_settled(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add([*pages("a", 1), *pages("b", 1), *pages("c", 1)])
        a, b, _ = await lend(frontier, 3)
        await frontier.claim(b"settled" + b"x" * 25, a)
        await frontier.claim(b"lost" + b"x" * 28, b)
        await frontier.settle([fetched(a, clock, page=Page(b"settled" + b"x" * 25))], {})
    async with opened(path, clock) as frontier:
        c, d = await lend(frontier, 2)
        assert await frontier.claim(b"settled" + b"x" * 25, c) == Url("http://a/1")
        assert await frontier.claim(b"lost" + b"x" * 28, d) == d.request.url


async def test_another_order_holds_for_what_was_queued_before(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add([request("http://a/deep", depth=2, priority=-1), request("http://a/flat", depth=1)])
    async with opened(path, clock, in_depth_order=True) as frontier:
        assert texts([await lend_one(frontier)]) == ["http://a/flat"]
    async with opened(path, clock) as frontier:
        assert texts([await lend_one(frontier)]) == ["http://a/deep"]


async def test_a_long_queue_is_lent_whole_and_in_order_though_little_of_it_is_in_memory(
    path: Path, clock: HandClock
) -> None:
    async with open_sqlite(path, make_terms(per_site=8), clock=clock.both, most_entries=64) as frontier:
        await frontier.add(pages("a", *range(2000)))
        lent: list[str] = []
        while leases := await frontier.lease(8):
            lent += texts(leases)
            await frontier.settle([fetched(lease, clock) for lease in leases], {})
    assert lent == [f"http://a/{n}" for n in range(2000)]


async def test_sites_that_come_back_from_the_shelf_bring_the_head_of_their_queue_alone(
    path: Path, clock: HandClock
) -> None:
    """Else a reopened crawl reads hundreds of thousands of requests before it lends the first one."""
    async with opened(path, clock) as frontier:
        await frontier.add([*pages("a", *range(300)), *pages("b", *range(5))])
    async with opened(path, clock) as frontier:
        shelf = await frontier._disk.unshelve(9, 100_000)
        assert sorted((len(site.load.entries), site.load.was_all) for site in shelf.sites) == [
            (5, True),
            (MOST_FIRST, False),
        ]


async def test_more_sites_than_fit_in_memory_all_have_their_turn(path: Path, clock: HandClock) -> None:
    everything = {f"http://s{site}/{n}" for site in range(60) for n in range(9)}
    async with open_sqlite(path, make_terms(), clock=clock.both, most_sites=7, most_entries=40) as frontier:
        await frontier.add(request(text) for text in sorted(everything))
        lent: list[str] = []
        early = set[str]()
        while frontier.counts().queued:
            leases = await frontier.lease(4)
            lent += texts(leases)
            early |= {lease.request.url.site for lease in leases} if len(lent) < 400 else set()
            await frontier.settle([fetched(lease, clock, rest_s=1) for lease in leases], {})
            clock.move(0.5)
        assert not await frontier.wait()
    assert sorted(lent) == sorted(everything)
    assert len(early) == 60, "nobody waits until the others are done"


async def test_sites_that_made_way_for_the_shelf_use_all_their_slots_once_it_is_empty(
    path: Path, clock: HandClock
) -> None:
    async with open_sqlite(path, make_terms(), clock=clock.both) as frontier:
        await frontier.add(request(f"http://s{site}/{n}") for site in range(UNSHELVED_AT_ONCE + 9) for n in range(4))
    async with open_sqlite(path, make_terms(per_site=3), clock=clock.both, most_entries=2) as frontier:
        lent = Counter(lease.request.url.site for lease in await lend(frontier, 9999))
    assert Counter(lent.values()) == {3: UNSHELVED_AT_ONCE + 9}


async def test_links_that_wider_rules_let_in_later_are_shorter_ways_too(path: Path, clock: HandClock) -> None:
    """They are judged without a visit; what they lead to may be known, from farther away."""
    nearer = [("http://b/1", 1, True), ("http://d/1", 1, False)]
    async with opened(path, clock, in_depth_order=True, per_site=100) as frontier:
        await frontier.add(pages("a", 1))
        top = await lend_one(frontier)
        out_of_reach = Page(b"", n_links=2, left_out=int(LeftOut.REACH))
        await frontier.settle([fetched(top, clock, page=out_of_reach)], {})
        await frontier.add(
            request(f"http://{site}/1", depth=5, via=Url("http://c/"), seed=Url("http://c/")) for site in "bd"
        )
        was_read, waits = sorted(await lend(frontier, 2), key=lambda lease: lease.request.url.text)
        await frontier.settle([fetched(was_read, clock, page=Page(b"", n_links=1))], {})
        await frontier.release([waits])
        [linking] = await frontier.linking([top.token], int(LeftOut.REACH))
        let_in = Page(b"", n_links=2, news=links(frontier.key, "http://b/1", "http://d/1"))
        await frontier.judge([(Outcome(Lease(linking.request, top.token), Disposition.FETCHED, page=let_in), linking)])
        assert sorted(map(_way, await lend(frontier, 9))) == nearer
    async with opened(path, clock, in_depth_order=True, per_site=100) as frontier:
        assert sorted(map(_way, await lend(frontier, 9))) == nearer


def _way(lease: Lease) -> tuple[str, int, bool]:
    return lease.request.url.text, lease.request.depth, lease.request.is_reread


async def test_a_site_on_the_shelf_that_has_setbacks_too_counts_once(path: Path, clock: HandClock) -> None:
    async with open_sqlite(path, make_terms(), clock=clock.both, most_sites=1, most_entries=2) as frontier:
        await frontier.add([*pages("a", *range(9)), *pages("b", 1)])
        for _ in range(2):  # that is its share
            [lease] = await lend(frontier, 1)
            assert lease.request.url.site == "http://a"
            await frontier.settle([deferred(lease, clock, 100)], {})
        await frontier.note("any", 1)  # whoever waits on the shelf was counted
        assert (frontier.counts().sites, frontier.counts().retrying) == (2, 2)


async def test_the_file_can_be_asked_about_a_url(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add(pages("a", 1, 9))
        seed = await lend_one(frontier)
        page = Page(b"", news=links(frontier.key, "http://b/", "http://c/"))
        await frontier.settle([fetched(seed, clock, page=page)], {})
        b, c = (lease for lease in await lend(frontier, 9) if lease.request.depth)
        await frontier.settle([deferred(c, clock, 60, Reason.DNS)], {})
        assert await frontier.find(Url("http://nowhere/")) is None
        known = await frontier.find(seed.request.url)
        assert known
        assert (known.standing, known.disposition, known.status, known.attempts) == ("done", "fetched", 200, 1)
        known = await frontier.find(b.request.url)
        assert known
        assert (known.standing, known.depth, known.via) == ("leased", 1, (Url("http://a/1"),))
        known = await frontier.find(c.request.url)
        assert known
        assert (known.standing, known.reason, known.attempts) == ("waiting", Reason.DNS, 1)
        duplicate = Outcome(b, Disposition.DUPLICATE, Reason.DUPLICATE, "same", duplicate_of=seed.request.url)
        await frontier.settle([duplicate], {})
        known = await frontier.find(b.request.url)
        assert known
        assert (known.standing, known.reason, known.detail) == ("done", Reason.DUPLICATE, "same")
        assert known.duplicate_of == seed.request.url
        found = await frontier.find(Url("http://a/9"))
        assert found
        assert found.standing == "leased"


async def test_how_much_urls_like_one_brought_is_known_when_it_is_opened_anew(path: Path, clock: HandClock) -> None:
    async with opened(path, clock, traps="park") as frontier:
        await frontier.add(pages("a", *range(40)))
        for n in range(40):
            page = Page(n.to_bytes(32, "big"), gist=n << 8, length=9)
            lease = await lend_one(frontier)
            linked = replace(lease, request=replace(lease.request, root=Url("http://a/")))
            await frontier.settle([fetched(linked, clock, page=page)], {})
        assert frontier.brought(Url("http://a/77")) == 0  # of earlier runs
    async with opened(path, clock, traps="park") as frontier:
        assert frontier.brought(Url("http://a/77")) >= 16
        assert frontier.brought(Url("http://b/77")) == 0
        assert frontier.brought(Url("http://a/x/77")) == 0
