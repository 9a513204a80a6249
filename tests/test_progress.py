"""How far a crawl is, and how long it takes at least: said only where it is known, and never more than the truth."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import anyio
import pytest

import crawler
from crawler.api.progress import LOOKED_AT, LeastTime, find_progress, least_time_of
from crawler.frontier import open_memory
from crawler.metrics.gauges import Gauges
from crawler.metrics.metrics import Metrics, Snapshot
from crawler.model import Disposition, Lease
from crawler.settings.loading import load
from crawler.standing import Counts, Progress, SiteView
from crawler.testing import Site, Web, html, open_web, redirect, sitemap, slow
from tests.defaults import make_terms
from tests.frontier.conftest import HandClock, fetched, request
from tests.test_api import QUICK

FETCHED, REDIRECTED = Disposition.FETCHED, Disposition.REDIRECTED
COUNTS = Counts(known=300, queued=80, leased=2, parked=8, settled={FETCHED: 168, REDIRECTED: 42})
STEP_S = 0.25


@pytest.mark.parametrize(
    ("settings", "is_closed", "told"),
    [
        ({"max_depth": 0}, True, Progress(168, 250, "urls")),
        ({"reach": "page"}, True, Progress(168, 250, "urls")),
        ({"max_depth": 0}, False, None),
        ({"max_depth": 1}, True, None),
        ({}, True, None),
        ({"max_depth": 0, "sitemaps": True}, True, None),
        ({"reach": "page", "sitemaps": True}, True, Progress(168, 250, "urls")),
        ({"limit": 1000}, True, Progress(168, 1000, "pages")),
        ({"limit": 1000}, False, Progress(168, 1000, "pages")),
        ({"limit": 249, "max_depth": 0}, True, Progress(168, 249, "pages")),
        ({"limit": 250, "max_depth": 0}, True, Progress(168, 250, "urls")),
        ({"limit": 100}, False, Progress(100, 100, "pages")),
    ],
)
def test_a_total_is_told_only_where_no_page_can_bring_another(
    settings: dict[str, object], is_closed: bool, told: Progress | None
) -> None:
    assert find_progress(load(settings=settings), COUNTS, is_closed=is_closed) == told


async def test_a_list_of_seeds_with_redirects_and_a_sitemap_counts_down_to_its_end() -> None:
    """The total never grows, but where a seed is a sitemap: its entries are seeds too."""
    pages = {f"/{n}": slow(html(str(n), ["/far"]), 0.02) for n in range(12)}
    site = Site("a.test", pages | {"/old": redirect("/new"), "/new": html("N"), "/same": redirect("/1")})
    for seeds, listed in ([*pages, "/old", "/same"], False), (["/sitemap.xml", "/0"], True):
        if listed:
            site = Site("a.test", dict(site.pages) | {"/sitemap.xml": sitemap([f"/{n}" for n in range(12)])})
        async with open_web(Web([site])) as served, crawler.open_crawl(max_depth=0, **QUICK) as crawl:
            seen: list[tuple[int, int]] = []
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_watch, crawl, seen)
                await crawl.run([served.url("a.test", path) for path in seeds])
                tasks.cancel_scope.cancel()
            end = crawl.snapshot().progress
        totals = [total for _, total in seen]
        assert end == Progress(13, 13, "urls")
        assert seen == sorted(seen, key=lambda one: one[0])
        assert totals == sorted(totals, reverse=not listed)
        assert set(totals) <= ({2, 13} if listed else {13, 14})


async def _watch(crawl: crawler.Crawl, seen: list[tuple[int, int]]) -> None:
    while True:
        if now := crawl.snapshot().progress:
            seen.append((now.done, now.total))
        await anyio.sleep(0.005)


# -- the least time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "seconds"),
    [
        (SiteView("http://a", 41, 0, 0.0, delay_s=1.0), 40.0),
        (SiteView("http://a", 41, 0, 0.5, delay_s=1.0), 40.5),
        (SiteView("http://a", 41, 1, None, delay_s=1.0), 41.0),
        (SiteView("http://a", 41, 0, 0.0, delay_s=1.0, per_site=4), 10.0),
        (SiteView("http://a", 40, 0, 0.0, delay_s=1.0, per_site=4), 9.0),
        (SiteView("http://a", 1, 3, None, delay_s=2.0, per_site=1), 2.0),
        (SiteView("http://a", 41, 0, 0.0, delay_s=0.0), 0.0),
        (SiteView("http://a", 0, 1, None, delay_s=9.0), 0.0),
    ],
)
def test_a_site_takes_as_many_rests_as_its_queue_needs(site: SiteView, seconds: float) -> None:
    assert least_time_of(site) == seconds


@pytest.mark.parametrize("seed", range(6))
async def test_the_least_time_is_never_above_the_truth(seed: int) -> None:
    """A simulated crawl: random sites, delays, answers and longer rests, on a clock turned by hand. Site by site."""
    chance, clock = random.Random(seed), HandClock()
    per_site = chance.choice([1, 1, 2, 3])
    delays = {f"http://s{n}": chance.choice([0.0, 0.5, 1.0, 5.0]) for n in range(8)}
    told: list[tuple[str, float, float]] = []
    last: dict[str, float] = {}
    """When the last URL of each site was asked for."""
    async with open_memory(make_terms(per_site=per_site, per_ip=9), clock=clock.both) as frontier:
        await frontier.add([request(f"{site}/{n}") for site in delays for n in range(chance.randrange(1, 25))])
        out: list[tuple[float, Lease]] = []
        while True:
            for lease in await frontier.lease(100):
                out.append((clock.now + STEP_S * chance.randrange(4), lease))
                last[lease.request.url.site] = clock.now
            for view in frontier.busiest(LOOKED_AT):
                if view.queued:
                    whole = view._replace(delay_s=delays[view.site], per_site=per_site)
                    told.append((view.site, clock.now, least_time_of(whole)))
            ended = [lease for at, lease in out if at <= clock.now]
            out = [(at, lease) for at, lease in out if at > clock.now]
            rests = [delays[lease.request.url.site] * chance.choice([1, 1, 1, 3]) for lease in ended]
            await frontier.settle(
                [fetched(lease, clock, rest_s=rest_s) for lease, rest_s in zip(ended, rests, strict=True)], {}
            )
            if not (out or frontier.counts().queued):
                break
            clock.move(STEP_S)
    assert all(at + least_s <= last[site] for site, at, least_s in told)
    assert max(least_s for _, _, least_s in told) > 0


async def test_the_least_time_is_the_truth_where_answers_take_no_time() -> None:
    clock = HandClock()
    async with open_memory(make_terms(per_site=1, per_ip=1), clock=clock.both) as frontier:
        await frontier.add([request(f"http://a/{n}") for n in range(9)])
        [view] = frontier.busiest(1)
        least_s, begun = least_time_of(view._replace(delay_s=2.0)), clock.now
        while frontier.counts().queued:
            await frontier.settle([fetched(lease, clock, rest_s=2.0) for lease in await frontier.lease(9)], {})
            last = clock.now
            clock.move(1.0)
    assert least_s == last - begun == 16.0


@pytest.mark.parametrize(
    ("settings", "is_said"),
    [
        ({}, True),
        ({"limit": 100}, False),
        ({"limit": 300, "max_depth": 0}, True),
        ({"limit_per_site": 5}, False),
        ({"limit_per_domain": 5}, False),
        ({"sites": {"a.test": {"limit": 5}}}, False),
        ({"size_limit_bytes": 1000}, False),
        ({"time_limit_s": 60}, True),
        ({"time_limit_s": 49}, False),
    ],
)
def test_the_least_time_is_not_said_where_a_limit_may_come_first(settings: dict[str, object], is_said: bool) -> None:
    config = load(settings=settings)
    now = _snapshot(elapsed_s=10.0, progress=find_progress(config, COUNTS, is_closed=True))
    busiest = [SiteView("http://a", 41, 0, 0.0, delay_s=1.0)]
    assert LeastTime(lambda: 0.0).find(config, now, 0.0, lambda limit: busiest) == (40.0 if is_said else None)


def test_sites_are_looked_at_once_a_second_and_the_time_counts_down_between() -> None:
    at, looks = [100.0], []

    def busiest(limit: int) -> Sequence[SiteView]:
        looks.append(at[0])
        return [SiteView("http://a", 41, 0, 0.0, delay_s=1.0)]

    least, told = LeastTime(lambda: at[0]), []
    for _ in range(9):
        told.append(least.find(load(), _snapshot(), 0.0, busiest))
        at[0] += STEP_S
    assert looks == [100.0, 101.0, 102.0]
    assert told == [40.0, 39.75, 39.5, 39.25] * 2 + [40.0]
    assert LeastTime().find(load(), _snapshot(), 0.0, lambda limit: ()) is None


# -- rates -------------------------------------------------------------------------------------------------------------


def test_visits_under_way_are_a_mean_of_the_last_seconds() -> None:
    metrics = Metrics()
    for in_flight in (0, 3, 0, 1):
        metrics.observe(Gauges(in_flight=in_flight, concurrency=9))
    now = metrics.snapshot(Counts(), (), 0)
    assert (now.in_flight, now.mean_in_flight) == (0, 1.0)
    assert now.at_rest().mean_in_flight == 0


def _snapshot(**changes: Any) -> Snapshot:
    return replace(Metrics().snapshot(Counts(), (), 0), **changes)
