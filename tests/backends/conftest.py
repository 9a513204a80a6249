"""A clock to turn by hand, and a crawl in a backend of each kind, opened as often as nodes need it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from crawler.backends.sqlite import cut_file, open_memory_backend, open_sqlite_backend
from crawler.frontier.backend import Backend
from tests.frontier.conftest import HandClock

OpenBackend = Callable[..., AbstractAsyncContextManager[Backend]]
"""Opens one crawl with 16 shards, empty the first time, the same one each time: as another process would."""
Factory = Callable[[Path, HandClock], AbstractAsyncContextManager[OpenBackend]]
"""Makes room for one crawl, and gives what opens it."""
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


BACKENDS: dict[str, Factory] = {"memory": memory, "sqlite": sqlite}
"""All backends; each passes the whole of `test_contract.py`."""


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=BACKENDS)
async def open_backend(request: pytest.FixtureRequest, clock: HandClock, tmp_path: Path) -> AsyncIterator[OpenBackend]:
    async with BACKENDS[request.param](tmp_path, clock) as opened:
        yield opened
