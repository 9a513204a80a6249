"""The frontier that ends with its process. All other frontiers must behave like it."""

from __future__ import annotations

import math
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .. import urls
from .claims import Claims
from .depths import Depths
from .embedded import EmbeddedFrontier
from .fingerprints import Fingerprints
from .memory_store import MemoryStore
from .site_table import SiteTable
from .state import State
from .terms import Clock, Terms

MemoryFrontier = EmbeddedFrontier


@asynccontextmanager
async def open_memory(
    terms: Terms, key: bytes | None = None, *, clock: Clock | None = None
) -> AsyncIterator[MemoryFrontier]:
    """Opens an empty frontier; `key` is for callers that must know fingerprints beforehand."""
    key = key or secrets.token_bytes(16)

    def site_id(site: str) -> int:
        return urls.fingerprint(site, key)

    bench = SiteTable(terms, site_id, sites=math.inf, entries=math.inf)
    seen = Fingerprints(with_values=terms.keeps_ways)
    state = State(Claims(key), seen=seen, depths=Depths(terms.in_depth_order) if terms.keeps_ways else None)
    frontier = MemoryFrontier(key, terms, MemoryStore(), state, bench, clock or Clock())
    try:
        yield frontier
    finally:
        frontier.close()
