"""A frontier over one shard of a backend: its reader must serve the mind of a frontier as every store does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from crawler.backends.postgres import Link, PostgresBackend, make_crawl, open_backend
from crawler.frontier import Clock, Terms
from crawler.frontier.backend import Commit, Hold, Membership, Wish
from crawler.frontier.change import Change
from crawler.frontier.claims import Claims
from crawler.frontier.embedded import EmbeddedFrontier
from crawler.frontier.site_table import SiteTable
from crawler.frontier_protocols import DurableFrontier
from crawler.protocols import Frontier
from tests.postgres import Server

TTL_S = 15.0


class ShardStore:
    """A `Store` that makes one transaction of each change. What is asked is asked of the reader."""

    def __init__(self, backend: PostgresBackend, member: Membership, hold: Hold) -> None:
        self._backend = backend
        self._member = member
        self._hold = hold
        self._reader: Any = backend.reader(member, hold)
        self._trouble: Exception | None = None
        self.settled: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    @property
    def is_usable(self) -> bool:
        return self._trouble is None

    def check(self) -> None:
        if self._trouble:
            raise self._trouble

    def fail(self, error: Exception) -> None:
        self._trouble = self._trouble or error

    def write(self, change: Change) -> Awaitable[None]:
        grown = {name: n - self.settled.get(name, 0) for name, n in (change.settled or self.settled).items()}
        batch = Commit([(self._hold, change)], positions=change.positions or {}, settled=grown)
        self.settled = dict(change.settled or self.settled)
        return self._backend.submit(self._member, batch)


class KeptFrontier(EmbeddedFrontier):
    """A frontier that outlasts its process."""

    @property
    def durable(self) -> DurableFrontier:
        return self  # type: ignore[return-value]


@asynccontextmanager
async def open_one_shard(
    backend: PostgresBackend, terms: Terms, clock: Clock, most_entries: float
) -> AsyncIterator[EmbeddedFrontier]:
    """Opens shard 0 of a crawl that has no other."""
    member = await backend.join("node")
    [hold] = (await backend.beat(member, Wish(take=[0]))).held
    store = ShardStore(backend, member, hold)
    state = await store.state(terms, clock.wall())
    told = await backend.standing()
    state = replace(state, claims=Claims(member.key), positions=told.positions, notes=told.notes, settled=told.settled)
    store.settled = dict(told.settled)
    bench = SiteTable(terms, member.cut.site_id, sites=20_000, entries=most_entries)
    frontier = KeptFrontier(member.key, terms, store, state, bench, clock)
    try:
        yield frontier
    finally:
        frontier.close()
        await backend.leave(member)


@asynccontextmanager
async def open_on_server(
    server: Server, name: str, terms: Terms, clock: Clock, most_entries: float
) -> AsyncIterator[Frontier]:
    """Opens a frontier over the only shard of a crawl with this name, new if there is none."""
    link = Link(server.url, 0.0)
    crawl = await make_crawl(link, name, 1)
    await link.close()
    async with open_backend(server.url, crawl, ttl_s=TTL_S) as backend:
        async with open_one_shard(backend, terms, clock, most_entries) as frontier:
            yield frontier
