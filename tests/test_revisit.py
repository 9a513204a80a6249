"""A crawl kept fresh: what changed is fetched, what did not costs a 304, and every visit has its record."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import crawler
from crawler import Disposition, Ending, Reason
from crawler.testing import Page, Served, Site, Web, cacheable, error, html, open_web, redirect, traps
from crawler.testing.pages import Asked
from crawler.testing.wire import Answer

ALWAYS: dict[str, Any] = {
    "delay_s": 0.0,
    "retry_delay_s": 0.02,
    "allow_networks": ["127.0.0.0/8"],
    "workers": 1,
    "revisit_after_s": 0.0,
}
"""Every page is due again as soon as it was visited: in the next run, for a run visits a page once."""


def in_editions(*editions: Page) -> Page:
    """A page that is another one at each visit; the last stays."""

    def answer(asked: Asked) -> Answer:
        return editions[min(asked.visit, len(editions)) - 1].answer(asked)

    return replace(editions[0], answer=answer, fixed=False)


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "pages.jsonl").read_text().splitlines()]


def story(folder: Path) -> list[tuple[str, int, str]]:
    """Path, visit and disposition of each record, in this order."""
    return sorted((r["url"].split("/", 3)[3], r["visit"], r["disposition"]) for r in records(folder))


async def run(served: Served, folder: Path, **settings: Any) -> crawler.Summary:
    return await crawler.crawl(served.seeds, folder=folder, **(ALWAYS | settings))


async def test_without_revisits_a_page_is_visited_once(tmp_path: Path) -> None:
    async with open_web(Web([Site("a.test", {"/": html("Home")})])) as served:
        for _ in range(2):
            summary = await run(served, tmp_path / "c", revisit_after_s=None)
        assert served.counts(robots=False).total() == 1
    assert (summary.pages, summary.counts.scheduled, summary.counts.due_in_s) == (0, 0, None)


async def test_an_unchanged_page_costs_a_304_and_is_not_read(tmp_path: Path) -> None:
    async with open_web(Web([Site("a.test", {"/": cacheable(html("Home"))})])) as served:
        for _ in range(3):
            summary = await run(served, tmp_path / "c")
            assert summary.ended is Ending.EXHAUSTED
        assert summary.statuses == {304: 1}
    assert story(tmp_path / "c") == [("", 1, "fetched"), ("", 2, "unchanged"), ("", 3, "unchanged")]
    last = records(tmp_path / "c")[-1]
    assert (last["digest"], last["timings"]["parse"], last["etag"]) == (None, 0.0, '"first-edition"')


async def test_the_same_content_without_validators_is_unchanged_too(tmp_path: Path) -> None:
    async with open_web(Web([Site("a.test", {"/": html("Home", ["/b"]), "/b": html("B")})])) as served:
        await run(served, tmp_path / "c")
        summary = await run(served, tmp_path / "c")
    assert (summary.dispositions, summary.statuses) == ({Disposition.UNCHANGED: 2}, {200: 2})


async def test_a_new_link_on_a_changed_page_is_followed_in_the_same_run(tmp_path: Path) -> None:
    home = in_editions(html("Old", ["/old"]), html("New", ["/old", "/new"]))
    pages = {"/": home, "/old": cacheable(html("Old")), "/new": html("New")}
    async with open_web(Web([Site("a.test", pages)])) as served:
        await run(served, tmp_path / "c")
        await run(served, tmp_path / "c")
    assert story(tmp_path / "c") == [
        ("", 1, "fetched"), ("", 2, "fetched"), ("new", 1, "fetched"), ("old", 1, "fetched"), ("old", 2, "unchanged"),
    ]  # fmt: skip


async def test_a_page_that_goes_and_comes_back_is_known_by_its_validators(tmp_path: Path) -> None:
    home = cacheable(html("Home"))
    async with open_web(Web([Site("a.test", {"/": in_editions(home, error(404), home)})])) as served:
        for _ in range(3):
            await run(served, tmp_path / "c")
    assert story(tmp_path / "c") == [("", 1, "fetched"), ("", 2, "failed"), ("", 3, "unchanged")]


async def test_a_revisit_is_tried_as_often_as_a_first_visit(tmp_path: Path) -> None:
    tired = in_editions(html("Home"), error(503), error(503), html("Home"))
    async with open_web(Web([Site("a.test", {"/": tired})])) as served:
        for _ in range(2):
            await run(served, tmp_path / "c")
    assert story(tmp_path / "c") == [("", 1, "fetched"), ("", 2, "unchanged")]
    assert [record["attempt"] for record in records(tmp_path / "c")] == [1, 3]


@pytest.mark.slow
async def test_a_redirect_that_leads_elsewhere_now_is_followed(tmp_path: Path) -> None:
    pages = {"/": in_editions(redirect("/a"), redirect("/b")), "/a": html("A"), "/b": html("B")}
    async with open_web(Web([Site("a.test", pages)])) as served:
        for _ in range(2):
            await run(served, tmp_path / "c")
    assert ("b", 1, "fetched") in story(tmp_path / "c")


async def test_what_is_not_due_waits_and_the_run_ends(tmp_path: Path) -> None:
    async with open_web(Web([Site("a.test", {"/": html("Home")})])) as served:
        for _ in range(2):
            summary = await run(served, tmp_path / "c", revisit_after_s=3600.0)
        assert served.counts(robots=False).total() == 1
    assert (summary.ended, summary.counts.queued, summary.counts.scheduled) == (Ending.EXHAUSTED, 0, 1)
    assert 3500 < (summary.counts.due_in_s or 0) <= 3600


async def test_a_finished_crawl_may_be_kept_fresh_from_now_on(tmp_path: Path) -> None:
    async with open_web(Web([Site("a.test", {"/": html("Home", ["/b"]), "/b": html("B")})])) as served:
        await run(served, tmp_path / "c", revisit_after_s=None)
        summary = await run(served, tmp_path / "c")
    assert summary.dispositions == {Disposition.UNCHANGED: 2}


async def test_one_frontier_in_memory_may_run_again() -> None:
    async with (
        open_web(Web([Site("a.test", {"/": cacheable(html("Home"))})])) as served,
        crawler.open_crawl(**ALWAYS) as crawl,
    ):
        first, again = await crawl.run(served.seeds), await crawl.run(served.seeds)
    assert (first.statuses, again.statuses) == ({200: 1}, {304: 1})


@pytest.mark.parametrize("max_depth", [None, 3])
async def test_new_pages_go_before_revisits(tmp_path: Path, max_depth: int | None) -> None:
    pages = {"/": html("Home"), "/new": html("New")}
    async with open_web(Web([Site("a.test", pages)])) as served:
        await run(served, tmp_path / "c", max_depth=max_depth, per_site=1)
        async with crawler.open_crawl(folder=tmp_path / "c", **ALWAYS, max_depth=max_depth) as crawl:
            await crawl.add([served.url("a.test", "/new")])
            await crawl.run()
    assert [record["visit"] for record in records(tmp_path / "c")] == [1, 1, 2]


@pytest.mark.slow
async def test_pages_of_a_parked_pattern_are_revisited_and_nothing_more_of_it_is_read(tmp_path: Path) -> None:
    site = Site("a.test", {"/": html("Home", ["/calendar/"])}, traps={"/calendar/": traps.calendar()})
    settings = {"per_site": 16, "per_ip": 16, "executor": "inline"}
    async with open_web(Web([site])) as served:
        first = await run(served, tmp_path / "c", **settings)
        again = await run(served, tmp_path / "c", **settings)
    [trap], [later] = first.traps, again.traps
    visits = Counter(visit for _, visit, _ in story(tmp_path / "c"))
    assert visits[2] == visits[1] > 100
    assert (later.pattern, later.fetched, later.news) == (trap.pattern, trap.fetched, trap.news), "learned from nothing"
    assert Reason.TRAP not in again.reasons
