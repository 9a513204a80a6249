"""Sites without end are left, large honest ones are not, and caps are exact: over a real frontier and parser."""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import crawler
from crawler.explanation import explain
from crawler.frontier import open_memory
from crawler.model import Disposition, Lease, Outcome, Page, Reason, Request, Url
from crawler.policy.traps import Novelty, Shapes
from crawler.settings import Config
from crawler.testing import Site, Web, html, open_web, traps
from tests.defaults import make_terms, open_sqlite
from tests.hostile.endless import HONEST, LEFT_BY, TRAPS, crawl, months, sessions
from tests.hostile.finite import FINITE

QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "delay_s": 0.0, "executor": "inline"}
CALENDAR = "http://trap.example/calendar"
AT_ONCE = make_terms(traps="park", per_site=32, per_ip=1000)


# -- traps and honest sites ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in TRAPS if name != "a search by ever more filters"])
async def test_a_trap_is_left_after_some_hundred_pages(name: str) -> None:
    site, seed, reach = TRAPS[name]
    result = await crawl(site, seed, reach=reach, most=LEFT_BY)
    assert result.traps
    assert result.read < LEFT_BY


@pytest.mark.slow
@pytest.mark.parametrize("name", FINITE)
async def test_pages_that_hardly_differ_are_read_to_the_end_where_there_is_one(name: str) -> None:
    result = await crawl(partial(FINITE[name], items=300), "http://honest.example/")
    assert (result.traps, result.barred) == ((), 0)
    assert result.read >= 300


@pytest.mark.slow
@pytest.mark.parametrize("order", range(3), ids="order {}".format)
@pytest.mark.parametrize("name", FINITE)
async def test_no_order_of_the_same_pages_makes_a_trap_of_them(name: str, order: int) -> None:
    result = await crawl(partial(FINITE[name], items=240), "http://honest.example/", shuffle=random.Random(order))
    assert (result.traps, result.barred) == ((), 0)
    assert result.read >= 240


@pytest.mark.slow
@pytest.mark.parametrize("name", HONEST)
async def test_an_honest_site_of_similar_pages_is_read_to_its_end(name: str) -> None:
    result = await crawl(partial(HONEST[name], items=700), "http://honest.example/", most=2000)
    assert (result.traps, result.barred) == ((), 0)
    assert result.read >= 700


async def test_a_trap_does_not_take_the_rest_of_its_site_with_it() -> None:
    def site(url: Url) -> str | None:
        if url.path == "/":
            return '<a href="/item/0">things</a> <a href="/calendar">dates</a>'
        return months(url) if url.path.startswith("/calendar") else HONEST["a shop, items differ in some words"](
            url, items=600
        )  # fmt: skip

    result = await crawl(site, "http://both.example/")
    assert [trap.pattern for trap in result.traps] == ["http://both.example/calendar?month"]
    assert len([url for url in result.urls if "/item/" in url]) == 600


async def test_links_of_a_suspect_pattern_go_last() -> None:
    order: list[str] = []

    def site(url: Url) -> str | None:
        order.append(url.path.split("/")[1][:4])
        if url.path == "/":
            return '<a href="/item/0">things</a> <a href="/calendar">dates</a>'
        return months(url) if order[-1] == "cale" else HONEST["a shop, items differ in some words"](url, items=600)

    await crawl(site, "http://both.example/")
    last_item = len(order) - 1 - order[::-1].index("item")
    assert Counter(order[:last_item])["cale"] < 80 < Counter(order)["cale"]


# -- what becomes of what was queued ---------------------------------------------------------------------------------


async def test_every_url_that_was_queued_ends_in_one_outcome() -> None:
    async with open_memory(AT_ONCE) as frontier:
        result = await crawl(sessions, "http://trap.example/", frontier=frontier)
        counts = frontier.counts()
    assert counts.queued == counts.leased == 0
    assert counts.known == sum(counts.settled.values()) + counts.parked
    assert sum(counts.settled.values()) == result.read
    assert counts.parked >= result.barred > 0


async def test_links_into_a_trap_wait_over_a_restart(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "frontier.sqlite", AT_ONCE) as frontier:
        result = await crawl(sessions, "http://trap.example/", frontier=frontier)
        before = frontier.counts()
    assert before.parked > result.barred, "some were parked as links, before anybody was asked to fetch them"
    async with open_sqlite(tmp_path / "frontier.sqlite", AT_ONCE) as frontier:
        assert (frontier.counts().parked, frontier.counts().known) == (before.parked, before.known)


async def test_one_of_many_that_are_left_out_is_tried_and_may_bring_its_pattern_back() -> None:
    def site(url: Url) -> str | None:
        if url.path == "/":
            return '<a href="/a/0">copies</a>'
        n = int(url.path.rpartition("/")[2])
        links = "".join(f'<a href="/a/{n}">copy</a>' for n in range(1, 1000)) if n == 0 else ""
        return f"<p>Today we have {url.path.translate(LETTERS)}" if n > 150 else f"Closed. {links}"

    result = await crawl(site, "http://mended.example/")
    assert result.traps == ()
    assert 10 < result.barred < 100
    assert result.read > 850


LETTERS = str.maketrans("0123456789", "abcdefghij")


async def test_the_same_command_does_not_begin_anew_with_a_trap(tmp_path: Path) -> None:
    path = tmp_path / "frontier.sqlite"
    async with open_sqlite(path, AT_ONCE) as frontier:
        first = await crawl(sessions, "http://trap.example/", frontier=frontier)
    async with open_sqlite(path, AT_ONCE) as frontier:
        assert [trap.pattern for trap in frontier.counts().traps] == [trap.pattern for trap in first.traps]
        urls = [Url(f"http://trap.example/page{n}?session={n:x}") for n in range(20)]
        await frontier.add([Request(url, depth=9, root=Url("http://trap.example/")) for url in urls])
        leases = await frontier.lease(100)
        reasons = Counter(bar.reason for lease in leases if (bar := frontier.bar(lease)))
    assert reasons == {Reason.TRAP: 20}


async def test_who_only_wants_to_be_warned_is_only_warned(caplog: pytest.LogCaptureFixture) -> None:
    async with open_memory(make_terms(traps="warn", per_site=32)) as frontier:
        result = await crawl(sessions, "http://trap.example/", most=400, frontier=frontier)
    assert (result.read >= 400, result.barred, len(result.traps)) == (True, 0, 1)
    assert "http://trap.example/page#?session looks like a trap" in caplog.text


async def test_what_someone_asked_for_is_fetched_whatever_it_is_like() -> None:
    async with open_memory(AT_ONCE) as frontier:
        await crawl(sessions, "http://trap.example/", frontier=frontier)
        await frontier.add([Request(Url("http://trap.example/page1?session=beef"))])
        [lease] = await frontier.lease(5)
        assert frontier.bar(lease) is None


# -- a whole crawl ---------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.slow
async def test_the_summary_and_an_explanation_name_the_trap(tmp_path: Path) -> None:
    web = Web([Site("a.test", {"/": html("Home", ["/shop/a"])}, traps={"/shop/": traps.session_ids()})])
    async with open_web(web) as served:
        summary = await crawler.crawl(served.seeds, folder=tmp_path / "crawl", **QUICK)
        config = Config.model_validate({"fetch": {"allow_networks": ["127.0.0.0/8"]}})
        link = served.url("a.test", "/shop/b?sid=4711")
        file = tmp_path / "crawl" / "frontier.sqlite"
        answer = await explain(link, config, frontier=file, is_offline=True)
    assert {trap.pattern for trap in summary.traps} >= {served.url("a.test", f"/shop/{shelf}?sid") for shelf in "abc"}
    assert summary.pages < 1000
    assert summary.reasons[Reason.TRAP] > 0
    assert (answer.reason, answer.record()["trap"]) == (Reason.TRAP, answer.trap and answer.trap._asdict())


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["limit_per_site", "limit_per_domain"])
async def test_a_site_gives_as_many_pages_as_it_may_and_no_more_after_a_restart(tmp_path: Path, setting: str) -> None:
    pages = {f"/{n}": html(f"Page {n}") for n in range(40)}
    web = Web([Site("a.test", {"/": html("Home", [f"/{n}" for n in range(40)]), **pages})])
    settings = QUICK | {setting: 12, "per_site": 8, "folder": tmp_path / "crawl"}
    async with open_web(web) as served:
        first = await crawler.crawl(served.seeds, **(settings | {"limit": 7}))
        rest = await crawler.crawl(served.seeds, **settings, limit=None)
    assert (first.pages, rest.pages) == (7, 5)
    assert rest.reasons[Reason.PAGE_LIMIT] == 41 - 12
    assert rest.queued == 0


# -- caps and patterns -----------------------------------------------------------------------------------------------


async def test_no_more_pages_are_under_way_than_a_cap_leaves() -> None:
    async with open_memory(make_terms(per_site=8, pages_per_site=3)) as frontier:
        await frontier.add([Request(Url(f"http://h.test/{n}")) for n in range(8)])
        leases = await frontier.lease(8)
        bars = [frontier.bar(lease) for lease in leases]
        assert [bar and bar.reason for bar in bars] == [None] * 8
        assert [bar is None for bar in bars] == [True] * 3 + [False] * 5
        await frontier.settle([Outcome(leases[0], Disposition.FAILED, Reason.DNS)], {})
        assert frontier.bar(leases[3]) is None
        await frontier.settle([Outcome(lease, Disposition.FETCHED) for lease in leases[1:4]], {})
        assert (full := frontier.bar(leases[4]))
        assert (full.reason, full.detail) == (Reason.PAGE_LIMIT, "http://h.test gave its 3 pages")


async def test_what_is_released_no_longer_counts_towards_a_cap() -> None:
    async with open_memory(make_terms(per_site=8, pages_per_site=1)) as frontier:
        await frontier.add([Request(Url(f"http://h.test/{n}")) for n in range(2)])
        one, other = await frontier.lease(8)
        assert (frontier.bar(one), frontier.bar(other) is None) == (None, False)
        await frontier.release([one])
        assert frontier.bar(other) is None


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("https://h.test/calendar/2026-11?view=day&a=1", "https://h.test/calendar/#-#?a&view"),
        ("https://h.test/", "https://h.test/"),
        ("https://h.test/?f001=a&f002=b&f001=c", "https://h.test/?f#"),
        ("https://h.test/1/2/3/", "https://h.test/#+/"),
        ("https://h.test/a/b/c/d/e/f/g/h/i/j", "https://h.test/a/b/c/d/e/f/g/h/..."),
        ("https://h.test/s/0123456789abcdef/x", "https://h.test/s/~/x"),
        ("https://h.test/the-story-of-a-long-journey", "https://h.test/~"),
        ("https://h.test/k%C3%B8b", "https://h.test/k%%b"),
    ],
)
def test_what_varies_is_taken_out_of_a_pattern(text: str, pattern: str) -> None:
    assert Shapes().pattern(text) == pattern


def test_a_place_that_holds_many_words_holds_any_word() -> None:
    shapes = Shapes()
    found = [shapes.pattern(f"https://h.test/tag/{chr(97 + n)}/x") for n in range(26)]
    assert found[15:17] == ["https://h.test/tag/p/x", "https://h.test/tag/*/x"]
    assert shapes.pattern("https://h.test/tag/a/x", learns=False) == "https://h.test/tag/*/x"
    again = Shapes()
    again.relearn("https://h.test/tag/*/x")
    assert again.pattern("https://h.test/tag/a/x", learns=False) == "https://h.test/tag/*/x"


def test_many_hosts_of_one_domain_are_alike() -> None:
    shapes = Shapes()
    found = {shapes.pattern(f"https://{chr(97 + n)}.example.org/") for n in range(26)}
    assert len(found) == 9
    assert "https://*.example.org/" in found
    assert shapes.pattern("https://example.com/") == "https://example.com/"


def test_what_is_known_of_patterns_is_bounded() -> None:
    novelty = Novelty("park", most=50)
    for n in range(500):
        url = Url(f"http://h{n}.test/a")
        lease = Lease(Request(url, 1, root=Url("http://h/")), n)
        novelty.fold(Outcome(lease, Disposition.DUPLICATE, page=Page(b"", length=1)))
    assert len(novelty) == 50
