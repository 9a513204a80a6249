"""Opens the frontier of one node."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from anyio import CancelScope

from ..backend import Backend
from ..terms import Clock, Terms
from .frontier import ShardedFrontier
from .holding import Part
from .node import Node

MOST_SITES = 20_000
"""Most sites in memory, of all shards."""
MOST_ENTRIES = 200_000
"""Most requests in memory, about 500 bytes each."""


@asynccontextmanager
async def open_sharded(
    backend: Backend,
    name: str,
    terms: Terms,
    *,
    clock: Clock | None = None,
    takes_all: bool = False,
    peers: Sequence[str] = (),
    most_sites: int = MOST_SITES,
    most_entries: int = MOST_ENTRIES,
) -> AsyncIterator[ShardedFrontier]:
    """Joins a crawl as a node; with `takes_all` it holds all shards, and raises FrontierError where another one does.

    `peers` are the names of all nodes, its own among them, where these never change; else they divide the shards anew
    whenever one comes or goes.
    At the end it gives them up, once what it was told to store is stored.
    """
    member = await backend.join(name, terms)
    node = Node(
        backend, member, terms, await backend.standing(), clock or Clock(),
        Part(takes_all, peers, most_sites, most_entries),
    )  # fmt: skip
    try:
        await node.begin()
        yield ShardedFrontier(node)
    finally:
        with CancelScope(shield=True):
            await node.end()
