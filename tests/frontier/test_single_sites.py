"""Sites with a number of visits at a time and a rest of their own."""

from __future__ import annotations

from pathlib import Path

from crawler.frontier.turns import Rest, Turns
from tests.defaults import make_rules
from tests.frontier.conftest import HandClock, Open, fetched, lend, lend_one, opened, pages
from tests.frontier.test_turns import Crawl

RULES = make_rules({"a": {"per_site": 3, "delay_s": 60}, "b": {"delay_s": 0}})


async def test_each_site_lends_as_many_at_a_time_as_it_may(open_frontier: Open) -> None:
    async with open_frontier(per_site=2, per_ip=100, sites=RULES) as frontier:
        await frontier.add([*pages("a", *range(9)), *pages("b", *range(9))])
        leases = await lend(frontier, 99)
        assert sorted(lease.request.url.site for lease in leases) == ["http://a"] * 3 + ["http://b"] * 2


async def test_a_change_counts_from_the_next_lease_on(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier(per_site=1, per_ip=100) as frontier:
        await frontier.add([*pages("a", *range(9)), *pages("b", *range(9))])
        assert len(await lend(frontier, 99)) == 2
        frontier.limit_lending(
            per_site=1, per_ip=100, rest_s=0.0, most_asked_s=60.0, most_held_s=60.0, sites=RULES
        )  # fmt: skip
        assert [lease.request.url.site for lease in await lend(frontier, 99)] == ["http://a"] * 2


async def test_a_kill_amid_a_visit_costs_no_site_the_rest_of_its_own(tmp_path: Path, clock: HandClock) -> None:
    path = tmp_path / "frontier.sqlite"
    async with opened(path, clock, rest_s=1.0, sites=RULES) as frontier:
        await frontier.add([*pages("a", *range(4)), *pages("b", *range(4)), *pages("c", *range(4))])
        await frontier.settle([fetched(await lend_one(frontier), clock)], {})
        await lend(frontier, 9)
    async with opened(path, clock, rest_s=1.0, sites=RULES) as frontier:
        due = [(0.0, "http://b"), (1.0, "http://c"), (59.0, "http://a")]
        for move_s, site in due:
            clock.move(move_s)
            assert {lease.request.url.site for lease in await lend(frontier, 99)} == {site}


async def test_crawls_that_share_a_site_each_keep_its_own_rest() -> None:
    class Special(Crawl):
        def rest_of(self, site: str) -> float:
            return 9.0 if site == "https://slow.test" else self.rest_s

    turns, one, two = Turns(), Special(rest_s=1.0), Special(rest_s=1.0)
    for site, free in (("https://slow.test", 11.0), ("https://quick.test", 3.0)):
        assert turns.take(site, one, 0.0)
        assert not turns.take(site, two, 1.0)
        turns.end(site, one, 2.0, Rest(2.0, one.rest_of(site)))
        assert two.calls.pop() == free
