"""Opens the parts that crawls of one process share: workers, memory for bodies, DNS, addresses, turns, places."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import field, replace
from typing import Unpack

from .. import urls
from ..dataclass import dataclass
from ..engine.slots import Places
from ..errors import ClosedError, ConfigError
from ..event_loop import require_asyncio
from ..fetch import Budget, Network, open_network
from ..frontier.turns import Turns
from ..metrics.meters import Meters
from ..metrics.rendering import RenderTotals
from ..metrics.totals import Totals
from ..offload import refuse_in_worker
from ..protocols import Offloader
from ..robots.memory import SharedRobots
from ..runtime.presence import Presence
from ..runtime.threads import run_in_thread
from ..settings import Config, Settings
from ..settings.loading import amend
from ..telemetry import Telemetry, open_telemetry
from . import parts
from .kinds import EXECUTORS
from .vitals import Vitals


@dataclass(frozen=True, slots=True)
class Shared:
    """The parts that crawls share, for `open_crawl(shared=...)`. `open_shared` makes them for one event loop."""

    config: Config
    """The settings of the shared parts."""
    offloader: Offloader
    """The workers that parse the pages of all crawls."""
    budget: Budget
    """The memory for the bodies of all crawls."""
    network: Network
    """Names and addresses, looked up for all crawls."""
    turns: Turns
    """Lends each site to one crawl after another, with the rests that a single crawl would keep."""
    places: Places
    """Limits the visits at a time over all crawls."""
    presence: Presence
    """Tells when this process was away."""
    vitals: Vitals
    """The figures of the process itself."""
    totals: Totals = field(default_factory=Totals)
    """The figures of all runs, those that have ended and those under way."""
    rendering: RenderTotals = field(default_factory=RenderTotals)
    """The figures of all browsers."""
    meters: Meters = field(default_factory=Meters)
    """Reads all figures of the process."""
    telemetry: Telemetry | None = None
    """Tells of crawls by OpenTelemetry. None: nobody asked for it."""
    robots: SharedRobots | None = None
    """Keeps the robots.txt of sites for all crawls that are opened with it. None: each crawl asks by itself."""
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the block of `open_shared` has ended."""

    def check(self, config: Config, weight: float) -> None:
        """Raises ConfigError if a crawl with these settings cannot use the shared parts, ClosedError if none can."""
        if self.closed.is_set():
            raise ClosedError("the shared parts are", "open_shared")
        if not 0 < weight < math.inf:
            raise ConfigError(f"weight: {weight:g} should be a number above 0")
        largest = self.config.fetch.max_body_bytes
        if config.fetch.max_body_bytes > largest:
            raise ConfigError(f"fetch.max_body_bytes: {largest:_} at most, because crawls share one budget for bodies")


@asynccontextmanager
async def open_shared(config: Config | None = None, **settings: Unpack[Settings]) -> AsyncIterator[Shared]:
    """Opens the parts that the crawls of one process share. The crawls must be opened and closed within the block.

    These settings are used: `offload` (the workers), `fetch.budget_bytes` with `fetch.max_body_bytes` (the largest
    that a crawl may allow), `fetch.concurrency` (visits at a time over all crawls), `politeness.per_ip`,
    `fetch.bytes_per_s` (all crawls together), `fetch.connect_timeout_s` (the longest look-up of a name). Raises
    ConfigError.
    """
    require_asyncio()
    refuse_in_worker()
    config, presence = amend(config or Config(), settings), Presence()
    await run_in_thread(urls.load_suffixes)
    async with (
        EXECUTORS[config.offload.executor](parts.workers(config)) as offloader,
        open_network(
            config.politeness.per_ip, config.fetch.connect_timeout_s, presence, config.fetch.bytes_per_s
        ) as network,
    ):
        places = Places(config.fetch.concurrency)
        budget = parts.budget(config)
        vitals = Vitals(offloader, budget)
        shared = Shared(config, offloader, budget, network, Turns(), places, presence, vitals)
        meters = shared.meters
        with (
            meters.offer("runs", shared.totals.read),
            meters.offer("process", vitals.read),
            meters.offer("rendering", shared.rendering.read),
        ):
            try:
                async with open_telemetry(config.telemetry, meters) as telemetry:
                    with vitals.lateness.watch() if telemetry else nullcontext():
                        yield replace(shared, telemetry=telemetry)
            finally:
                shared.closed.set()
