"""Hooks of a program around each exchange: they change, skip and reject, and their errors end the crawl by name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest

import crawler
from crawler import Disposition, HookError, Reason, Request, Response, Retry, Skip, Url
from crawler.errors import FetchError
from crawler.fetch import Budget
from crawler.testing import Served, Site, Web, disallowing, html, open_web
from tests.list_sink import ListSink

QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0, "retry_delay_s": 0.01}
PAGES = {"/": html("Home", ["/a", "/b"]), "/a": html("A"), "/b": html("B"), "/secret/x": html("X")}


class Found(ListSink):
    def ends(self) -> dict[str, tuple[str, str | None, str]]:
        return {one.url.path: (one.disposition, one.reason, one.detail) for one in self.got}


@asynccontextmanager
async def served_site(pages: Any = PAGES) -> AsyncIterator[Served]:
    async with open_web(Web([Site("a.test", pages, robots=disallowing("/secret/"))])) as served:
        yield served


async def crawl(served: Served, **options: Any) -> Found:
    sink = Found()
    with anyio.fail_after(20):
        await crawler.crawl(served.seeds, sinks=[sink], **(QUICK | options))
    return sink


async def test_hooks_see_each_exchange_but_those_for_robots_txt() -> None:
    seen: list[tuple[str, str]] = []

    async def before(request: Request) -> Request | Skip:
        seen.append(("before", request.url.path))
        return request

    async def after(response: Response) -> Response | Retry:
        seen.append(("after", response.url.path))
        return response

    async with served_site() as served:
        found = await crawl(served, before_request=before, after_response=after)
        assert served.counts()[served.url("a.test", "/robots.txt")] == 1
    assert sorted(seen) == sorted((when, path) for when in ("before", "after") for path in ("/", "/a", "/b"))
    assert {end[0] for end in found.ends().values()} == {"fetched"}


async def test_a_skipped_request_is_never_sent_and_ends_as_excluded_with_its_reason() -> None:
    async def before(request: Request) -> Request | Skip:
        return Skip("seen elsewhere") if request.url.path == "/a" else request

    async with served_site() as served, crawler.open_crawl(before_request=before, **QUICK) as opened:
        with anyio.fail_after(20):
            summary = await opened.run(served.seeds)
        assert "/a" not in {hit.path for hit in served.hits}
    assert (summary.dispositions[Disposition.EXCLUDED], summary.reasons[Reason.SKIPPED]) == (1, 1)
    assert summary.pages == 2


async def test_explain_tells_why_a_request_was_skipped(tmp_path: Any) -> None:
    async def before(request: Request) -> Request | Skip:
        return Skip("seen elsewhere") if request.url.path == "/a" else request

    async with served_site() as served:
        await crawl(served, before_request=before, folder=tmp_path / "c")
        async with crawler.open_crawl(folder=tmp_path / "c", **QUICK) as opened:
            told = await opened.explain(served.url("a.test", "/a"))
    assert told.known
    assert (told.known.disposition, told.known.reason) == (Disposition.EXCLUDED, Reason.SKIPPED)
    assert told.known.detail == "seen elsewhere"


async def test_what_a_hook_changes_is_sent_and_the_record_has_the_queued_url() -> None:
    async def before(request: Request) -> Request | Skip:
        return replace(request, url=Url(f"{request.url.text}?key=1"))

    async with served_site() as served:
        found = await crawl(served, before_request=before)
        asked = {hit.target for hit in served.hits} - {"/robots.txt"}
    assert asked == {"/?key=1", "/a?key=1", "/b?key=1"}
    assert set(found.ends()) == {"/", "/a", "/b"}
    assert {outcome.response.url for outcome in found.got if outcome.response} == {one.url for one in found.got}


async def test_a_hook_may_change_method_fields_and_body() -> None:
    async def before(request: Request) -> Request | Skip:
        fields = (*request.headers, ("X-Trace", "42"))
        return replace(request, method="POST", headers=fields, body=b"a=1")

    async with served_site({"/": html("Home")}) as served:
        found = await crawl(served, before_request=before)
        (hit,) = served.of("a.test", robots=False)
        assert (hit.method, hit.headers["x-trace"], hit.headers["content-length"]) == ("POST", "42", "3")
    assert [(one.request.method, one.disposition) for one in found.got] == [("GET", Disposition.FETCHED)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"headers": (("X\r\n", "1"),)}, "is no name of a header field"),
        ({"headers": (("X", "1\r\nY: 2"),)}, "must be one line"),
        ({"headers": (("Host", "b.test"),)}, "the header field Host cannot be given"),
        ({"body": "text"}, "the body is str, not bytes"),
        ({"method": "GET /x"}, "is no method"),
    ],
)
async def test_a_hook_cannot_make_another_request_of_one(changes: Any, words: str) -> None:
    async def before(request: Request) -> Request | Skip:
        return replace(request, **({"method": "POST"} | changes))

    async with served_site() as served:
        with pytest.raises(HookError, match=words):
            await crawl(served, before_request=before)
        assert served.of("a.test", robots=False) == []


async def test_a_url_that_a_hook_makes_is_one_line_of_its_request() -> None:
    async def before(request: Request) -> Request | Skip:
        return replace(request, url=Url(f"{request.url.text}?a=x y\r\nX-Evil: 1#part"))

    async with served_site({"/": html("Home")}) as served:
        await crawl(served, before_request=before)
        assert [hit.target for hit in served.of("a.test", robots=False)] == ["/?a=x%20yX-Evil:%201"]
        assert "x-evil" not in served.hits[-1].headers


async def test_robots_txt_holds_for_the_url_that_a_hook_makes() -> None:
    async def before(request: Request) -> Request | Skip:
        return replace(request, url=Url(f"{request.url.site}/secret/x")) if request.url.path == "/a" else request

    async with served_site() as served:
        found = await crawl(served, before_request=before)
        assert "/secret/x" not in {hit.path for hit in served.hits}
    assert found.ends()["/a"][:2] == ("excluded", "robots")


async def test_a_rejected_answer_is_asked_for_again_and_a_changed_one_is_read() -> None:
    times = 0

    async def after(response: Response) -> Response | Retry:
        nonlocal times
        times += 1
        if times < 3:
            return Retry("not yet", after_s=0)
        return Response.decoded(response.url, response.status, response.headers, "<title>changed</title>")

    async with served_site() as served:
        found = await crawl(served, after_response=after, retry_delay_s=3600.0)
        assert served.counts(robots=False) == {served.url("a.test", "/"): 3}
    assert found.ends() == {"/": ("fetched", None, "")}, "and the changed home has no links"


async def test_a_page_that_is_rejected_at_each_attempt_has_failed_and_keeps_its_status() -> None:
    async def after(response: Response) -> Response | Retry:
        return Retry("no price on it") if response.url.path == "/a" else response

    async with served_site() as served:
        found = await crawl(served, after_response=after, max_attempts=2)
        assert served.counts()[served.url("a.test", "/a")] == 2
    assert found.ends()["/a"] == ("failed", "rejected", "no price on it")
    assert [one.response.status for one in found.got if one.url.path == "/a" and one.response] == [200]


def other_site(request: Request) -> Any:
    return replace(request, url=Url("http://b.test/"))


def deeper(request: Request) -> Any:
    return replace(request, depth=7)


class Custom(Request):
    pass


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (other_site, r"moved the request for http\S+ to another site, http://b.test: .* crawler.Skip, .* Crawl.add"),
        (deeper, "changed depth of the request"),
        (lambda request: replace(request, url=Url("nonsense")), "returned a request that cannot be sent"),
        (lambda request: None, "returned None: it should return the request"),
        (lambda request: Skip, "returned the class Skip, not an object"),
        (lambda request: "http://b.test/", "returned an object of type str"),
        (lambda request: Custom(request.url), "returned an object of type Custom"),
    ],
)
async def test_a_wrong_answer_of_before_request_ends_the_crawl_with_its_name(
    answer: Callable[[Request], Any], words: str
) -> None:
    async def mine(request: Request) -> Any:
        return answer(request)

    async with served_site() as served:
        with pytest.raises(HookError, match=rf"the hook before_request \(.*mine\) {words}"):
            await crawl(served, before_request=mine)
        assert {hit.path for hit in served.hits} <= {"/robots.txt"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "returned None: it should return the response"),
        (Retry, "returned the class Retry, not an object"),
        (Skip("x"), "returned an object of type Skip"),
    ],
)
async def test_a_wrong_answer_of_after_response_ends_the_crawl_with_its_name(answer: Any, words: str) -> None:
    async def mine(response: Response) -> Any:
        return answer

    async with served_site() as served:
        with pytest.raises(HookError, match=rf"the hook after_response \(.*mine\) {words}"):
            await crawl(served, after_response=mine)


@pytest.mark.parametrize("error", [ValueError, KeyError, asyncio.CancelledError, SystemExit, OSError])
@pytest.mark.parametrize("when", ["before_request", "after_response"])
async def test_a_hook_that_raises_ends_the_crawl_with_its_name_and_nothing_is_lost(
    error: type[BaseException], when: str
) -> None:
    async def mine(asked: Any) -> Any:
        raise error("broken")

    async with served_site() as served, crawler.open_crawl(**QUICK, **{when: mine}) as opened:  # type: ignore[arg-type]
        with anyio.fail_after(20), pytest.raises(HookError, match=rf"the hook {when} \(.*mine\) raised"):
            await opened.run(served.seeds)
        counts = opened.snapshot().counts
    assert (counts.queued, counts.leased, sum(counts.settled.values())) == (1, 0, 0)


async def test_a_fetch_error_of_a_hook_costs_the_visit_alone() -> None:
    async def after(response: Response) -> Response | Retry:
        if response.url.path == "/a":
            raise FetchError(Reason.CONNECT, "the login is out", transient=False)
        return response

    async with served_site() as served:
        found = await crawl(served, after_response=after)
    assert found.ends()["/a"] == ("failed", "connect", "the login is out")
    assert found.ends()["/b"][0] == "fetched"


@pytest.mark.parametrize("changes", [{}, {"after_s": 0}, {"after_s": 1.5}])
def test_skip_and_retry_say_why_and_when(changes: Any) -> None:
    assert Retry("why", **changes).detail == Skip("why").detail == "why"


@pytest.mark.parametrize("after_s", [-1, float("nan"), float("inf")])
def test_a_retry_in_the_past_or_never_is_refused(after_s: float) -> None:
    with pytest.raises(ValueError, match="after_s should be a number of seconds"):
        Retry("why", after_s=after_s)
    with pytest.raises(TypeError, match="say why in a text"):
        Skip(5)  # type: ignore[arg-type]


async def test_a_hook_that_blocks_the_loop_is_named_by_the_watchdog() -> None:
    async def sleepy_hook(response: Response) -> Response | Retry:
        time.sleep(0.3)  # noqa: ASYNC251 - it blocks on purpose
        return response

    async with served_site({"/": html("Home")}) as served:
        summary = await crawler.crawl(served.seeds, after_response=sleepy_hook, blocked_after_s=0.05, **QUICK)
    assert any("test_hooked_fetcher.py" in one.culprit and "sleepy_hook" in one.culprit for one in summary.blocked)


@pytest.mark.parametrize("way", ["keeps", "replaces", "rejects", "raises", "fetches"])
async def test_hooks_never_take_memory_of_bodies_for_themselves(way: str) -> None:
    """The pages together need ten times the memory that there is, and sixteen are under way at a time."""
    pages = {f"/{n}": html(f"Page {n}", size_bytes=40_000) for n in range(30)}
    kept: list[Response] = []
    crawls: list[crawler.Crawl] = []

    async def after(response: Response) -> Response | Retry:
        kept.append(response)
        match way:
            case "replaces":
                return Response.decoded(response.url, 200, response.headers, response.body)
            case "rejects" if len(kept) % 2:
                return Retry("once more", after_s=0)
            case "raises" if len(kept) % 2:
                raise FetchError(Reason.INTERNAL, "no", transient=True)
            case "fetches":
                kept.append(await crawls[0].fetch(response.url))
        return response

    settings = QUICK | {"per_site": 16, "max_body_bytes": 60_000, "budget_bytes": 120_000, "max_attempts": 5}
    async with open_web(Web([Site("a.test", {"/": html("Home", list(pages)), **pages})])) as served:
        async with crawler.open_shared(**settings) as shared:
            tight(shared.budget)
            async with crawler.open_crawl(after_response=after, shared=shared, **settings) as opened:
                crawls.append(opened)
                with anyio.fail_after(30):
                    summary = await opened.run(served.seeds)
            assert shared.budget.used == 0
    assert summary.counts.known == 31
    assert way in ("rejects", "raises") or summary.pages == 31


def tight(budget: Budget) -> None:
    """Leaves no room for small bodies beside the limit."""
    budget.limit, budget._spare, budget._common = 200_000, 0, 130_000


def test_no_hooks_cost_nothing() -> None:
    """A crawl without hooks fetches by the very object that it would fetch by."""

    async def look(**hooks: Any) -> bool:
        async with crawler.open_crawl(executor="inline", **hooks) as opened:
            return opened._works.visiting is opened._works.fetcher is opened._works.http

    async def before(request: Request) -> Request | Skip:
        return request

    assert asyncio.run(look()) is True
    assert asyncio.run(look(before_request=before)) is False
