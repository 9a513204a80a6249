"""A clock to turn by hand, and a crawl in a backend of each kind, opened as often as nodes need it."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from crawler.backends.postgres import PostgresEngine
from crawler.backends.redis import RedisEngine
from crawler.backends.sqlite import cut_file, open_memory_backend, open_sqlite_backend
from crawler.frontier.backend import Backend
from tests.frontier.conftest import HandClock
from tests.postgres import Server
from tests.redis_server import RedisServer

OpenBackend = Callable[..., AbstractAsyncContextManager[Backend]]
"""Opens one crawl with 16 shards, empty the first time, the same one each time: as another process would."""
Factory = Callable[..., AbstractAsyncContextManager[OpenBackend]]
"""Makes room for one crawl in a folder, by a clock, on a server if it has one; gives what opens the crawl."""
SHARDS = 16
TTL_S = 15.0


@asynccontextmanager
async def memory(folder: Path, clock: HandClock) -> AsyncIterator[OpenBackend]:
    async with open_memory_backend(SHARDS, clock=clock.both, ttl_s=TTL_S) as backend:

        @asynccontextmanager
        async def opened() -> AsyncIterator[Backend]:
            yield backend

        yield opened


@asynccontextmanager
async def sqlite(folder: Path, clock: HandClock) -> AsyncIterator[OpenBackend]:
    path = folder / "frontier.sqlite"
    cut_file(path, SHARDS, "process")

    def opened() -> AbstractAsyncContextManager[Backend]:
        return open_sqlite_backend(path, durability="process", clock=clock.both, ttl_s=TTL_S)

    yield opened


class Turned:
    """A backend whose server has the time of a clock that is turned by hand."""

    def __init__(self, backend: Backend, server: Server, clock: HandClock) -> None:
        self._backend = backend
        self._server = server
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def call(*arguments: Any, **named: Any) -> Any:
            now = datetime.fromtimestamp(self._clock.both.wall(), UTC)
            await self._server.ask("UPDATE now SET at = $1 WHERE at <> $1", now)
            return await found(*arguments, **named)

        return call


@asynccontextmanager
async def postgres(folder: Path, clock: HandClock, server: Server) -> AsyncIterator[OpenBackend]:
    async with PostgresEngine.open(server.url) as engine:
        crawl = await engine.make_crawl(str(folder), SHARDS)

        @asynccontextmanager
        async def opened() -> AsyncIterator[Backend]:
            async with engine.open_backend(crawl, ttl_s=TTL_S) as backend:
                yield cast("Backend", Turned(backend, server, clock))

        yield opened


@asynccontextmanager
async def redis(folder: Path, clock: HandClock, server: RedisServer) -> AsyncIterator[OpenBackend]:
    async with RedisEngine.open(server.url()) as engine:
        crawl = await engine.make_crawl(str(folder), SHARDS)

        def opened() -> AbstractAsyncContextManager[Backend]:
            return engine.open_backend(crawl, ttl_s=TTL_S, clock=lambda: f"{clock.both.wall() * 1000:.0f}")

        yield opened


BACKENDS: dict[str, Factory] = {"memory": memory, "sqlite": sqlite, "postgres": postgres, "redis": redis}
"""All backends; each passes the whole of `test_contract.py`."""


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=BACKENDS)
async def open_backend(request: pytest.FixtureRequest, clock: HandClock, tmp_path: Path) -> AsyncIterator[OpenBackend]:
    named = f"{request.param}_server" if request.param in ("postgres", "redis") else ""
    servers = [request.getfixturevalue(named)] if named else []
    async with BACKENDS[request.param](tmp_path, clock, *servers) as opened:
        yield opened
