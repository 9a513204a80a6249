"""The memory for bodies is whole again after every ending of a visit, whoever held the response last."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import anyio
import pytest

import crawler
from crawler.errors import FetchError, OffloadError, OutOfFiles
from crawler.fetch import Budget, HttpFetcher, open_fetcher
from crawler.model import Disposition, Lease, Outcome, Position, Reason, Request, Response, Url
from crawler.offload import Inline
from crawler.parse import Document
from crawler.policy.site_rules import NO_RULES
from crawler.protocols import Fetcher, Frontier
from crawler.robots import RobotsCache
from crawler.settings import FetchConfig
from crawler.testing import Site, Web, html, open_web
from crawler.visit import Visitor
from tests.defaults import make_job, make_politeness, make_scope

T = TypeVar("T")
HERE = Url("http://site.test/a/page")
ROBOTS = "http://site.test/robots.txt"
PAGE = b"<title>hello</title><a href=/b>b</a>" + b"x" * 2000


@dataclass
class Charged:
    """A Fetcher whose responses take memory of a budget. It keeps them all, so that none is ever collected."""

    answers: dict[str, Any]
    budget: Budget = field(default_factory=lambda: Budget(1 << 20, 1 << 10))
    got: list[Response] = field(default_factory=list)

    async def fetch(self, request: Request) -> Response:
        await asyncio.sleep(0)
        answer = self.answers.get(request.url.text, (404, (), b"none"))
        if isinstance(answer, Exception):
            raise answer
        status, headers, body = answer
        share = self.budget.open()
        assert share.take(1 + len(body))
        share.keep()
        self.got.append(Response(request.url, status, headers, body, share=share))
        return self.got[-1]


class Slow(Inline):
    """Workers that take two turns of the loop, and may die or fail."""

    def __init__(self, error: BaseException | None = None, *, only_first: bool = False) -> None:
        self.error = error
        self.only_first = only_first

    async def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        is_first = isinstance(args[0], Document) and not args[0].is_suspect
        if self.error and (is_first or not self.only_first):
            raise self.error
        return work(*args)


class Known:
    """A frontier that knows the content of every page already, if told so."""

    def __init__(self, first: Url = HERE) -> None:
        self.first = first

    async def claim(self, digest: bytes, lease: Lease) -> Url:
        await asyncio.sleep(0)
        return self.first

    async def way(self, start: Url, lease: Lease) -> Sequence[tuple[int, Url]]:
        await asyncio.sleep(0)
        return ()

    def knows_well(self, url: Url) -> bool:
        return False


def died() -> OffloadError:
    return OffloadError(Reason.PARSE_CRASH, "died")


def to(where: str) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"Location", where.encode()),)


GZIP = ((b"Content-Encoding", b"gzip"),)
ENDINGS: dict[str, tuple[Any, dict[str, Any], Disposition]] = {
    "page": ((200, (), PAGE), {}, Disposition.FETCHED),
    "no body": ((200, (), b""), {}, Disposition.FETCHED),
    "unchanged": ((304, (), b""), {}, Disposition.UNCHANGED),
    "duplicate": ((200, (), PAGE), {"frontier": Known(Url("http://site.test/first"))}, Disposition.DUPLICATE),
    "redirect": ((302, to("/b"), PAGE), {}, Disposition.REDIRECTED),
    "redirect to itself": ((302, to("/a/page"), b"x"), {}, Disposition.FAILED),
    "redirect to nowhere": ((302, to("http://["), b"x"), {}, Disposition.FAILED),
    "not found": ((404, (), PAGE), {}, Disposition.FAILED),
    "not found, unreadable": ((404, GZIP, b"no gzip"), {}, Disposition.FAILED),
    "busy": ((503, ((b"Retry-After", b"5"),), b"x"), {}, Disposition.DEFERRED),
    "blocked": ((403, ((b"cf-mitigated", b"challenge"),), b"x"), {}, Disposition.DEFERRED),
    "a coding": ((200, GZIP, gzip.compress(PAGE)), {}, Disposition.FETCHED),
    "a broken coding": ((200, GZIP, b"no gzip"), {}, Disposition.FAILED),
    "a worker dies": ((200, (), PAGE), {"offloader": Slow(died())}, Disposition.FAILED),
    "a worker dies once": ((200, (), PAGE), {"offloader": Slow(died(), only_first=True)}, Disposition.FETCHED),
    "no exchange": (FetchError(Reason.TIMEOUT, "no answer", transient=True), {}, Disposition.DEFERRED),
    "no file": (OutOfFiles(Reason.CONNECT, "no file"), {}, Disposition.DEFERRED),
}


def visitor(web: Charged, **parts: Any) -> Visitor:
    scope = make_scope(reach="any")
    offloader = parts.pop("offloader", Slow())
    return Visitor(
        robots=RobotsCache(web, offloader, "storybot/1.0", ttl_s=86400.0),
        fetcher=web,
        offloader=offloader,
        frontier=cast(Frontier, parts.pop("frontier", Known())),
        scope=scope,
        politeness=make_politeness(delay_s=0.0),
        job=make_job(key=b"k" * 16, run=b"r" * 8, bounds=scope),
    )


@pytest.fixture(autouse=True)
def no_word_of_dropped_responses(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if "without release" in record.message]


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("robots", [None, (200, (), b"User-agent: *\nDisallow: /private\n"), (301, to("/r2"), b"x")])
async def test_an_outcome_gives_back_all_that_its_visit_took(name: str, robots: Any) -> None:
    answer, parts, disposition = ENDINGS[name]
    web = Charged({HERE.text: answer} | ({ROBOTS: robots} if robots else {}))
    lease = Lease(Request(HERE, etag='"x"', via=Url("http://site.test/")), 1)
    outcome = await visitor(web, **parts).visit(lease)
    assert outcome.disposition is disposition
    held = outcome.response.share if outcome.response else None
    assert web.budget.used == (held.held if held else 0)  # type: ignore[attr-defined]
    outcome.release()
    assert web.budget.used == 0
    for response in web.got:
        response.release()
    assert web.budget.used == 0


async def test_a_bug_in_a_visit_gives_back_what_it_took() -> None:
    web = Charged({HERE.text: (200, (), PAGE)})
    with pytest.raises(ZeroDivisionError):
        await visitor(web, offloader=Slow(ZeroDivisionError())).visit(Lease(Request(HERE), 1))
    assert web.budget.used == 0


async def test_a_robots_txt_that_forbids_or_fails_gives_back_what_it_took() -> None:
    for answer in [(200, (), b"User-agent: *\nDisallow: /\n"), (503, (), b"busy"), (200, GZIP, b"no gzip")]:
        web = Charged({ROBOTS: answer, HERE.text: (200, (), PAGE)})
        outcome = await visitor(web).visit(Lease(Request(HERE), 1))
        assert outcome.response is None
        assert (web.budget.used, len(web.got)) == (0, 1)


@pytest.mark.parametrize("name", ["page", "redirect", "not found", "a coding", "a worker dies", "duplicate"])
async def test_a_visit_that_is_cancelled_at_any_of_its_waits_gives_back_what_it_took(name: str) -> None:
    answer, parts, _ = ENDINGS[name]
    turns, is_over = 0, False
    while not is_over:
        web = Charged({ROBOTS: (301, to("/r2"), b"x"), HERE.text: answer})
        task = asyncio.create_task(visitor(web, **parts).visit(Lease(Request(HERE), 1)))
        for _ in range(turns):
            await asyncio.sleep(0)
        is_over = not task.cancel()
        done = (await asyncio.gather(task, return_exceptions=True))[0]
        if isinstance(done, Outcome):
            done.release()
        assert web.budget.used == 0
        turns += 1
    assert turns > 4


# -- whole crawls ------------------------------------------------------------------------------------------------------

QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0, "retry_delay_s": 0.01}


def many_pages(number: int, size: int = 40_000) -> Web:
    leaves = {f"/{n}": html(f"Page {n}", size_bytes=size) for n in range(number)}
    return Web([Site("alpha.test", {"/": html("Alpha", list(leaves)), **leaves})])


class Counting:
    name = "counting"

    def __init__(self, at: int = 1 << 30, then: Callable[[], None] = lambda: None) -> None:
        self.got: list[Outcome] = []
        self.at = at
        self.then = then

    async def rewind(self, position: Position | None) -> None: ...

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        self.got += outcomes
        if len(self.got) >= self.at:
            self.then()
        return {}


@pytest.mark.parametrize("way", ["end", "stop", "abort", "sink fails"])
async def test_the_memory_that_crawls_share_is_whole_after_each(way: str) -> None:
    async with open_web(many_pages(30, 4000)) as served, crawler.open_shared(**QUICK) as shared:
        sink = Counting(at=5)
        async with crawler.open_crawl(shared=shared, sinks=[sink], **QUICK) as crawl:

            def fail() -> None:
                raise OSError("disk full")

            sink.then = {"end": lambda: None, "stop": crawl.stop, "abort": crawl.abort, "sink fails": fail}[way]
            try:
                await crawl.run(served.seeds)
            except OSError:
                assert way == "sink fails"
        assert sink.got
        assert shared.budget.used == 0


# -- fetchers of others ------------------------------------------------------------------------------------------------


class Around:
    """A Fetcher around ours, as somebody may write it who thinks of no budget."""

    def __init__(self, inner: Fetcher) -> None:
        self.inner = inner
        self.kept: list[Response] = []
        self.tasks: set[asyncio.Task[None]] = set()


class Keeping(Around):
    """Keeps the responses that it returns."""

    async def fetch(self, request: Request) -> Response:
        response = await self.inner.fetch(request)
        self.kept.append(response)
        return response


class Copying(Around):
    """Keeps the responses, and returns others with their content."""

    async def fetch(self, request: Request) -> Response:
        response = await self.inner.fetch(request)
        self.kept.append(response)
        return Response(response.url, response.status, response.headers, response.body)


class Replacing(Around):
    async def fetch(self, request: Request) -> Response:
        return replace(await self.inner.fetch(request), ip="")


class Asking(Around):
    """Fetches each page twice, and keeps the first answer."""

    async def fetch(self, request: Request) -> Response:
        self.kept.append(await self.inner.fetch(request))
        return await self.inner.fetch(request)


class Dropping(Around):
    """Answers with an error once it has the response."""

    async def fetch(self, request: Request) -> Response:
        self.kept.append(await self.inner.fetch(request))
        raise FetchError(Reason.BAD_RESPONSE, "nothing of use")


class Ahead(Around):
    """Fetches each page by a task that outlives the call, and keeps what it got."""

    async def fetch(self, request: Request) -> Response:
        got: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._get(request, got))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return await got

    async def _get(self, request: Request, got: asyncio.Future[Response]) -> None:
        try:
            got.set_result(replace(await self.inner.fetch(request), ip=""))
            (await self.inner.fetch(request)).release()
        except FetchError as error:
            if not got.done():
                got.set_exception(error)


@asynccontextmanager
async def small(budget: Budget) -> AsyncIterator[HttpFetcher]:
    config = FetchConfig(allow_networks=("127.0.0.0/8",), max_body_bytes=60_000)
    async with open_fetcher(config, "storybot/1.0", contact="", per_ip=16, sites=NO_RULES, budget=budget) as fetcher:
        yield fetcher


@pytest.mark.parametrize("kind", [Keeping, Copying, Replacing, Asking, Dropping, Ahead])
async def test_a_fetcher_of_somebody_else_never_makes_a_crawl_stand_still(kind: type[Around]) -> None:
    """The pages together need ten times the memory that there is."""
    budget, pages = Budget(200_000, 70_000), 30
    async with open_web(many_pages(pages)) as served, small(budget) as inner:
        fetcher, sink = kind(inner), Counting()
        with anyio.fail_after(60):
            await crawler.crawl(served.seeds, fetcher=cast(Fetcher, fetcher), sinks=[sink], **QUICK)
            while fetcher.tasks:
                await asyncio.wait(fetcher.tasks)
        sizes = [len(outcome.response.body) for outcome in sink.got if outcome.response and outcome.page]
        assert kind is Dropping or sum(sizes) > 5 * budget.limit
        assert (len(sink.got), budget.used) == (1 if kind is Dropping else pages + 1, 0)


async def test_settings_reach_our_fetcher_within_one_of_somebody_else() -> None:
    class Limited(Around):
        most = 0

        async def fetch(self, request: Request) -> Response:
            return await self.inner.fetch(request)

        def limit_per_address(self, most: int) -> None:
            self.most = most

    async with small(Budget(200_000, 70_000)) as inner:
        fetcher = Limited(inner)
        async with crawler.open_crawl(fetcher=fetcher, **QUICK) as crawl:
            await crawl.change(per_ip=7)
        assert fetcher.most == 7
        async with crawler.open_crawl(fetcher=inner, **QUICK) as crawl:
            await crawl.change(per_ip=5)
        assert inner.gates.per_address == 5
