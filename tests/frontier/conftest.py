"""A clock to turn by hand, outcomes in one line, and a frontier of each kind behind the same door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from crawler import urls
from crawler.backends.postgres import PostgresEngine
from crawler.backends.redis import RedisEngine
from crawler.backends.sqlite import cut_file, open_memory_backend, open_sqlite_backend
from crawler.frontier import Clock, SqliteFrontier, open_memory
from crawler.frontier.backend import Backend
from crawler.frontier.sharded import open_sharded
from crawler.frontier.sqlite.store import MOST_ENTRIES
from crawler.model import Disposition, Lease, Links, Outcome, Page, Reason, Request, Response, Url
from crawler.protocols import Frontier
from tests.defaults import make_terms, open_sqlite
from tests.postgres import Server
from tests.redis_server import RedisServer

SHARDS = 16
KEY = bytes(range(16))
"""A site has the same shard each time, so that a story can be told again."""
Open = Callable[..., AbstractAsyncContextManager[Frontier]]


class HandClock:
    """Moves only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.both = Clock(lambda: self.now, lambda: self.now + 1.7e9)

    def move(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


class Cut:
    """A frontier of 16 shards, all held by one node: in memory, or in a file that is cut the first time."""

    def __init__(self, path: Path | None, clock: Clock, stack: AsyncExitStack) -> None:
        self.path = path
        self.clock = clock
        self.stack = stack
        self.kept: Backend | None = None
        """The backend in memory, which outlasts the frontiers over it."""

    @asynccontextmanager
    async def open(self, most_entries: int = MOST_ENTRIES, **named: Any) -> AsyncIterator[Frontier]:
        terms = make_terms(**named)
        async with (
            self.backend() as backend,
            open_sharded(backend, "one", terms, clock=self.clock, takes_all=True, most_entries=most_entries) as opened,
        ):
            yield opened

    @asynccontextmanager
    async def backend(self) -> AsyncIterator[Backend]:
        if self.path is None:
            if self.kept is None:
                self.kept = await self.stack.enter_async_context(open_memory_backend(SHARDS, key=KEY, clock=self.clock))
            yield self.kept
            return
        if not self.path.exists():
            cut_file(self.path, SHARDS, "process")
        async with open_sqlite_backend(self.path, durability="process", clock=self.clock) as backend:
            yield backend


class OnServer(Cut):
    """A frontier of 16 shards, all held by one node, in an engine on a server."""

    def __init__(self, server: Server, name: str, clock: Clock, stack: AsyncExitStack) -> None:
        super().__init__(None, clock, stack)
        self.server = server
        self.name = name

    @asynccontextmanager
    async def backend(self) -> AsyncIterator[Backend]:
        async with PostgresEngine.open(self.server.url) as engine:
            crawl = await engine.make_crawl(self.name, SHARDS)
            async with engine.open_backend(crawl, ttl_s=15.0) as backend:
                yield backend


KINDS = ("memory", "sqlite", "sqlite-small", "sharded-memory", "sharded-sqlite", "sharded-small")


class OnRedis(Cut):
    """A frontier of 16 shards, all held by one node, in an engine on a Redis server."""

    def __init__(self, server: RedisServer, name: str, clock: Clock, stack: AsyncExitStack) -> None:
        super().__init__(None, clock, stack)
        self.server = server
        self.name = name

    @asynccontextmanager
    async def backend(self) -> AsyncIterator[Backend]:
        async with RedisEngine.open(self.server.url()) as engine:
            crawl = await engine.make_crawl(self.name, SHARDS)
            async with engine.open_backend(crawl, ttl_s=15.0) as backend:
                yield backend


POSTGRES = ("sharded-postgres", "sharded-postgres-small")
REDIS = ("sharded-redis", "sharded-redis-small")


@pytest.fixture(params=[*KINDS, *(pytest.param(kind, marks=pytest.mark.slow) for kind in (*POSTGRES, *REDIS))])
async def open_frontier(request: pytest.FixtureRequest, clock: HandClock, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens a frontier with the given terms; the small ones keep next to nothing in memory."""
    path, entries = tmp_path / "frontier.sqlite", 4 if request.param.endswith("small") else MOST_ENTRIES

    def opened(**terms: Any) -> AbstractAsyncContextManager[Frontier]:
        if cut:
            return cut.open(entries, **terms)
        if request.param == "memory":
            return open_memory(make_terms(**terms), clock=clock.both)
        return open_sqlite(path, make_terms(**terms), clock=clock.both, most_entries=entries)

    async with AsyncExitStack() as stack:
        where = None if request.param == "sharded-memory" else path
        cut = Cut(where, clock.both, stack) if request.param.startswith("sharded") else None
        if request.param in POSTGRES:
            cut = OnServer(request.getfixturevalue("postgres_server"), str(tmp_path), clock.both, stack)
        if request.param in REDIS:
            cut = OnRedis(request.getfixturevalue("redis_server"), str(tmp_path), clock.both, stack)
        yield opened


@pytest.fixture
async def frontier(open_frontier: Open) -> AsyncIterator[Frontier]:
    async with open_frontier() as frontier:
        yield frontier


def opened(path: Path, clock: HandClock, **terms: Any) -> AbstractAsyncContextManager[SqliteFrontier]:
    return open_sqlite(path, make_terms(**terms), clock=clock.both)


def request(text: str, **fields: Any) -> Request:
    return Request(Url(text), **fields)


def pages(site: str, *numbers: int) -> list[Request]:
    return [request(f"http://{site}/{n}") for n in numbers]


def texts(leases: Sequence[Lease]) -> list[str]:
    return [lease.request.url.text for lease in leases]


def links(key: bytes, *found: str) -> Links:
    packed = b"".join(urls.fingerprint(text, key).to_bytes(8, "little") for text in found)
    return Links("\n".join(found), packed)


def page(frontier: Frontier, *found: str, kind: str = "html", digest: bytes = b"") -> Page:
    return Page(digest, kind=kind, news=links(frontier.key, *found))


def fetched(
    lease: Lease, clock: HandClock, *, rest_s: float = 0.0, ip: str = "", page: Page | None = None, **fields: Any
) -> Outcome:
    response = Response(lease.request.url, 200, (), ip=ip)
    return Outcome(lease, Disposition.FETCHED, response=response, page=page, rest_s=rest_s, ended=clock.now, **fields)


def deferred(
    lease: Lease, clock: HandClock, retry_in_s: float, reason: Reason | None = Reason.TIMEOUT, rest_s: float = 0.0
) -> Outcome:
    return Outcome(lease, Disposition.DEFERRED, reason, retry_in_s=retry_in_s, rest_s=rest_s, ended=clock.now)


async def lend(frontier: Frontier, limit: int) -> list[Lease]:
    """All that is due, up to the limit: a frontier on disk may bring it in several calls."""
    leases: list[Lease] = []
    while more := await frontier.lease(limit - len(leases)):
        leases += more
    return leases


async def lend_one(frontier: Frontier) -> Lease:
    [lease] = await frontier.lease(1)
    return lease
