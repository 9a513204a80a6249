"""A forecast of a web on loopback: polite, true, and honest where nothing can be said."""

from __future__ import annotations

import random
from typing import Any

import pytest

from benchmarks.generated_webs import make_site
from crawler import Forecast, Reason, SeedError, forecast_crawl
from crawler.forecast import Interval
from crawler.testing import Rules, Site, Web, disallowing, html, open_web, redirect
from crawler.testing.robots import stating

from .webs import serve

QUICK: dict[str, Any] = {
    "allow_networks": ["127.0.0.0/8"], "delay_s": 0.0, "executor": "inline", "adapt": "off", "retry_delay_s": 0.0,
}  # fmt: skip


async def test_it_tells_the_pages_of_sites_and_asks_each_for_the_sample_alone() -> None:
    dice = random.Random(1)
    listed, small, grows = (
        make_site(dice, "shop", most=400, sitemaps=1.0),
        make_site(dice, "wiki", most=35, sitemaps=0.0),
        make_site(dice, "blog", most=900, sitemaps=0.0),
    )
    async with open_web(serve([listed, small, grows])) as served:
        told = await forecast_crawl(served.seeds, sample=36, **QUICK)
        counts = {seed: len(served.of(f"site{n}.test")) for n, seed in enumerate(served.seeds)}
    sites = {f"{one.site}/": one for one in told.sites}
    by_kind = [sites[seed] for seed in served.seeds]
    assert _holds(by_kind[0].pages, listed.size)
    assert (by_kind[0].sitemaps, by_kind[0].listed) == (1, len(set(listed.sitemap)))
    assert _holds(by_kind[1].pages, small.size)
    assert (by_kind[2].pages.high, by_kind[2].why) == (
        None, "its pages still bring about as many new URLs as they are, or more",
    )  # fmt: skip
    assert by_kind[2].pages.low <= grows.size
    assert told.size is not None
    assert told.size.pages.high is None, "the whole is not known where a site is not"
    assert max(counts.values()) <= 36 + 2 + 3, "robots.txt, a sitemap, and visits under way when it was enough"


@pytest.mark.slow
async def test_rests_robots_and_crawl_delays_hold_and_count() -> None:
    pages = {f"/{n}": html(str(n), [f"/{n + 1}", f"/no/{n}"]) for n in range(12)}
    pages["/11"] = html("11")
    sites = [
        Site("a.test", {"/": html("A", ["/0"]), **pages}, disallowing("/no/")),
        Site("b.test", {"/": html("B", ["/0"]), **pages}, stating(Rules(("/no/",), (), 0.25))),
    ]
    async with open_web(Web(sites, ["http://a.test/", "http://b.test/"])) as served:
        told = await forecast_crawl(served.seeds, **(QUICK | {"delay_s": 0.05}))
        gaps = {host: min(served.gaps(host)) for host in ("a.test", "b.test")}
        assert not [hit for hit in served.hits if "/no/" in hit.url], "robots.txt forbids them"
    slow, fast = told.sites
    assert gaps["a.test"] >= 0.05
    assert gaps["b.test"] >= 0.25
    assert (slow.asked_s, slow.delay_s, fast.asked_s, fast.delay_s) == (0.25, 0.25, 0.0, 0.05)
    assert slow.seconds.low >= 13 * 0.25
    assert slow.known == fast.known == 13, "nothing that robots.txt forbids"
    assert told.without_slowest is not None
    assert (told.without_slowest.seconds.high or 0) < slow.seconds.low
    by_setting = {(one.setting, one.value): one.size for one in told.others}
    assert told.size is not None
    assert by_setting["politeness.delay_s", 0.1].seconds == told.size.seconds, "the slowest site has its own delay"


async def test_a_forecast_of_nothing_says_why() -> None:
    shut = Site("shut.test", {"/": html("S")}, disallowing("/"))
    async with open_web(Web([shut])) as served:
        told = await forecast_crawl(served.seeds, **QUICK)
    assert told.size is None
    assert [one.reason for one in told.refused] == [Reason.ROBOTS]
    with pytest.raises(SeedError, match="nothing to forecast"):
        await forecast_crawl([], **QUICK)


async def test_the_settings_of_the_crawl_bound_it() -> None:
    async with _open_line() as served:
        whole = await forecast_crawl(served.seeds, **QUICK)
        limited = await forecast_crawl(served.seeds, limit=5, **QUICK)
        per_site = await forecast_crawl(served.seeds, limit_per_site=7, **QUICK)
        shallow = await forecast_crawl(served.seeds, max_depth=3, **QUICK)
    assert [_pages(one) for one in (whole, limited, per_site, shallow)] == [20, 5, 7, 4]
    assert limited.limits == {"scope.limit": 5}


async def test_sites_beyond_the_seeds_are_counted_and_left_out() -> None:
    sites = [Site("a.test", {"/": html("A", ["//b.test/", "//c.test/"])}), Site("b.test", {"/": redirect("/x")})]
    async with open_web(Web([*sites, Site("c.test", {"/": html("C")})])) as served:
        told = await forecast_crawl(served.seeds, reach="any", **QUICK)
    assert told.further_sites == 2
    assert len(told.sites) == 1


async def test_of_many_sites_some_are_chosen_by_chance() -> None:
    web = Web([Site(f"s{n}.test", {"/": html(str(n))}) for n in range(9)], [f"http://s{n}.test/" for n in range(9)])
    async with open_web(web) as served:
        told = await forecast_crawl(served.seeds, most_sites=4, **QUICK)
        again = await forecast_crawl(served.seeds, most_sites=4, **QUICK)
        assert len({hit.host for hit in served.hits}) == 4
    assert (len(told.sites), told.all_sites) == (4, 9)
    assert {one.site for one in told.sites} == {one.site for one in again.sites}


def _open_line() -> Any:
    pages = {f"/{n}": html(str(n), [f"/{n + 1}"] if n < 18 else []) for n in range(19)}
    return open_web(Web([Site("line.test", {"/": html("line", ["/0"]), **pages})]))


def _pages(told: Forecast) -> int:
    assert told.size is not None
    low, likely, high = told.size.pages
    assert likely is not None
    assert low == likely == high
    return round(likely)


def _holds(said: Interval, truth: int) -> bool:
    """Whether an interval is near the truth. How often intervals hold is shown in test_intervals.py."""
    return said.high is not None and said.low / 1.5 <= truth <= 1.5 * said.high
