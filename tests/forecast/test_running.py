"""A crawl that runs tells when it ends, with an interval; where it cannot, it tells why."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.generated_webs import make_site
from crawler import Snapshot, open_crawl
from crawler.api.outlook import LEAST_S, MOST_S, Outlook
from crawler.engine.limits import NOTHING_SPENT
from crawler.metrics.metrics import Metrics
from crawler.settings.loading import load
from crawler.standing import Counts, SiteView
from crawler.testing import Site, Web, html, open_web
from tests.frontier.conftest import HandClock
from tests.test_api import QUICK

from .webs import serve


@pytest.mark.slow
async def test_the_end_of_a_crawl_is_told_while_it_runs_and_comes_true() -> None:
    site = make_site(random.Random(5), "shop", most=200, sitemaps=0.0)
    async with open_web(serve([site])) as served, open_crawl(**(QUICK | {"delay_s": 0.05, "traps": "off"})) as crawl:
        told: list[tuple[float, Snapshot]] = []
        run = asyncio.create_task(crawl.run(served.seeds))
        while not run.done():
            await asyncio.wait([run], timeout=0.25)
            if not run.done():
                told.append((asyncio.get_running_loop().time(), crawl.snapshot()))
        ended_at = asyncio.get_running_loop().time()
        assert (await run).pages == site.size
        assert crawl.snapshot().eta is None, "it has ended"
    said = [(at, now.eta) for at, now in told if now.eta is not None]
    assert said[0][1].high_s is None, "nothing can be said at the beginning"
    assert said[0][1].why
    closed = [(at, eta) for at, eta in said if eta.high_s is not None]
    assert closed
    assert any(eta.low_s - 1 <= ended_at - at <= (eta.high_s or 0) + 1 for at, eta in closed)


async def test_a_crawl_that_stands_still_tells_no_end() -> None:
    pages = {f"/{n}": html(str(n)) for n in range(40)}
    web = Web([Site("a.test", {"/": html("A", [*pages]), **pages})])
    async with open_web(web) as served, open_crawl(**(QUICK | {"delay_s": 0.02})) as crawl:
        run = asyncio.create_task(crawl.run(served.seeds))
        while not crawl.snapshot().pages:
            await asyncio.sleep(0.01)
        assert crawl.snapshot().eta is not None
        crawl.pause()
        assert crawl.snapshot().eta is None
        crawl.resume()
        eta = crawl.snapshot().eta
        assert eta is not None
        assert eta.high_s is None, "speeds are measured anew"
        await run


@pytest.mark.parametrize(
    ("settings", "reads_seeds", "why"),
    [
        ({}, True, "seeds are still read"),
        ({"limit_per_domain": 5}, False, "limits of single sites or domains are not foreseen"),
        ({"sites": {"a.test": {"limit": 5}}}, False, "limits of single sites or domains are not foreseen"),
        ({"reach": "any"}, False, "links still lead to new sites"),
        ({"limit_per_site": 90}, False, ""),
        ({}, False, "too few visits to one of the sites were made to judge"),
    ],
)
def test_what_is_not_foreseen_is_named(settings: dict[str, Any], reads_seeds: bool, why: str) -> None:
    """Two sites of known URLs; the second comes up late."""
    clock, config = HandClock(), load(settings=settings)
    outlook, now, shown = Outlook(lambda: clock.now), _now(0), list[SiteView]()
    for visits in range(40):
        clock.move(1.0)
        now = replace(_now(visits), reads_seeds=reads_seeds)
        names = ["http://a.test", "http://b.test"][: 1 + (visits > 30)]
        shown[:] = [SiteView(name, 60 - visits, 0, 0.5, rest_s=1.0, visits=visits) for name in names]
        outlook.note(now, config, lambda limit: shown)
    eta = outlook.complete(now, config, NOTHING_SPENT, lambda limit: shown).eta
    assert eta is not None
    assert eta.why == why
    assert (eta.high_s is None) is bool(why)


def test_it_is_estimated_rarely_and_counts_down_between() -> None:
    clock, config = HandClock(), load(settings={"time_limit_s": 560})
    outlook = Outlook(lambda: clock.now)

    def ends_in(visits: int) -> float:
        eta = outlook.complete(_now(visits), config, NOTHING_SPENT, lambda limit: []).eta
        assert eta is not None
        assert eta.high_s is not None
        return eta.high_s

    assert ends_in(100) == 500
    for seconds, visits, high_s in (
        (1, 500, 499),
        (LEAST_S, 500, 500),
        (LEAST_S, 501, 500 - LEAST_S),
        (MOST_S, 501, 500),
    ):
        clock.move(seconds)
        assert ends_in(visits) == high_s, "`elapsed_s` stands still here, so a new estimate is the whole limit again"


def _now(visits: int) -> Snapshot:
    counts = Counts(known=200, queued=200 - visits if visits < 200 else 5)
    return replace(Metrics().snapshot(counts, (), 0, reads_seeds=False), visits=visits, pages=visits, elapsed_s=60.0)
