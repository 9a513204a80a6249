"""Crawls of sick and slow sites: simulated hours with a real frontier, and real exchanges on loopback."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest

import crawler
from crawler.errors import FetchError
from crawler.frontier import Clock, open_memory
from crawler.model import Disposition, Lease, Outcome, Position, Reason, Request, Response, Timings, Url
from crawler.offload import Inline
from crawler.policy.pace import Adapt, Pace
from crawler.protocols import Frontier
from crawler.robots import IgnoreRobots
from crawler.runtime.presence import Presence
from crawler.standing import SiteView
from crawler.testing import Site, Web, html, open_web
from crawler.testing.behaviours import failing, slow
from crawler.visit import Visitor
from tests.defaults import make_job, make_politeness, make_scope, make_terms

ADAPT = Adapt(2.0, 30.0)
SICK, WELL = "http://sick.test", "http://well.test"

Answers = Callable[[str, float], "int | Reason"]
"""Returns the status with which a site answers at a time, or why it does not."""


@dataclass
class Simulation:
    """A crawl of sites with many pages, under a simulated clock, in which answers take no time of ours."""

    answers: Answers
    adapt: Adapt | None = ADAPT
    delay_s: float = 1.0
    per_site: int = 1
    answer_s: float = 0.1
    now: float = 1000.0
    asked: list[tuple[str, float]] = field(default_factory=list)
    """The sites that were asked, and when."""
    ended: Counter[tuple[str, Disposition]] = field(default_factory=Counter)

    async def fetch(self, request: Request) -> Response:
        site = request.url.site
        self.asked.append((site, self.now))
        said = self.answers(site, self.now)
        if isinstance(said, Reason):
            raise FetchError(said, "no answer", transient=True)
        timings, body = Timings(ttfb=1000 * self.answer_s), request.url.text.encode()
        return Response(request.url, said, (), body, ip=site, timings=timings)

    async def run(self, seconds: float, sites: Sequence[str] = (SICK, WELL), pages: int = 1000) -> None:
        """Crawls for so many simulated seconds."""
        until, pace = self.now + seconds, Pace(Presence(lambda: self.now), lambda: self.now)
        terms = make_terms(per_site=self.per_site, per_ip=100, rest_s=self.delay_s)
        clock = Clock(lambda: self.now, lambda: self.now)
        async with open_memory(terms, clock=clock) as frontier:
            visitor = self._visitor(frontier, pace)
            await frontier.add([Request(Url(f"{site}/{n}")) for n in range(pages) for site in sites])
            while self.now < until:
                leases = await frontier.lease(64)
                outcomes = [await self._visit(visitor, lease) for lease in leases]
                await frontier.settle(outcomes, {})
                self.ended.update((one.url.site, one.disposition) for one in outcomes)
                if not leases:
                    self.now += 0.1

    async def _visit(self, visitor: Visitor, lease: Lease) -> Outcome:
        outcome = await visitor.visit(lease)
        return replace(outcome, ended=self.now + self.answer_s if outcome.ended else 0.0)

    def _visitor(self, frontier: Frontier, pace: Pace) -> Visitor:
        scope = make_scope(reach="any")
        politeness = make_politeness(delay_s=self.delay_s, adapt=self.adapt)
        job = make_job(key=b"k" * 16, run=b"r" * 8, bounds=scope)
        return Visitor(IgnoreRobots(), self, Inline(), frontier, scope, politeness, job, pace=pace)

    def requests(self, site: str) -> int:
        return sum(one == site for one, _ in self.asked)

    def pauses(self, site: str) -> list[float]:
        times = [at for one, at in self.asked if one == site]
        return [round(b - a, 1) for a, b in pairwise(times)]


def out_for(seconds: float, said: int | Reason = 503, begun: float = 1000.0) -> Answers:
    """Answers of the sick site that is out for a time; the other one is well."""
    return lambda site, now: said if site == SICK and now < begun + seconds else 200


@pytest.mark.parametrize(("said", "per_site"), [(503, 1), (429, 1), (503, 4), (Reason.TIMEOUT, 1), (Reason.CONNECT, 1)])
async def test_a_sick_site_gets_a_small_part_of_the_requests_and_loses_few_pages(
    said: int | Reason, per_site: int
) -> None:
    plain = Simulation(out_for(300, said), adapt=None, per_site=per_site)
    adapting = Simulation(out_for(300, said), per_site=per_site)
    await plain.run(300)
    await adapting.run(300)
    assert adapting.requests(SICK) * 10 < plain.requests(SICK)
    lost = [run.ended[SICK, Disposition.FAILED] for run in (plain, adapting)]
    assert lost[1] * 10 < lost[0]
    assert adapting.requests(WELL) == plain.requests(WELL)


async def test_a_site_that_is_well_again_is_crawled_at_its_full_speed_within_minutes() -> None:
    crawl = Simulation(out_for(200))
    await crawl.run(550)
    assert max(crawl.pauses(SICK)) <= 30.2
    last = Counter(site for site, at in crawl.asked if at > 1500)
    assert last[SICK] == pytest.approx(last[WELL], abs=1)


async def test_a_site_that_bears_one_request_in_five_seconds_is_found_out() -> None:
    """It answers 429 to whatever comes sooner. No page of it is lost: the crawl slows down in time."""
    last = 0.0

    def answers(site: str, now: float) -> int:
        nonlocal last
        is_early, last = site == SICK and now - last < 5.0, now
        return 429 if is_early else 200

    crawl, plain = Simulation(answers), Simulation(answers, adapt=None)
    await crawl.run(900, [SICK])
    last = 0.0
    await plain.run(900, [SICK])
    got = [run.ended[SICK, Disposition.FETCHED] for run in (plain, crawl)]
    assert got[0] < 10
    assert got[1] > 50
    assert crawl.requests(SICK) < plain.requests(SICK) / 3


async def test_a_slow_site_is_kept_busy_a_third_of_the_time() -> None:
    crawl = Simulation(lambda site, now: 200, answer_s=5.0)
    await crawl.run(900, [WELL])
    assert crawl.requests(WELL) == pytest.approx(900 / 15, rel=0.1)


@pytest.mark.parametrize("delay_s", [0.0, 0.5, 1.0, 5.0])
@pytest.mark.parametrize("per_site", [1, 4])
async def test_a_healthy_crawl_is_as_fast_as_without(delay_s: float, per_site: int) -> None:
    runs = [Simulation(lambda site, now: 200, one, delay_s, per_site, answer_s=0.3) for one in (None, ADAPT)]
    for run in runs:
        await run.run(20 if delay_s else 1, pages=100)
    assert runs[0].asked == runs[1].asked


# -- on the wire -------------------------------------------------------------------------------------------------------

HOST = "alpha.test"
QUICK: dict[str, Any] = {
    "allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.01, "retry_delay_s": 0.02,
}  # fmt: skip


class Watcher:
    """A sink that looks at the sites of a crawl whenever a page comes."""

    name = "watcher"

    def __init__(self) -> None:
        self.crawl: crawler.Crawl | None = None
        self.why: set[str] = set()
        self.longest_s = 0.0

    async def rewind(self, position: Position | None) -> None: ...

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        assert self.crawl
        for view in (*self.crawl.sites(5), *self.crawl.snapshot().busiest):
            self.longest_s = max(self.longest_s, view.rest_s)
            self.why.add(view.slowed_by)
            assert bool(view.slowed_by) == (view.rest_s > view.delay_s)
        return {}


async def watched(web: Web, **settings: Any) -> tuple[crawler.Summary, Watcher]:
    watcher = Watcher()
    async with open_web(web) as served:
        async with crawler.open_crawl(sinks=[watcher], **(QUICK | settings)) as crawl:
            watcher.crawl = crawl
            with anyio.fail_after(60):
                return await crawl.run(served.seeds), watcher


def site(**changed: Any) -> Web:
    leaves = {f"/{n}": changed.get("page", html)(f"Page {n}") for n in range(8)}
    return Web([Site(HOST, {"/": html("Home", list(leaves)), **leaves})])


async def test_a_crawl_says_that_it_rests_longer_after_errors_and_gets_every_page() -> None:
    summary, watcher = await watched(site(page=lambda title: failing(html(title), times=1)))
    assert summary.pages == 9
    assert "HTTP 503 not long ago" in watcher.why
    assert 0.01 < watcher.longest_s <= 0.32


async def test_a_crawl_says_that_answers_are_slow() -> None:
    summary, watcher = await watched(site(page=lambda title: slow(html(title), 0.06)), adapt_factor=100.0)
    assert summary.pages == 9
    assert any(why.startswith("answers take 0.") for why in watcher.why)
    assert watcher.longest_s > 0.01


@pytest.mark.parametrize("settings", [{"adapt": "off"}, {"delay_s": 0.0}])
async def test_nothing_rests_longer_if_it_is_off_or_there_is_no_delay(settings: dict[str, Any]) -> None:
    web = site(page=lambda title: failing(slow(html(title), 0.03), times=1))
    summary, watcher = await watched(web, **({"adapt_factor": 100.0} | settings))
    assert (summary.pages, watcher.why) == (9, {""})


LEAVES = [f"/{n}" for n in range(8)]
SICK_SITE = Web([Site(HOST, dict.fromkeys(LEAVES, failing(html("Sick"), times=10**9)))])
RESTING = QUICK | {"delay_s": 20.0, "robots": "ignore"}
"""After its first answer the site rests longer than these tests take."""


async def until_slowed(crawl: crawler.Crawl) -> SiteView:
    while not (slowed := [view for view in crawl.sites(5) if view.slowed_by]):
        await anyio.sleep(0.02)
    return slowed[0]


async def test_it_may_be_turned_off_and_on_while_a_crawl_runs_and_an_explanation_says_why() -> None:
    async with (
        open_web(SICK_SITE) as served,
        crawler.open_crawl(**RESTING) as crawl,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(crawl.run, [served.url(HOST, path) for path in LEAVES])
        with anyio.fail_after(60):
            await until_slowed(crawl)
            said = await crawl.explain(served.url(HOST, "/1"), is_offline=True)
            assert (said.slowed_by.partition(",")[0], said.rest_s) == ("HTTP 503", 20.0)
            assert said.adapted_s == 30.0
            assert said.record()["site"]["slowed_by"] == said.slowed_by  # type: ignore[index]
            await crawl.change(adapt="off")
            assert (crawl.sites(1)[0].slowed_by, crawl.sites(1)[0].rest_s) == ("", 20.0)
            await crawl.change(adapt="latency")
            assert crawl.sites(1)[0].rest_s == 30.0
            await crawl.change(adapt_max_s=25.0)
            assert crawl.sites(1)[0].rest_s == 25.0
        crawl.abort()


async def test_the_next_run_and_those_who_look_into_the_folder_know_the_sick_sites(tmp_path: Path) -> None:
    settings = RESTING | {"folder": tmp_path}
    async with open_web(SICK_SITE) as served:
        async with crawler.open_crawl(**settings) as crawl:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(crawl.run, [served.url(HOST, path) for path in LEAVES])
                with anyio.fail_after(60):
                    await until_slowed(crawl)
                crawl.stop()
            [was] = crawl.sites(1)
        said = await crawler.explain(
            served.url(HOST, "/1"), crawl.config, frontier=tmp_path / "frontier.sqlite", is_offline=True
        )
        assert (said.adapted_s, said.slowed_by) == (was.rest_s, was.slowed_by)
        async with crawler.open_crawl(**settings) as crawl, anyio.create_task_group() as tasks:
            tasks.start_soon(crawl.run)
            with anyio.fail_after(60):
                assert (await until_slowed(crawl)).slowed_by == was.slowed_by
            crawl.abort()
