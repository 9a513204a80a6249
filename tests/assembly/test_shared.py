"""Several crawls in one process: they share what is dear, take turns at sites, and never meet otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from types import MethodType
from typing import Any, cast
from urllib.parse import urlsplit

import anyio
import pytest

import crawler
from crawler import Crawl, Ending, Reason
from crawler.assembly.shared import Shared
from crawler.fetch import Guard
from crawler.fetch.resolver import NameAnswer, Resolver
from crawler.testing import Served, Site, Web, html, link_graph, open_web, slow

QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0, "retry_delay_s": 0.02}

BLOCKED = {Reason.BLOCKED_ADDRESS: 1}


def one_host(pages: int, slow_s: float = 0.0) -> Web:
    """One host of so many pages, all listed on its first."""
    leaves = {f"/{n}": slow(html(f"Page {n}"), slow_s) for n in range(pages)}
    return Web([Site("alpha.test", {"/": html("Alpha", list(leaves)), **leaves})])


@dataclass
class Stage:
    """Crawls of one web over shared parts."""

    served: Served
    shared: Shared
    summaries: dict[str, crawler.Summary] = field(default_factory=dict)

    async def run(self, name: str, settings: dict[str, Any]) -> None:
        """One crawl from beginning to end, told apart by its agent."""
        async with self.crawl(name, **settings) as crawl:
            self.summaries[name] = await crawl.run(self.served.seeds)

    @asynccontextmanager
    async def crawl(self, name: str, **settings: Any) -> AsyncIterator[Crawl]:
        async with crawler.open_crawl(shared=self.shared, **(QUICK | settings), user_agent=f"{name}/1.0") as crawl:
            yield crawl

    def agents(self) -> list[str]:
        """Who asked the host, in order."""
        return [hit.headers["user-agent"].partition("/")[0] for hit in self.served.of("alpha.test")]

    def check_that_nothing_is_left(self) -> None:
        shared = self.shared
        assert shared.places.taken == 0
        assert shared.budget.used == 0
        assert not shared.network.gates._inside
        assert not [line for line in shared.turns._sites.values() if line.out or line.waiting or line.called]


@asynccontextmanager
async def open_stage(web: Web, **settings: Any) -> AsyncIterator[Stage]:
    async with open_web(web) as served, crawler.open_shared(**(QUICK | settings)) as shared:
        with anyio.fail_after(300):
            stage = Stage(served, shared)
            yield stage
            stage.check_that_nothing_is_left()


@pytest.mark.slow
async def test_two_crawls_of_one_host_take_turns_and_keep_its_rest() -> None:
    async with open_stage(one_host(12)) as stage:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stage.run, "one", {"delay_s": 0.05})
            tasks.start_soon(stage.run, "two", {"delay_s": 0.05})
        assert stage.served.worst_concurrency("alpha.test") == 1
        assert min(stage.served.pauses("alpha.test", robots=True)) >= 0.045
        assert sum(one != other for one, other in pairwise(stage.agents())) >= 20
    assert {name: summary.pages for name, summary in stage.summaries.items()} == {"one": 13, "two": 13}


@pytest.mark.slow
async def test_each_crawl_rests_as_long_as_it_says_and_the_others_do_not_wait_for_that() -> None:
    async with open_stage(one_host(6)) as stage:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stage.run, "calm", {"delay_s": 0.1})
            tasks.start_soon(stage.run, "brisk", {"delay_s": 0.0})
        calm = [hit for hit in stage.served.of("alpha.test") if hit.headers["user-agent"].startswith("calm")]
        assert min(later.began - hit.ended for hit, later in pairwise(calm) if hit.ended) >= 0.09
        assert stage.served.worst_concurrency("alpha.test") == 1
    assert {summary.pages for summary in stage.summaries.values()} == {7}


@pytest.mark.slow
@pytest.mark.parametrize("per_site", [1, 3])
async def test_a_crawl_that_rests_for_hours_holds_its_host_against_no_other_alive_or_cancelled(per_site: int) -> None:
    async with open_stage(one_host(12)) as stage:
        async with stage.crawl("slow", delay_s=1e6, max_delay_s=1e6, per_site=per_site) as slow:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(slow.run, stage.served.seeds)
                while "slow" not in stage.agents() or slow.snapshot().in_flight:
                    await anyio.sleep(0.001)
                await stage.run("while", {"delay_s": 0.001})
                slow.abort()
            await stage.run("after", {"delay_s": 0.001})
        await stage.run("later", {"delay_s": 0.001})
    assert {name: summary.pages for name, summary in stage.summaries.items()} == {"while": 13, "after": 13, "later": 13}
    assert Counter(stage.agents())["slow"] == 1


@pytest.mark.slow
async def test_per_site_holds_over_all_crawls() -> None:
    async with open_stage(one_host(6, slow_s=0.2)) as stage:
        async with anyio.create_task_group() as tasks:
            for name in ("one", "two", "three"):
                tasks.start_soon(stage.run, name, {"per_site": 2})
        assert stage.served.worst_concurrency("alpha.test") == 2
    assert {summary.pages for summary in stage.summaries.values()} == {7}


@pytest.mark.slow
async def test_an_address_bears_so_many_over_all_crawls_and_sites() -> None:
    hosts = [f"{letter}.test" for letter in "abcd"]
    web = Web([Site(host, {"/": slow(html(host), 0.2)}) for host in hosts])
    async with open_stage(web) as stage:

        async def ask(_: str) -> NameAnswer:
            return NameAnswer(("127.0.1.1",), 60.0)

        stage.shared = replace(stage.shared, network=replace(stage.shared.network, ask=ask))
        port = urlsplit(stage.served.seeds[0]).port

        async def run(name: str) -> None:
            async with stage.crawl(name, per_ip=2) as crawl:
                stage.summaries[name] = await crawl.run([f"http://{host}:{port}/" for host in hosts])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run, "one")
            tasks.start_soon(run, "two")
        assert stage.served.peak() == 2
    assert {summary.pages for summary in stage.summaries.values()} == {4}


async def test_a_crawl_that_is_paused_or_stopped_does_not_stand_in_the_way() -> None:
    async with open_stage(one_host(40)) as stage:
        async with stage.crawl("paused") as paused, anyio.create_task_group() as tasks:
            tasks.start_soon(paused.run, stage.served.seeds)
            while paused.snapshot().pages < 3:
                await anyio.sleep(0.001)
            paused.pause()
            await stage.run("other", {})
            assert paused.snapshot().pages < 41
            paused.resume()
        async with stage.crawl("stopped") as stopped, anyio.create_task_group() as tasks:
            tasks.start_soon(stopped.run, stage.served.seeds)
            while stopped.snapshot().pages < 3:
                await anyio.sleep(0.001)
            stopped.stop()
        await stage.run("last", {})
    assert {summary.pages for summary in stage.summaries.values()} == {41}
    assert Counter(stage.agents())["paused"] == 42, "with robots.txt"


async def test_the_end_of_one_leaves_the_others_healthy_and_nothing_behind() -> None:
    async with open_stage(one_host(40, slow_s=0.005), concurrency=4) as stage:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stage.run, "healthy", {"per_site": 2})
            async with stage.crawl("aborted", per_site=2) as aborted, anyio.create_task_group() as others:
                others.start_soon(aborted.run, stage.served.seeds)
                while aborted.snapshot().pages < 3:
                    await anyio.sleep(0.001)
                aborted.abort()
            with anyio.CancelScope() as scope:
                async with stage.crawl("cancelled", per_site=2) as cancelled, anyio.create_task_group() as others:
                    others.start_soon(cancelled.run, stage.served.seeds)
                    while cancelled.snapshot().pages < 3:
                        await anyio.sleep(0.001)
                    scope.cancel()
    assert stage.summaries["healthy"].pages == 41


async def test_two_crawls_may_hold_the_same_page_in_memory() -> None:
    async with open_stage(one_host(10), budget_bytes=40_000, max_body_bytes=20_000) as stage:
        async with anyio.create_task_group() as tasks:
            for name in ("one", "two"):
                tasks.start_soon(stage.run, name, {"per_site": 8, "max_body_bytes": 20_000})
    assert {summary.pages for summary in stage.summaries.values()} == {11}


async def test_what_one_crawl_may_talk_to_is_forbidden_to_another() -> None:
    async with open_stage(one_host(1)) as stage:
        await stage.run("inside", {})
        await stage.run("outside", {"allow_networks": []})
    assert stage.summaries["inside"].pages == 2
    assert stage.summaries["outside"].reasons == BLOCKED


async def test_names_are_asked_once_for_all_and_vetted_by_each() -> None:
    async with open_stage(one_host(1)) as stage:
        asked: Counter[str] = Counter()

        async def ask(host: str) -> NameAnswer:
            asked[host] += 1
            return NameAnswer(("127.0.1.1",), 60.0)

        network = replace(stage.shared.network, ask=Resolver(Guard(("0.0.0.0/0",)), ask, timeout_s=10.0).look_up)
        stage.shared = replace(stage.shared, network=network)
        seeds = [stage.served.seeds[0].replace("127.0.1.1", "alpha.test")]
        found = {}
        for name, networks in (("outside", []), ("inside", ["127.0.0.0/8"]), ("again", [])):
            async with stage.crawl(name, allow_networks=networks) as crawl:
                found[name] = dict((await crawl.run(seeds)).reasons)
    assert asked == {"alpha.test": 1}
    assert found == {"outside": BLOCKED, "inside": {}, "again": BLOCKED}


@pytest.mark.slow
async def test_a_hundred_crawls_at_once_all_come_to_their_end() -> None:
    async with open_stage(link_graph(seed=5, sites=4, pages_per_site=2, links_per_page=3), concurrency=16) as stage:
        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(stage.run, f"n{number}", {"reach": "any"})
        assert stage.served.peak() <= 16
        assert stage.served.worst_concurrency() == 1
        pages = len(stage.served.web.reachable())
    assert {(summary.pages, summary.ended) for summary in stage.summaries.values()} == {(pages, Ending.EXHAUSTED)}
    assert len(stage.summaries) == 100


async def test_a_crawl_of_larger_bodies_than_the_shared_budget_allows_is_refused(tmp_path: Path) -> None:
    async with crawler.open_shared(executor="inline", max_body_bytes=1000, budget_bytes=2000) as shared:
        with pytest.raises(crawler.ConfigError, match=r"fetch\.max_body_bytes: 1_000 at most"):
            async with crawler.open_crawl(shared=shared, max_body_bytes=2000):
                pass
        with pytest.raises(crawler.ConfigError, match="weight"):
            async with crawler.open_crawl(shared=shared, max_body_bytes=500, weight=0):
                pass


async def test_names_are_looked_up_for_as_long_as_the_settings_say() -> None:
    async with crawler.open_shared(executor="inline", connect_timeout_s=40.0) as shared:
        answers = cast("Resolver", cast("MethodType", shared.network.ask).__self__)
        assert answers._timeout_s == 40.0
