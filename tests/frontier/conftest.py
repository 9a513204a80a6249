"""A clock to turn by hand, outcomes in one line, and a frontier of each kind behind the same door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from crawler import urls
from crawler.frontier import Clock, SqliteFrontier, open_memory
from crawler.frontier.sqlite.store import MOST_ENTRIES
from crawler.model import Disposition, Lease, Links, Outcome, Page, Reason, Request, Response, Url
from crawler.protocols import Frontier
from tests.backends.one_shard import open_on_server
from tests.defaults import make_terms, open_sqlite
from tests.postgres import Server

Open = Callable[..., AbstractAsyncContextManager[Frontier]]
POSTGRES = ("postgres", "postgres-small")
"""Frontiers over the only shard of a crawl on a server."""


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


@pytest.fixture(
    params=["memory", "sqlite", "sqlite-small", *(pytest.param(name, marks=pytest.mark.slow) for name in POSTGRES)]
)
def open_frontier(request: pytest.FixtureRequest, clock: HandClock, tmp_path: Path) -> Open:
    """Opens a frontier with the given terms; the small one keeps next to nothing in memory."""

    entries = 4 if request.param.endswith("small") else MOST_ENTRIES
    if request.param in POSTGRES:
        server: Server = request.getfixturevalue("postgres_server")
        return lambda **terms: open_on_server(server, str(tmp_path), make_terms(**terms), clock.both, entries)

    def opened(**terms: Any) -> AbstractAsyncContextManager[Frontier]:
        if request.param == "memory":
            return open_memory(make_terms(**terms), clock=clock.both)
        return open_sqlite(tmp_path / "frontier.sqlite", make_terms(**terms), clock=clock.both, most_entries=entries)

    return opened


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
