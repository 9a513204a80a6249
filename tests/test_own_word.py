"""A site's own word, Crawl-delay or Retry-After, binds all visits there: one request at a time, with that gap."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest

import crawler
from crawler import Crawl
from crawler.testing import Served, Site, Web, html, open_web, robots
from crawler.testing.behaviours import failing
from crawler.testing.pages import Page, error, garbage
from crawler.testing.robots import Robots, Rules

QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0, "retry_delay_s": 0.02}
ASKED_S = 0.15
LEAST_S = ASKED_S - 0.005
HOST = "alpha.test"


def site(said: Robots, pages: int = 6, others: Mapping[str, Page] | None = None) -> Web:
    leaves = {f"/{n}": html(f"Page {n}") for n in range(pages)}
    return Web([Site(HOST, {"/": html("Home", list(leaves)), **leaves, **(others or {})}, said)])


def all_of(served: Served, pages: int = 6) -> list[str]:
    return [served.url(HOST, f"/{n}") for n in range(pages)]


async def crawled(served: Served, seeds: list[str], **settings: Any) -> crawler.Summary:
    with anyio.fail_after(60):
        return await crawler.crawl(seeds, **(QUICK | {"per_site": 4} | settings))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "settings"),
    [
        pytest.param(robots.delaying(ASKED_S), {}, id="no delay of ours"),
        pytest.param(robots.delaying(ASKED_S), {"delay_s": 0.02}, id="a smaller delay of ours"),
        pytest.param(robots.delaying(0.02), {"delay_s": ASKED_S}, id="a larger delay of ours"),
        pytest.param(robots.delaying(60), {"max_delay_s": ASKED_S}, id="more than is honoured"),
        pytest.param(robots.slow(Rules(crawl_delay_s=ASKED_S), 0.1), {}, id="robots.txt comes late"),
        pytest.param(robots.delaying(ASKED_S), {"max_depth": 1}, id="in depth order"),
    ],
)
async def test_a_crawl_delay_means_one_request_at_a_time_with_that_gap(said: Robots, settings: dict[str, Any]) -> None:
    """All pages are seeds: several places of the site are free before its robots.txt is known."""
    async with open_web(site(said)) as served:
        summary = await crawled(served, all_of(served), **settings)
        assert summary.pages == 6
        assert served.worst_concurrency(HOST) == 1
        assert min(served.pauses(HOST, robots=True)) >= LEAST_S


@pytest.mark.slow
@pytest.mark.parametrize(
    "said", [robots.missing(), robots.allow_all(), robots.delaying(0)], ids=["missing", "allow-all", "delay-0"]
)
async def test_without_a_word_of_the_site_each_place_rests_by_itself(said: Robots) -> None:
    """Our own delay with four places is four requests an interval, as documented."""
    async with open_web(site(said, pages=12)) as served:
        summary = await crawled(served, all_of(served, 12), delay_s=ASKED_S)
        assert summary.pages == 12
        gaps = served.gaps(HOST)
        assert sum(gap < LEAST_S / 2 for gap in gaps) >= 3, gaps  # of nine; one place alone has none


async def test_a_crawl_delay_that_is_not_to_be_honoured_is_no_word() -> None:
    async with open_web(site(robots.delaying(30))) as served:
        with anyio.fail_after(60):
            assert (await crawled(served, all_of(served), max_delay_s=0)).pages == 6


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_holds_every_place_and_one_request_finds_out_whether_it_is_over(status: int) -> None:
    """Twice the site says so; each time one request at most comes after the second it asks for."""
    busy = failing(html("At last"), times=2, by=error(status, retry_after_s=1))
    async with open_web(site(robots.missing(), pages=30, others={"/busy": busy})) as served:
        seeds = [served.url(HOST, "/busy"), *all_of(served, 30)]
        summary = await crawled(served, seeds, max_attempts=4)
        assert summary.pages == 31
        hits = served.of(HOST, robots=False)
        told = [n for n, hit in enumerate(hits) if hit.status == status]
        assert len(told) == 2
        for under_way, n in zip((15, 0), told, strict=True):  # of the other places, and few even if this loop is busy
            ended = hits[n].ended or 0.0
            assert sum(ended < hit.began < ended + 0.99 for hit in hits) <= under_way
            first, *later = [hit for hit in hits if hit.began >= ended + 0.99]
            assert not [hit for hit in later if hit.began < (first.ended or 0.0)]


async def test_a_retry_after_is_honoured_up_to_its_own_limit_whatever_that_of_a_crawl_delay_is() -> None:
    busy = failing(html("At last"), times=1, by=error(503, retry_after_s=3600))
    async with open_web(site(robots.missing(), others={"/busy": busy})) as served:
        seeds = [served.url(HOST, "/busy")]
        assert (await crawled(served, seeds, max_delay_s=3600, max_retry_after_s=0.3)).pages == 1
        [pause] = served.pauses(HOST, robots=False)
        assert pause >= 0.295


@pytest.mark.slow
async def test_a_failed_exchange_is_followed_by_the_gap_too() -> None:
    """What is no HTTP was an answer to a request."""
    broken = {f"/{n}": garbage() for n in range(2)}
    async with open_web(site(robots.delaying(ASKED_S), others=broken)) as served:
        await crawled(served, all_of(served), max_attempts=2)
        assert min(served.pauses(HOST, robots=True)) >= LEAST_S


@pytest.mark.slow
async def test_two_crawls_with_four_places_each_keep_the_gap_together() -> None:
    async with open_web(site(robots.delaying(ASKED_S))) as served, crawler.open_shared(**QUICK) as shared:

        async def run(**settings: Any) -> None:
            async with crawler.open_crawl(shared=shared, **(QUICK | {"per_site": 4} | settings)) as crawl:
                assert (await crawl.run(all_of(served))).pages == 6

        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run)
                while not served.of(HOST, robots=False):  # both know nothing of the gap before
                    await anyio.sleep(0.001)
                tasks.start_soon(partial(run, per_site=2, user_agent="other/1.0"))
        pauses = served.pauses(HOST, robots=True)
        second = [n for n, hit in enumerate(served.of(HOST)) if hit.path == "/robots.txt"][1]
        assert min(pauses[:second]) >= LEAST_S, "who has not asked robots.txt yet keeps the other's gap too"
        assert min(pauses) >= LEAST_S
        assert served.worst_concurrency(HOST) == 1


@pytest.mark.slow
async def test_the_gap_holds_over_a_restart(tmp_path: Path) -> None:
    async with open_web(site(robots.delaying(ASKED_S), pages=8)) as served:
        for limit in (2, 4, 8):
            await crawled(served, all_of(served, 8), folder=tmp_path / "crawl", limit=limit)
        assert len(served.of(HOST, robots=False)) == 8
        assert min(served.pauses(HOST, robots=True)) >= LEAST_S


@pytest.mark.slow
async def test_the_gap_holds_when_a_run_is_called_off_and_another_begins(tmp_path: Path) -> None:
    slow = {f"/{n}": crawler.testing.slow(html(f"Page {n}"), 0.3) for n in range(6)}
    async with open_web(site(robots.delaying(ASKED_S), others=slow)) as served:
        for _ in range(3):
            async with crawler.open_crawl(folder=tmp_path / "crawl", **(QUICK | {"per_site": 4})) as crawl:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_abort_amid_a_page, crawl, served)
                    await crawl.run(all_of(served))
        starts = [hit.began for hit in served.of(HOST)]
        assert min(later - earlier for earlier, later in pairwise(starts)) >= LEAST_S


async def _abort_amid_a_page(crawl: Crawl, served: Served) -> None:
    before = len(served.of(HOST, robots=False))
    while len(served.of(HOST, robots=False)) == before:
        await anyio.sleep(0.01)
    crawl.abort()
