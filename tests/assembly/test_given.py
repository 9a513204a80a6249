"""Objects that a program gives to a crawl are told apart and checked at the door: fetchers, sinks, hooks."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

import crawler
from crawler import ConfigError, Disposition, Fetcher, Outcome, Position, Request, Response
from crawler.fetch import HttpFetcher
from crawler.testing import Site, Web, html, open_web
from tests.list_sink import ListSink

QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0, "retry_delay_s": 0.01}


class Around:
    """A Fetcher around another one."""

    def __init__(self, inner: Fetcher) -> None:
        self.inner = inner
        self.asked: list[str] = []

    async def fetch(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        return await self.inner.fetch(request)


def one_site(pages: int = 3, size: int = 2000) -> Web:
    leaves = {f"/{n}": html(f"Page {n}", size_bytes=size) for n in range(pages)}
    return Web([Site("a.test", {"/": html("Home", list(leaves)), **leaves})])


async def crawl(make: Any, web: Web | None = None, **settings: Any) -> list[Outcome]:
    sink = ListSink()
    async with open_web(web or one_site()) as served:
        with anyio.fail_after(20):
            await crawler.crawl(served.seeds, fetcher=make, sinks=[sink], **(QUICK | settings))
    return sink.got


# -- fetchers ----------------------------------------------------------------------------------------------------------


async def test_a_function_gets_our_fetcher_and_gives_one_that_holds_it() -> None:
    made: list[Around] = []

    def make(inner: Fetcher) -> Fetcher:
        made.append(Around(inner))
        return made[0]

    got = await crawl(make)
    assert [outcome.disposition for outcome in got] == [Disposition.FETCHED] * 4
    assert sorted(made[0].asked) == ["/", "/0", "/1", "/2", "/robots.txt"]


async def test_a_function_may_open_things_for_the_length_of_the_crawl() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def make(inner: Fetcher) -> AsyncIterator[Fetcher]:
        events.append("opened")
        yield Around(inner)
        events.append("closed")

    assert len(await crawl(make)) == 4
    assert events == ["opened", "closed"]


async def test_our_fetcher_itself_may_be_given_back_and_streams_take_functions_too() -> None:
    assert len(await crawl(lambda inner: inner)) == 4
    async with (
        open_web(one_site()) as served,
        crawler.stream(served.seeds, fetcher=Around, **QUICK) as outcomes,
    ):
        assert len([outcome async for outcome in outcomes]) == 4


async def test_live_settings_reach_our_fetcher_within_one_of_the_program() -> None:
    async with crawler.open_crawl(fetcher=Around, **QUICK) as opened:
        await opened.change(per_ip=7)
        http = opened._works.http
        assert isinstance(http, HttpFetcher)
        assert http.gates.per_address == 7


class Two(Around):
    """Fetches each page twice, and holds the first answer meanwhile."""

    async def fetch(self, request: Request) -> Response:
        first = await self.inner.fetch(request)
        await asyncio.sleep(0.001)
        second = await self.inner.fetch(request)
        return second if second.body == first.body else first


class Gathering(Around):
    async def fetch(self, request: Request) -> Response:
        first, _ = await asyncio.gather(self.inner.fetch(request), self.inner.fetch(request))
        return first


class Background(Around):
    """Fetches in tasks that no visit started, and keeps all that it got in a cache."""

    def __init__(self, inner: Fetcher) -> None:
        super().__init__(inner)
        self.cache: list[Response] = []

    async def fetch(self, request: Request) -> Response:
        task = asyncio.get_running_loop().create_task(self.inner.fetch(request), context=contextvars.Context())
        self.cache.append(got := await task)
        return Response(got.url, got.status, got.headers, got.body)


@pytest.mark.parametrize("kind", [Two, Gathering, Background])
async def test_no_fetcher_around_ours_makes_a_crawl_stand_still(kind: type[Around]) -> None:
    """The pages together need ten times the memory that there is, and sixteen are under way at a time."""
    settings = QUICK | {"per_site": 16, "max_body_bytes": 60_000, "budget_bytes": 120_000}
    sink = ListSink()
    async with open_web(one_site(30, 40_000)) as served, crawler.open_shared(**settings) as shared:
        shared.budget.limit, shared.budget._spare, shared.budget._common = 200_000, 0, 130_000
        async with crawler.open_crawl(fetcher=kind, sinks=[sink], shared=shared, **settings) as opened:
            with anyio.fail_after(20):
                summary = await opened.run(served.seeds)
        assert (summary.pages, shared.budget.used) == (31, 0)


class Sync:
    def fetch(self, request: Request) -> Response:
        raise NotImplementedError


class Optional:
    def __init__(self, ttl_s: float = 60.0) -> None: ...

    async def fetch(self, request: Request) -> Response:
        raise NotImplementedError


async def make_late(inner: Fetcher) -> Fetcher:
    return inner


async def make_in_turns(inner: Fetcher) -> AsyncIterator[Fetcher]:
    yield inner


FETCHERS: dict[str, tuple[Any, str]] = {
    "an object": (object(), "fetcher: an object of type object has no method `fetch`: give an object with `async def"),
    "a class": (Sync, r"fetcher: Sync is a class: give an object, Sync\(\), or lambda inner: Sync\(inner\)"),
    "a class with an option": (Optional, "fetcher: Optional is a class"),
    "another class": (dict, "fetcher: dict is a class"),
    "a number": (5, "fetcher: an object of type int has no method `fetch`"),
    "a sync fetcher": (Sync(), "fetcher: `fetch` of an object of type Sync is not async: write `async def fetch`"),
    "a lambda to nothing": (lambda inner: None, "fetcher: <lambda> made an object of type NoneType, which is no fetch"),
    "a lambda to a class": (lambda inner: Around, "fetcher: <lambda> made the class Around, which is no fetcher"),
    "a lambda to sync": (lambda inner: Sync(), "fetcher: `fetch` of an object of type Sync is not async"),
    "an async function": (make_late, "make_late is an async function: decorate it with contextlib.asynccontextmanager"),
    "a generator": (make_in_turns, "make_in_turns is an async function: decorate it"),
    "a partial of one": (functools.partial(make_late), "is an async function: decorate it"),
}


@pytest.mark.parametrize("name", FETCHERS)
async def test_what_is_no_fetcher_is_refused_at_the_door(name: str, tmp_path: Path) -> None:
    given, words = FETCHERS[name]
    with pytest.raises(ConfigError, match=words):
        await crawl(given)
    with pytest.raises(ConfigError):
        await crawl(given, folder=tmp_path / "c")
    assert not (tmp_path / "c").exists(), "a folder in which nothing was queued does not stay"


async def test_errors_of_the_function_are_raised_as_themselves() -> None:
    def make(inner: Fetcher) -> Fetcher:
        raise KeyError("no password")

    with pytest.raises(KeyError, match="no password"):
        await crawl(make)


# -- sinks -------------------------------------------------------------------------------------------------------------


class NoName:
    async def rewind(self, position: Position | None) -> None: ...

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        return {}


class SyncWrite(NoName):
    name = "sync"

    def write(self, outcomes: Sequence[Outcome]) -> Position:  # type: ignore[override]
        return {}


class SyncRewind(NoName):
    name = "sync"

    def rewind(self, position: Position | None) -> None: ...  # type: ignore[override]


class SyncObserver(NoName):
    name = "sync"

    def observe(self, response: Response) -> None: ...


class Numbered(NoName):
    name = 5


SINKS: dict[str, tuple[Any, str]] = {
    "an object": (
        [object()],
        r"sinks\[0\]: an object of type object lacks name, rewind, write: a sink has name, rewin",
    ),
    "a class": ([ListSink(), ListSink], r"sinks\[1\]: ListSink is a class: give an object of it, ListSink\(\)"),
    "no name": ([NoName()], r"sinks\[0\]: an object of type NoName lacks name"),
    "a number for a name": ([Numbered()], "the name of an object of type Numbered should be a text, not 5"),
    "a sync write": ([SyncWrite()], r"sinks\[0\]: `write` of an object of type SyncWrite is not async: write `async d"),
    "a sync rewind": ([SyncRewind()], "`rewind` of an object of type SyncRewind is not async"),
    "a sync observe": ([SyncObserver()], "`observe` of an object of type SyncObserver is not async"),
    "one sink": (ListSink(), r"sinks: an object of type ListSink is no list: put the sink into one, sinks=\[sink\]"),
    "a name": ("jsonl", "sinks: an object of type str is no list"),
}


@pytest.mark.parametrize("name", SINKS)
async def test_what_is_no_sink_is_refused_at_the_door(name: str, tmp_path: Path) -> None:
    given, words = SINKS[name]
    with pytest.raises(ConfigError, match=words):
        await crawler.crawl([], sinks=given, folder=tmp_path / "c", executor="inline")
    assert not (tmp_path / "c").exists()
    with pytest.raises(ConfigError, match=words):
        async with crawler.stream([], sinks=given, executor="inline"):
            pass


# -- hooks -------------------------------------------------------------------------------------------------------------


def sync_hook(request: Request) -> Request:
    return request


async def hook(request: Request, extra: int = 0) -> Request:
    return request


@functools.wraps(hook)
def wrapped(*given: Any) -> Any:
    return hook(*given)


class Called:
    async def __call__(self, request: Request) -> Request:
        return request

    async def method(self, request: Request) -> Request:
        return request


class SyncCalled:
    def __call__(self, request: Request) -> Request:
        return request


HOOKS: list[Callable[..., Any]] = [
    hook, wrapped, functools.partial(hook, extra=1), Called(), Called().method, lambda request: hook(request, 2),
]  # fmt: skip


@pytest.mark.parametrize("given", HOOKS, ids=["function", "wrapped", "partial", "object", "method", "lambda"])
async def test_all_that_can_be_awaited_may_be_a_hook(given: Any) -> None:
    async with open_web(one_site(0)) as served:
        summary = await crawler.crawl(served.seeds, before_request=given, **QUICK)
    assert summary.pages == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (sync_hook, r"sync_hook is not async: write `async def sync_hook\(request\)`"),
        (functools.partial(sync_hook), "is not async"),
        (SyncCalled(), "SyncCalled is not async"),
        (Called, r"an object of type type is no function: write `async def before_request\(request\)`"),
        ("mine:hook", "an object of type str is no function"),
    ],
)
async def test_what_is_no_hook_is_refused_at_the_door(given: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=rf"^before_request: .*{words}"):
        await crawler.crawl([], before_request=given, executor="inline")


async def test_a_hook_that_turns_out_not_to_be_async_is_told_so() -> None:
    async with open_web(one_site(0)) as served:
        with pytest.raises(crawler.HookError, match=r"the hook before_request .*lambda.* returned .* at once"):
            await crawler.crawl(served.seeds, before_request=lambda request: request, **QUICK)  # type: ignore[arg-type, return-value]
