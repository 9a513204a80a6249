"""Redirects that lead in a circle: a failure that says so, but where cookies open the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

import crawler
from crawler import Disposition, Outcome, Reason
from crawler.testing import Answer, Asked, Page, Served, Site, Web, html, open_web, redirect
from tests.test_api import ListSink

QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0, "retry_delay_s": 0.05}
A, B = "alpha.test", "beta.test"


async def crawled(served: Served, seeds: Sequence[str], **settings: Any) -> dict[str, list[Outcome]]:
    """The outcomes of each URL, in order."""
    sink = ListSink()
    with anyio.fail_after(60):
        summary = await crawler.crawl(seeds, sinks=[sink], **(QUICK | settings))
    assert summary.counts.queued == summary.counts.leased == 0
    told: dict[str, list[Outcome]] = {}
    for outcome in sink.got:
        told.setdefault(outcome.url.text, []).append(outcome)
    assert Counter(last.disposition for *_, last in told.values()) == Counter(summary.counts.settled)
    return told


def fates(told: dict[str, list[Outcome]]) -> dict[str, str]:
    return {url: f"{last.disposition}{f'/{last.reason}' if last.reason else ''}" for url, (*_, last) in told.items()}


def wall(content: Page, check: str) -> Page:
    """Content for those who have the cookie; others are sent to get it."""

    def answer(asked: Asked) -> Answer:
        if "seen=1" in asked.headers.get("cookie", ""):
            return content.answer(asked)
        return Answer(302, (("Location", asked.place(check)),))

    return Page(answer, 302, fixed=False)


def setting(to: str, cookie: str = "seen=1; Path=/") -> Page:
    return Page(lambda asked: Answer(302, (("Location", asked.place(to)), ("Set-Cookie", cookie))), 302, fixed=False)


def two_steps() -> dict[str, Page]:
    return {"/a": wall(html("Content"), "/check"), "/check": setting("/a")}


def three_steps() -> dict[str, Page]:
    return {"/a": wall(html("Content"), "/b"), "/b": setting("/c"), "/c": redirect("/a")}


def with_another_url() -> dict[str, Page]:
    """What comes back has a token; without the cookie it sends on to where all began."""
    return {"/a": wall(html("Content"), "/b"), "/b": setting("/a?token=1"), "/a?token=1": redirect("/a")}


WALLS: dict[str, Callable[[], dict[str, Page]]] = {
    "two": two_steps, "three": three_steps, "with-token": with_another_url
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("steps", WALLS)
@pytest.mark.parametrize("extra", [{}, {"max_attempts": 1}, {"per_site": 4}, {"max_redirects": 3}], ids=str)
async def test_behind_a_cookie_wall_the_second_answer_counts(steps: str, extra: dict[str, Any]) -> None:
    pages = WALLS[steps]()
    async with open_web(Web([Site(A, pages)])) as served:
        told = await crawled(served, [served.url(A, "/a")], cookies=True, **extra)
        *_, last = told[served.url(A, "/a")]
        assert last.page is not None
        assert (last.disposition, last.page.title) == (Disposition.FETCHED, "Content")
        others = {url: fate for url, fate in fates(told).items() if url != last.url.text}
        assert set(others.values()) == {"redirected"}, "each led to a page that was fetched"
        assert len(others) == len(pages) - 1
        assert max(served.counts(robots=False).values()) <= 2


@pytest.mark.parametrize("steps", WALLS)
async def test_without_cookies_the_circle_is_a_failure_that_names_the_cure(steps: str) -> None:
    async with open_web(Web([Site(A, WALLS[steps]())])) as served:
        told = await crawled(served, [served.url(A, "/a")])
        failed = [last for *_, last in told.values() if last.disposition is Disposition.FAILED]
        assert [one.reason for one in failed] == [Reason.TOO_MANY_REDIRECTS]
        assert failed[0].detail.startswith("redirects in a circle of ")
        assert "fetch.cookies" in failed[0].detail
        assert "fetched" not in fates(told).values()
        assert set(served.counts(robots=False).values()) == {1}


async def test_many_pages_behind_one_wall_all_arrive() -> None:
    pages = {f"/{n}": wall(html(f"Page {n}"), f"/check?back={n}") for n in range(20)}
    checks = {f"/check?back={n}": setting(f"/{n}") for n in range(20)}
    async with open_web(Web([Site(A, {"/": html("Home", list(pages)), **pages, **checks})])) as served:
        told = await crawled(served, [served.url(A)], cookies=True, per_site=4)
        assert Counter(fates(told).values())["fetched"] == 21


async def test_a_wall_may_stand_on_another_site() -> None:
    """Where one is sent to sign in, and comes back with a cookie of the first."""
    sites = [Site(A, {"/a": wall(html("Content"), f"http://{B}/sso"), "/back": setting("/a")})]
    sites.append(Site(B, {"/sso": redirect(f"http://{A}/back")}))
    async with open_web(Web(sites)) as served:
        told = await crawled(served, [served.url(A, "/a")], cookies=True, reach="any")
        assert fates(told)[served.url(A, "/a")] == "fetched"


def circle(length: int, cookie: str = "") -> dict[str, Page]:
    steps = [f"/{n}" for n in range(length)]
    return {
        step: setting(to, cookie) if cookie else redirect(to)
        for step, to in zip(steps, [*steps[1:], steps[0]], strict=True)
    }


@pytest.mark.slow
@pytest.mark.parametrize("cookies", [False, True])
@pytest.mark.parametrize("cookie", ["", "vain=1"])
@pytest.mark.parametrize("length", [1, 2, 3, 5])
async def test_a_circle_that_nothing_opens_fails_and_ends(length: int, cookie: str, cookies: bool) -> None:
    async with open_web(Web([Site(A, circle(length, cookie))])) as served:
        told = await crawled(served, [served.url(A, "/0")], cookies=cookies)
        assert "failed/too-many-redirects" in fates(told).values()
        assert set(fates(told).values()) <= {"failed/too-many-redirects", "redirected"}
        assert max(served.counts(robots=False).values()) <= 3


@pytest.mark.parametrize("cookies", [False, True])
async def test_a_circle_whose_steps_are_all_known_otherwise_fails_too(cookies: bool) -> None:
    """Each is a seed: none was found by the redirect of another."""
    async with open_web(Web([Site(A, circle(3)), Site(B, circle(2))])) as served:
        seeds = [served.url(A, f"/{n}") for n in range(3)] + [served.url(B, f"/{n}") for n in range(2)]
        told = await crawled(served, seeds, cookies=cookies)
        for host in (A, B):
            of_host = [fate for url, fate in fates(told).items() if url.startswith(served.url(host))]
            assert "failed/too-many-redirects" in of_host


async def test_a_circle_over_two_sites_and_back_fails() -> None:
    sites = [
        Site(A, {"/a": redirect(f"http://{B}/b"), "/c": redirect("/a")}),
        Site(B, {"/b": redirect(f"http://{A}/c")}),
    ]
    async with open_web(Web(sites)) as served:
        told = await crawled(served, [served.url(A, "/a")], reach="any")
        assert fates(told)[served.url(A, "/c")] == "failed/too-many-redirects"


async def test_what_leads_into_a_circle_is_a_redirect_still() -> None:
    async with open_web(Web([Site(A, {"/in": redirect("/0"), **circle(2)})])) as served:
        told = fates(await crawled(served, [served.url(A, "/in")]))
        assert told[served.url(A, "/in")] == told[served.url(A, "/0")] == "redirected"
        assert told[served.url(A, "/1")] == "failed/too-many-redirects"


async def test_ways_that_meet_are_no_circle() -> None:
    pages = {"/a": redirect("/c"), "/b": redirect("/a"), "/c": redirect("/d"), "/d": html("End"), "/e": redirect("/a")}
    async with open_web(Web([Site(A, pages)])) as served:
        told = fates(await crawled(served, [served.url(A, f"/{name}") for name in "edcba"], cookies=True))
        assert Counter(told.values()) == {"redirected": 4, "fetched": 1}


@pytest.mark.slow
@pytest.mark.parametrize("steps", WALLS)
async def test_a_run_that_ends_amid_a_circle_goes_on_with_it(tmp_path: Path, steps: str) -> None:
    """What the first run learned of it, the second reads from the folder."""
    async with open_web(Web([Site(A, WALLS[steps]())])) as served:
        for n in range(8):
            async with crawler.open_crawl(folder=tmp_path / "crawl", **(QUICK | {"cookies": True})) as crawl:
                async with anyio.create_task_group() as tasks:
                    if n < 7:
                        tasks.start_soon(_stop_after_a_request, crawl, served)
                    summary = await crawl.run([served.url(A, "/a")])
                    tasks.cancel_scope.cancel()
        assert summary.counts.settled[Disposition.FETCHED] == 1


async def _stop_after_a_request(crawl: crawler.Crawl, served: Served) -> None:
    before = len(served.of(A, robots=False))
    while len(served.of(A, robots=False)) == before:
        await anyio.sleep(0.002)
    crawl.stop()
