"""What the crawls of one process have in common: workers, memory for bodies, names, addresses, turns and places."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ..engine.slots import Places
from ..errors import ConfigError
from ..fetch import Budget, Network, open_network
from ..frontier.turns import Turns
from ..offload import Inline, Pool, open_offloader
from ..settings import Config
from ..settings.loading import amend
from . import parts


@dataclass(frozen=True, slots=True)
class Shared:
    """Handed to `open_crawl(shared=...)`. `open_shared` makes it; all of it is for the loop it was made in."""

    config: Config
    offloader: Pool | Inline
    budget: Budget
    network: Network
    turns: Turns
    """Sites are lent to one crawl after another, as if it were one."""
    places: Places
    """Visits under way at a time, over all crawls."""

    def check(self, config: Config, weight: float) -> None:
        """Whether a crawl of these settings can be part of it. Raises ConfigError."""
        if not 0 < weight < math.inf:
            raise ConfigError(f"weight: {weight:g} should be a number above 0")
        largest = self.config.fetch.max_body_bytes
        if config.fetch.max_body_bytes > largest:
            raise ConfigError(f"fetch.max_body_bytes: {largest:_} at most, for bodies share one budget")


@asynccontextmanager
async def open_shared(config: Config | None = None, **settings: object) -> AsyncIterator[Shared]:
    """What crawls share that are opened and closed within the block.

    Of the settings these count: `offload` (the workers), `fetch.budget_bytes` with `fetch.max_body_bytes` (the largest
    that a crawl may allow), `fetch.concurrency` (visits under way over all crawls). Raises ConfigError.
    """
    config = amend(config or Config(), settings)
    async with (
        open_offloader(parts.workers(config)) as offloader,
        open_network(config.politeness.per_ip) as network,
    ):
        places = Places(config.fetch.concurrency)
        yield Shared(config, offloader, parts.budget(config), network, Turns(), places)
