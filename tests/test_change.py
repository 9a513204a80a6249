"""A crawl is given other settings while it runs, and keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Any, cast

import anyio
import pytest

import crawler
from crawler import Config, Crawl, Disposition, Ending, Summary
from crawler.folder.folder import Folder
from crawler.settings.loading import load
from crawler.testing import Served, Site, Web, failing, html, open_web, slow

QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0, "retry_delay_s": 0.02}


def one_host(pages: int, slow_s: float = 0.002) -> Web:
    leaves = {f"/{n}": slow(html(f"Page {n}", [f"/below/{n}"]), slow_s) for n in range(pages)}
    below = {f"/below/{n}": html(f"Below {n}") for n in range(pages)}
    return Web([Site("alpha.test", {"/": html("Alpha", list(leaves)), **leaves, **below})])


class Running:
    """A crawl at work."""

    def __init__(self, crawl: Crawl, served: Served) -> None:
        self.crawl = crawl
        self.served = served
        self.summary: Summary | None = None

    async def run(self) -> None:
        self.summary = await self.crawl.run(self.served.seeds)

    async def until(self, is_so: Callable[[crawler.Snapshot], bool]) -> None:
        while not is_so(self.crawl.snapshot()):
            await anyio.sleep(0.001)

    async def until_pages(self, number: int) -> None:
        await self.until(lambda snapshot: snapshot.pages >= number)


@asynccontextmanager
async def running(web: Web, folder: Path | None = None, **settings: Any) -> AsyncIterator[Running]:
    """Its end is waited for."""
    with anyio.fail_after(60):
        async with (
            open_web(web) as served,
            crawler.open_crawl(folder=folder, **(QUICK | settings)) as crawl,
            anyio.create_task_group() as tasks,
        ):
            story = Running(crawl, served)
            tasks.start_soon(story.run)
            yield story


def keys(changes: tuple[crawler.Change, ...]) -> list[str]:
    return [change.key for change in changes]


async def test_more_at_a_time_and_less_rest_from_the_next_visit_on() -> None:
    async with running(one_host(30), delay_s=0.3) as story:
        await story.until_pages(3)
        assert story.served.worst_concurrency("alpha.test") == 1
        changes = await story.crawl.change(delay_s=0.0, per_site=4, concurrency=100)
        assert keys(changes.applied) == ["politeness.delay_s", "politeness.per_site", "fetch.concurrency"]
        assert changes.applied[0][1:3] == (0.3, 0.0)
        assert changes.needs_restart == ()
        assert story.crawl.config.politeness.per_site == 4
    assert story.served.worst_concurrency("alpha.test") == 4
    assert sum(pause >= 0.295 for pause in story.served.pauses("alpha.test")) < 8
    assert story.summary
    assert story.summary.pages == 61


async def test_fewer_at_a_time() -> None:
    async with running(one_host(60, slow_s=0.01), per_site=8) as story:
        await story.until_pages(5)
        await story.crawl.change(concurrency=1)
        await story.until_pages(15)
        asked = len(story.served.hits)
        await story.until_pages(40)
        assert {hit.concurrency for hit in story.served.hits[asked + 1 :]} == {1}
        story.crawl.stop()


async def test_a_narrower_scope_drops_what_is_queued_and_a_wider_one_takes_in_what_is_found() -> None:
    async with running(one_host(20), max_depth=1) as story:
        await story.until_pages(3)
        asked_before = {hit.path for hit in story.served.hits}
        await story.crawl.change(exclude=["/1?"], max_depth=2)
    assert story.summary
    asked = {hit.path for hit in story.served.hits}
    assert story.summary.dispositions[Disposition.EXCLUDED] > 5
    assert not asked_before & {f"/below/{n}" for n in range(20)}
    assert len(asked & {f"/below/{n}" for n in range(20)}) > 3


async def test_limits_end_a_crawl_that_had_none() -> None:
    async with running(one_host(30), delay_s=0.01) as story:
        await story.until_pages(3)
        await story.crawl.change(limit=10)
    assert story.summary
    assert (story.summary.ended, story.summary.pages) == (Ending.PAGE_LIMIT, 10)


async def test_one_attempt_is_enough_from_now_on() -> None:
    web = Web([Site("alpha.test", {"/": html("Alpha", ["/bad"]), "/bad": failing(html("Bad"), times=50)})])
    async with running(web, max_attempts=50) as story:
        await story.until(lambda snapshot: snapshot.counts.retrying > 0)
        await story.crawl.change(max_attempts=1)
    assert story.summary
    assert story.summary.failed == 1


async def test_what_takes_a_restart_is_told_and_kept_for_it(tmp_path: Path) -> None:
    async with running(one_host(5), tmp_path) as story:
        changes = await story.crawl.change(user_agent="other/2.0", delay_s=0.01, cookies=True)
        assert keys(changes.needs_restart) == ["user_agent", "fetch.cookies"]
        assert story.crawl.config.user_agent == ""
        assert story.crawl.folder
        assert story.crawl.folder.config.user_agent == "other/2.0"
        again = await story.crawl.change(max_depth=3)
        assert (keys(again.applied), again.needs_restart) == (["scope.max_depth"], ())
    kept = load(tmp_path / "crawl.toml")
    assert (kept.user_agent, kept.politeness.delay_s, kept.scope.max_depth) == ("other/2.0", 0.01, 3)
    async with crawler.open_crawl(folder=tmp_path) as crawl:
        assert (crawl.config.user_agent, crawl.config.fetch.cookies) == ("other/2.0", True)


@pytest.mark.slow
async def test_caps_and_traps_are_told_to_wait_for_a_restart_and_hold_after_it(tmp_path: Path) -> None:
    """They judge by what was counted since the crawl was opened."""
    web = one_host(30)
    async with running(web, tmp_path, limit=5) as story:
        changes = await story.crawl.change(limit_per_site=7, limit_per_domain=7, traps="off", max_links=9)
        assert changes.applied == ()
        assert keys(changes.needs_restart) == [
            "scope.limit_per_site", "scope.limit_per_domain", "scope.traps", "scope.max_links",
        ]  # fmt: skip
        assert story.crawl.config.scope.limit_per_site is None
    async with open_web(web) as served, crawler.open_crawl(folder=tmp_path, limit=1000) as crawl:
        assert (crawl.config.scope.limit_per_site, crawl.config.scope.traps) == (7, "off")
        await crawl.run(served.seeds)
        asked = {hit.path for hit in served.of("alpha.test", robots=False)}
    assert len(asked) == 7


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"delay_s": 3.0, "concurrency": 0}, r"\[fetch\] concurrency"),
        ({"delay_s": 3.0, "include": ["re:("]}, r"scope\.include"),
        ({"delay_s": 3.0, "frontier.kind": "memory"}, r"frontier\.kind: cannot be changed"),
        ({"delay_s": 3.0, "no_such": 1}, "no_such"),
    ],
)
async def test_settings_that_cannot_be_used_change_nothing(
    tmp_path: Path, settings: dict[str, Any], complaint: str
) -> None:
    async with crawler.open_crawl(folder=tmp_path, **QUICK) as crawl:
        before = (tmp_path / "crawl.toml").read_text()
        with pytest.raises(crawler.ConfigError, match=complaint):
            await crawl.change(**settings)
        assert crawl.config.politeness.delay_s == 0.0
        assert (tmp_path / "crawl.toml").read_text() == before


async def test_a_folder_that_cannot_keep_them_changes_nothing(tmp_path: Path) -> None:
    async with crawler.open_crawl(folder=tmp_path, **QUICK) as crawl:
        (tmp_path / "crawl.toml.new").mkdir()
        with pytest.raises(crawler.FolderError):
            await crawl.change(delay_s=3.0)
        assert crawl.config.politeness.delay_s == 0.0


class SlowDisk:
    """A crawl's folder that keeps nothing before it is told to go on."""

    def __init__(self, crawl: Crawl) -> None:
        assert crawl.folder
        self.folder = crawl.folder
        self.asked: list[Config] = []
        self.is_asked, self.goes_on = Event(), Event()
        crawl.folder = cast(Folder, self)

    def keep(self, config: Config) -> Folder:
        self.asked.append(config)
        self.is_asked.set()
        assert self.goes_on.wait(20), "the loop that would tell it stands still"
        self.folder = self.folder.keep(config)
        return cast(Folder, self)


async def test_the_loop_goes_on_while_the_disk_keeps_other_settings(tmp_path: Path) -> None:
    async with crawler.open_crawl(folder=tmp_path, **QUICK) as crawl:
        disk = SlowDisk(crawl)
        changing = asyncio.ensure_future(crawl.change(delay_s=3.0))
        await asyncio.to_thread(disk.is_asked.wait, 20)
        assert crawl.config.politeness.delay_s == 0.0
        disk.goes_on.set()
        assert keys((await changing).applied) == ["politeness.delay_s"]
        assert crawl.config.politeness.delay_s == load(tmp_path / "crawl.toml").politeness.delay_s == 3.0


async def test_changes_happen_one_after_the_other_and_none_undoes_another(tmp_path: Path) -> None:
    async with crawler.open_crawl(folder=tmp_path, **QUICK) as crawl:
        disk = SlowDisk(crawl)
        waiting = [
            asyncio.ensure_future(crawl.change(**settings))
            for settings in ({"delay_s": 3.0, "limit": 5}, {"max_depth": 4}, {"limit": 6})
        ]
        await asyncio.to_thread(disk.is_asked.wait, 20)
        assert len(disk.asked) == 1
        disk.goes_on.set()
        told = [keys((await changing).applied) for changing in waiting]
        assert told == [["scope.limit", "politeness.delay_s"], ["scope.max_depth"], ["scope.limit"]]
        for config in (crawl.config, load(tmp_path / "crawl.toml")):
            assert (config.politeness.delay_s, config.scope.max_depth, config.scope.limit) == (3.0, 4, 6)


async def test_a_change_that_is_called_off_while_the_disk_keeps_it_is_whole(tmp_path: Path) -> None:
    async with crawler.open_crawl(folder=tmp_path, **QUICK) as crawl:
        disk = SlowDisk(crawl)
        changing = asyncio.ensure_future(crawl.change(delay_s=3.0))
        await asyncio.to_thread(disk.is_asked.wait, 20)
        next_one = asyncio.ensure_future(crawl.change(limit=5))
        for _ in range(3):
            changing.cancel()
            await asyncio.sleep(0)
        assert not changing.done()
        assert len(disk.asked) == 1
        disk.goes_on.set()
        with pytest.raises(asyncio.CancelledError):
            await changing
        await next_one
        for config in (crawl.config, load(tmp_path / "crawl.toml")):
            assert (config.politeness.delay_s, config.scope.limit) == (3.0, 5)


async def test_a_folder_is_not_left_before_it_has_kept_what_was_changed(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        crawl = await stack.enter_async_context(crawler.open_crawl(folder=tmp_path, **QUICK))
        disk = SlowDisk(crawl)
        changing = asyncio.ensure_future(crawl.change(delay_s=3.0))
        await asyncio.to_thread(disk.is_asked.wait, 20)
        leaving = asyncio.ensure_future(stack.aclose())
        await asyncio.wait([leaving], timeout=0.2)  # it would be over long before
        assert not leaving.done()
        disk.goes_on.set()
        await leaving
        assert changing.done()


async def test_a_change_that_was_asked_for_is_waited_for_by_a_run_with_nothing_left(tmp_path: Path) -> None:
    async with running(one_host(5), tmp_path, max_depth=1) as story:
        await story.until_pages(1)
        disk = SlowDisk(story.crawl)
        changing = asyncio.ensure_future(story.crawl.change(max_depth=2))
        await story.until(lambda snapshot: snapshot.pages == 6 and not snapshot.in_flight)
        disk.goes_on.set()
        await changing
    assert story.summary
    assert story.summary.pages == 11


async def test_a_site_that_is_held_is_not_visited_until_it_is_let_go() -> None:
    both = {host: html(host, [f"/{n}" for n in range(10)]) for host in ("alpha.test", "beta.test")}
    leaves = {f"/{n}": html(f"Page {n}") for n in range(10)}
    sites = [Site(host, {"/": page, **leaves}) for host, page in both.items()]
    web = Web(sites, [f"http://{host}/" for host in both])
    async with running(web) as story:
        alpha = story.served.url("alpha.test", "/")
        story.crawl.hold(alpha)
        assert story.crawl.held == {alpha[:-1]}
        await story.until(lambda snapshot: snapshot.pages == 11 and not snapshot.in_flight)
        assert not story.served.of("alpha.test")
        story.crawl.let_go(alpha)
        assert not story.crawl.held
    assert story.summary
    assert len(story.served.of("alpha.test", robots=False)) == 11
