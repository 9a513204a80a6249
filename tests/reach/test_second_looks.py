"""A crawl is the same set of pages whatever came first, and wider settings go on where narrower ones left out."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

import anyio
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

import crawler
from crawler.errors import FetchError
from crawler.model import Disposition, LeftOut, Reason, Request, Response, Url
from crawler.policy.wider import FAILURES, bounds, find_widened
from crawler.protocols import Fetcher
from crawler.reach.recorded import Rows
from crawler.settings import Config
from crawler.testing import (
    Page,
    Rules,
    Served,
    Site,
    Web,
    cacheable,
    failing,
    html,
    open_web,
    redirect,
    robots,
    sitemap,
)

QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "delay_s": 0.0, "executor": "inline", "robots": "ignore"}
SLOW_SITES = 4

UNSOUGHT = (LeftOut.KINDS, LeftOut.REQUISITES)
"""Rules that leave out what nobody looked for: each HTML page may have some."""


# -- any order, any failures -----------------------------------------------------------------------------------------


class Graph(Fetcher):
    """Pages by number, on a few sites; some answers fail at first. The order of answers is drawn."""

    def __init__(self, links: Mapping[int, Iterable[int]], failures: Mapping[int, int], seed: int) -> None:
        self._links = {url_of(n): [url_of(m) for m in to] for n, to in links.items()}
        self._failures = {url_of(n): times for n, times in failures.items()}
        self._random = random.Random(seed)

    async def fetch(self, request: Request) -> Response:
        for _ in range(self._random.randrange(4)):
            await _turn()
        text = request.url.text
        if self._failures.get(text, 0) > 0:
            self._failures[text] -= 1
            raise FetchError(Reason.TIMEOUT, "no answer", transient=True)
        anchors = "".join(f'<a href="{link}">on</a>' for link in self._links.get(text, ()))
        return Response(
            request.url, 200, ((b"content-type", b"text/html"),), f"<title>{text}</title>{anchors}".encode()
        )


async def _turn() -> None:
    import anyio

    await anyio.lowlevel.checkpoint()


def url_of(number: int) -> str:
    return f"http://s{number % SLOW_SITES}.test/{number}"


def near(links: Mapping[int, Iterable[int]], seeds: Iterable[int], most: int) -> set[str]:
    """What lies within so many hops of a seed, breadth first."""
    found = dict.fromkeys(seeds, 0)
    queue = deque(found)
    while queue:
        at = queue.popleft()
        for link in links.get(at, ()) if found[at] < most else ():
            if link not in found:
                found[link] = found[at] + 1
                queue.append(link)
    return {url_of(number) for number in found}


numbers = st.integers(0, 24)
graphs = st.dictionaries(numbers, st.lists(numbers, max_size=4), max_size=25)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    links=graphs,
    seeds=st.lists(numbers, min_size=1, max_size=6),
    failures=st.dictionaries(numbers, st.integers(1, 2), max_size=8),
    most=st.integers(0, 4),
    order=st.integers(0, 999),
)
def test_the_pages_of_a_crawl_are_the_same_for_every_order_and_every_setback(
    links: dict[int, list[int]], seeds: list[int], failures: dict[int, int], most: int, order: int
) -> None:
    assert crawled(links, seeds, failures, most, order) == near(links, seeds, most)


def crawled(
    links: Mapping[int, list[int]], seeds: list[int], failures: Mapping[int, int], most: int, order: int
) -> set[str]:
    import anyio

    found: set[str] = set()

    async def read() -> None:
        said = QUICK | {"reach": "any", "max_depth": most, "retry_delay_s": 0.001, "max_attempts": 3, "per_site": 2}
        fetcher = Graph(links, failures, order)
        async with crawler.stream(late(seeds), Config(), fetcher=fetcher, **said) as outcomes:
            async for outcome in outcomes:
                assert outcome.disposition is Disposition.FETCHED
                assert outcome.url.text not in found
                found.add(outcome.url.text)

    async def late(numbers: list[int]) -> AsyncIterator[str]:
        """Seeds that come while the crawl is under way."""
        for number in numbers:
            yield url_of(number)
            for _ in range(random.Random(order).randrange(30)):
                await _turn()

    anyio.run(read)
    return found


# -- wider settings --------------------------------------------------------------------------------------------------

PAGES = {
    "/": html("Home", ["/a", "/private/x"]),
    "/a": html("A", ["/b"]),
    "/b": html("B", ["/c"]),
    "/c": html("C"),
    "/private/x": html("X", ["/private/y"]),
    "/private/y": html("Y"),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("narrow", "wide", "first", "left"),
    [
        ({"max_depth": 1}, {"max_depth": None}, {"/", "/a", "/private/x"}, {LeftOut.DEPTH: 2}),
        ({"exclude": ["/private/*"]}, {"exclude": []}, {"/", "/a", "/b", "/c"}, {LeftOut.PATTERNS: 1}),
        ({"include": ["*/a"]}, {"include": []}, {"/", "/a"}, {LeftOut.PATTERNS: 2}),
        ({"reach": "page"}, {"reach": "host"}, {"/"}, {LeftOut.REACH: 1}),
    ],
    ids=["depth", "exclude", "include", "reach"],
)
async def test_wider_settings_go_on_in_the_same_folder(
    tmp_path: Path, narrow: dict[str, Any], wide: dict[str, Any], first: set[str], left: dict[LeftOut, int]
) -> None:
    folder = tmp_path / "c"
    async with open_web(Web([Site("a.test", PAGES)])) as served:
        summary = await crawler.crawl(served.seeds, folder=folder, **QUICK, **narrow)
        assert summary.pages == len(first)
        assert {rule: n for rule, n in summary.left_out.items() if rule not in UNSOUGHT} == left
        again = await crawler.crawl(served.seeds, folder=folder, **QUICK, **wide)
    assert again.pages == len(PAGES) - len(first)
    assert again.counts.known == sum(again.counts.settled.values()) == len(PAGES)
    assert sum(again.rereads.values()) == sum(left.values())
    assert not {rule: n for rule, n in again.left_out.items() if rule not in UNSOUGHT}
    records = [line for line in (folder / "pages.jsonl").read_text().splitlines() if line]
    assert len(records) == len(PAGES)


async def test_wider_settings_take_effect_while_a_crawl_runs() -> None:
    async with open_web(Web([Site("a.test", PAGES)])) as served, crawler.open_crawl(**QUICK, max_depth=0) as crawl:

        async def seeds() -> AsyncIterator[str]:
            for seed in served.seeds:
                yield seed
            while not crawl.snapshot().pages:
                await _turn()
            await crawl.change(max_depth=None)

        summary = await crawl.run(seeds())
    assert summary.pages == len(PAGES)


async def test_a_site_that_was_down_is_tried_again_when_somebody_says_so(tmp_path: Path) -> None:
    folder, seeds = tmp_path / "c", ["http://127.0.0.1:9/", "http://127.0.0.1:9/b"]
    first = await crawler.crawl(seeds[:1], folder=folder, **QUICK, max_attempts=1)
    assert first.dispositions == {Disposition.FAILED: 1}
    async with crawler.open_crawl(folder=folder, **QUICK, max_attempts=1) as crawl:
        assert (await crawl.reconsider(retry=[Reason.DNS])).again == 0
        assert (await crawl.reconsider(retry=FAILURES)).again == 1
        summary = await crawl.run()
    assert summary.counts.settled == {Disposition.FAILED: 1}
    again = await crawler.crawl(seeds[:1], folder=folder, **QUICK, max_attempts=1)
    assert again.dispositions == {Disposition.FAILED: 1}, "a seed that is given again"
    visits = [line.partition('"visit":')[2][:1] for line in (folder / "pages.jsonl").read_text().splitlines()]
    assert visits == ["1", "2", "3"]


async def test_a_run_that_was_stopped_does_not_try_failed_seeds_again(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    async with open_web(Web([Site("a.test", PAGES)])) as served:
        seeds = ["http://127.0.0.1:9/", *served.seeds]
        first = await crawler.crawl(seeds, folder=folder, **QUICK, max_attempts=1, limit=2)
        assert first.dispositions[Disposition.FAILED] == 1
        rest = await crawler.crawl(seeds, folder=folder, **QUICK, max_attempts=1, limit=None)
    assert Disposition.FAILED not in rest.dispositions
    assert rest.counts.settled == {Disposition.FETCHED: len(PAGES), Disposition.FAILED: 1}


@pytest.mark.parametrize("in_memory", [False, True])
async def test_a_page_that_was_not_sent_again_still_has_the_links_that_were_left_out(
    tmp_path: Path, in_memory: bool
) -> None:
    said = QUICK | {"revisit_after_s": 0.01, "max_depth": 0} | ({} if in_memory else {"folder": tmp_path / "c"})
    site = Site("a.test", {"/": cacheable(html("Home", ["/a"])), "/a": cacheable(html("A"))})
    async with open_web(Web([site])) as served, crawler.open_crawl(**said) as crawl:
        await crawl.run(served.seeds)
        await anyio.sleep(0.02)
        assert (await crawl.run()).dispositions == {Disposition.UNCHANGED: 1}
        await crawl.change(max_depth=1)
        assert (await crawl.run()).counts.known == 2


# -- links from the records ------------------------------------------------------------------------------------------

WITH_LINKS: dict[str, Any] = {"config": Config.model_validate({"sinks": [{"links": True}]})}


def _twice(served: Served) -> list[str]:
    return [Url(url).path for url, n in served.counts(robots=False).items() if n > 1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("narrow", "wide", "taken"),
    [
        ({"max_depth": 1}, {"max_depth": 2}, 2),
        ({"max_depth": 1}, {"max_depth": None}, 2),
        ({"exclude": ["/private/*", "/b"]}, {"exclude": ["/b"]}, 2),
        ({"include": ["*/a"]}, {"include": []}, 2),
        ({"reach": "page"}, {"reach": "host"}, 1),
        ({"reach": "page", "max_depth": 3}, {"reach": "domain", "max_depth": 4}, 1),
    ],
)
async def test_links_that_were_left_out_are_taken_from_the_records(
    tmp_path: Path, narrow: dict[str, Any], wide: dict[str, Any], taken: int
) -> None:
    said, outcomes = QUICK | WITH_LINKS, list[set[str]]()
    async with open_web(Web([Site("a.test", PAGES)])) as served:
        await crawler.crawl(served.seeds, folder=tmp_path / "c", **said, **narrow)
        async with crawler.open_crawl(folder=tmp_path / "c", **said, **wide) as crawl:
            found = await crawl.reconsider()
            assert (found.from_records, found.pages) == (taken, 0)
            assert not await crawl.reconsider()
            again = await crawl.run(served.seeds)
        assert not _twice(served)
        fresh = await crawler.crawl(served.seeds, folder=tmp_path / "fresh", **said, **wide)
    for name in ("c", "fresh"):
        lines = (tmp_path / name / "pages.jsonl").read_text().splitlines()
        outcomes.append({line.partition('"url":"')[2].partition('"')[0] for line in lines})
    assert outcomes[0] == outcomes[1]
    assert again.left_out == fresh.left_out, "what is still left out is known"


@pytest.mark.parametrize(
    ("sinks", "taken"),
    [
        ([{"path": "other.jsonl", "links": True}], 2),
        ([{"path": "plain.jsonl"}, {"path": "linked.jsonl", "links": True}], 2),
        ([{"path": "plain.jsonl"}], 0),
    ],
    ids=["other", "second", "none"],
)
async def test_links_are_taken_from_whichever_output_has_them(
    tmp_path: Path, sinks: list[dict[str, Any]], taken: int
) -> None:
    said = QUICK | {"config": Config.model_validate({"sinks": sinks}), "folder": tmp_path / "c"}
    async with open_web(Web([Site("a.test", PAGES)])) as served:
        await crawler.crawl(served.seeds, **said, max_depth=1)
        async with crawler.open_crawl(**said, max_depth=2) as crawl:
            found = await crawl.reconsider()
            assert (found.from_records, found.pages > 0) == (taken, not taken)


@pytest.mark.parametrize(
    ("page", "narrow", "wide"),
    [
        (html("Home", ["/a"]), {"config": Config()}, WITH_LINKS),
        (html("Home", ["/a"]), {}, {"nofollow": "ignore"}),
        (html("Home", ["/a"]), {"follow": ["anchors", "images"]}, {"follow": ["anchors"]}),
        (sitemap(["/a"]), {}, {}),
        (redirect("/a"), {}, {}),
    ],
    ids=["no-links", "nofollow", "follow", "sitemap", "redirect"],
)
async def test_a_page_whose_record_may_not_hold_its_links_is_read_again(
    tmp_path: Path, page: Page, narrow: dict[str, Any], wide: dict[str, Any]
) -> None:
    said = QUICK | WITH_LINKS | {"folder": tmp_path / "c"}
    web = Web([Site("a.test", {"/": page, "/a": html("A")})])
    async with open_web(web) as served:
        first = await crawler.crawl(served.seeds, **(said | narrow), exclude=["/a"])
        async with crawler.open_crawl(**(said | wide), exclude=[]) as crawl:
            found = await crawl.reconsider()
            assert (found.from_records, found.pages) == (0, 1)
            summary = await crawl.run()
    assert (first.counts.known, summary.counts.known) == (1, 2)


async def test_a_page_that_was_read_again_since_its_record_is_read_again(tmp_path: Path) -> None:
    """Its record holds the links of before."""
    said, links = QUICK | WITH_LINKS | {"folder": tmp_path / "c"}, ["/a"]
    home = Page(lambda asked: html("Home", links).answer(asked), fixed=False)
    async with open_web(Web([Site("a.test", {"/": home, "/a": html("A"), "/b": html("B")})])) as served:
        await crawler.crawl(served.seeds, **said, nofollow="pages", exclude=["/a", "/b"])
        links[:] = ["/a", "/b"]
        await crawler.crawl((), **said, nofollow="pages", exclude=["/b"], follow=["anchors", "images"])
        summary = await crawler.crawl((), **said, nofollow="pages", exclude=[], follow=["anchors", "images"])
    assert summary.counts.known == 3


async def test_records_that_were_damaged_are_no_reason_to_lose_a_link(tmp_path: Path) -> None:
    said = QUICK | WITH_LINKS | {"folder": tmp_path / "c"}
    async with open_web(Web([Site("a.test", PAGES)])) as served:
        await crawler.crawl(served.seeds, **said, max_depth=1)
        pages = tmp_path / "c" / "pages.jsonl"
        pages.write_bytes(pages.read_bytes().replace(b'"links":["', b'"links":[['))
        summary = await crawler.crawl((), **said, max_depth=None)
    assert summary.counts.known == len(PAGES)


def test_a_set_of_rows_grows() -> None:
    rows, members = Rows(), {1, 7, 8, 9, 4096, 100_000}
    for row in members:
        rows.add(row)
    assert {row for row in range(120_000) if row in rows} == members


# -- sitemaps --------------------------------------------------------------------------------------------------------


def _listing(home: Page) -> Site:
    """A site whose robots.txt names a sitemap, and this lists a page that nothing links to."""
    rules = robots.stating(Rules(sitemaps=("http://a.test/sitemap.xml",)))
    listed = {"/sitemap.xml": sitemap(["http://a.test/listed"]), "/listed": html("Listed")}
    return Site("a.test", {"/": home, "/home": html("Home", ["/a"]), "/a": html("A"), **listed}, robots=rules)


@pytest.mark.parametrize("home", [html("Home", ["/a"]), redirect("/home"), failing(html("Home"), times=1)])
async def test_sitemaps_are_visited_once_they_are_wanted(tmp_path: Path, home: Page) -> None:
    said = QUICK | {"robots": "obey", "max_attempts": 1, "folder": tmp_path / "c"}
    async with open_web(Web([_listing(home)])) as served:
        first = await crawler.crawl(served.seeds, **said)
        async with crawler.open_crawl(**said, sitemaps=True) as crawl:
            assert (await crawl.reconsider()).robots == 1
            summary = await crawl.run()
        again = await crawler.crawl(served.seeds, **said, sitemaps=True)
    assert summary.dispositions[Disposition.FETCHED] == 2 + (Disposition.FAILED in first.dispositions)
    assert not summary.counts.settled.get(Disposition.FAILED)
    assert not again.dispositions


async def test_sitemaps_are_visited_once_they_are_wanted_while_a_crawl_runs() -> None:
    said = QUICK | {"robots": "obey"}
    async with open_web(Web([_listing(html("Home"))])) as served, crawler.open_crawl(**said) as crawl:

        async def seeds() -> AsyncIterator[str]:
            for seed in served.seeds:
                yield seed
            while not crawl.snapshot().pages:
                await _turn()
            await crawl.change(sitemaps=True)

        summary = await crawl.run(seeds())
    assert summary.counts.settled == {Disposition.FETCHED: 3}


# -- which rule is wider ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "rules"),
    [
        ({"max_depth": 1}, {"max_depth": 3}, LeftOut.DEPTH),
        ({"max_depth": 3}, {"max_depth": 1}, LeftOut(0)),
        ({"max_depth": None}, {"max_depth": 1}, LeftOut(0)),
        ({"reach": "prefix"}, {"reach": "any"}, LeftOut.REACH),
        ({"reach": "any"}, {"reach": "host"}, LeftOut(0)),
        ({"exclude": ["a", "b"]}, {"exclude": ["a"]}, LeftOut.PATTERNS),
        ({"exclude": ["a"]}, {"exclude": ["a", "b"]}, LeftOut(0)),
        ({"include": ["a"]}, {"include": ["a", "b"]}, LeftOut.PATTERNS),
        ({"include": ["a"]}, {"include": []}, LeftOut.PATTERNS),
        ({"include": []}, {"include": ["a"]}, LeftOut(0)),
        ({"nofollow": "links"}, {"nofollow": "pages"}, LeftOut.NOFOLLOW),
        ({"max_links": 10}, {"max_links": 20}, LeftOut.MAX_LINKS),
        ({"max_repeats": 2}, {"max_repeats": 3}, LeftOut.REPEATS),
        ({"follow": ["anchors"]}, {"follow": ["anchors", "images"]}, LeftOut.KINDS),
        ({"follow_moved_seeds": False}, {"follow_moved_seeds": True}, LeftOut.REACH),
    ],
    ids=lambda value: str(value).replace(" ", "") if isinstance(value, dict) else None,
)
def test_each_rule_knows_what_it_kept_out(before: dict[str, Any], now: dict[str, Any], rules: LeftOut) -> None:
    settings = bounds(Config())
    assert find_widened(settings | before, settings | now).left_out == rules


def test_caps_and_permissions_bring_back_what_they_excluded() -> None:
    settings = bounds(Config())

    def reasons(before: dict[str, Any], now: dict[str, Any]) -> set[Reason]:
        return set(find_widened(settings | before, settings | now).reasons)

    assert reasons({"limit_per_site": 3}, {"limit_per_site": None}) == {Reason.PAGE_LIMIT}
    assert reasons({"robots": "obey"}, {"robots": "ignore"}) == {Reason.ROBOTS, Reason.ROBOTS_UNREACHABLE}
    assert reasons({"allow_networks": []}, {"allow_networks": ["10.0.0.0/8"]}) == {Reason.BLOCKED_ADDRESS}
    assert reasons({"max_body_bytes": 1}, {"max_body_bytes": 2}) == {Reason.TOO_LARGE}
    assert reasons({"cookies": False}, {"cookies": True}) == {Reason.TOO_MANY_REDIRECTS}
    assert reasons({}, {}) == set()


def test_a_setting_that_was_not_noted_is_as_it_is_now() -> None:
    assert not any(find_widened({}, bounds(Config())))


def test_urls_of_a_graph_are_canonical() -> None:
    assert Url(url_of(7)).site == "http://s3.test"


async def test_a_run_that_is_about_to_end_waits_for_what_is_being_reconsidered() -> None:
    busy = failing(html("Busy", ["/behind"]), times=1)
    web = Web([Site("a.test", {"/": html("Home", ["/busy"]), "/busy": busy, "/behind": html("Behind")})])
    async with open_web(web) as served, crawler.open_crawl(**QUICK, max_attempts=1) as crawl:
        async with anyio.create_task_group() as tasks:
            ended = anyio.Event()
            summaries = []

            async def run() -> None:
                summaries.append(await crawl.run(served.seeds))
                ended.set()

            tasks.start_soon(run)
            with anyio.fail_after(30):
                while not crawl.snapshot().in_flight:
                    await _turn()
                with crawl._engine.keep_open():
                    while crawl.snapshot().counts.settled.get(Disposition.FAILED, 0) == 0:
                        await anyio.sleep(0.01)
                    with anyio.move_on_after(0.2):
                        await ended.wait()
                    assert not ended.is_set(), "nothing is left, but something is under way that may bring more"
                    assert (await crawl.reconsider(retry=[Reason.STATUS_5XX])).again == 1
                await ended.wait()
        assert summaries[0].pages == 3
