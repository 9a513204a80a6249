"""Samples of the counts of all crawls of an engine over time, in memory: their rates, and what charts show."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from ...api.engines import Engine
from ...errors import FrontierError
from ...runtime.clock import wall
from ...standing import CrawlStanding

log = logging.getLogger(__name__)

EVERY_S = 2.0
MOST = 1800
"""Samples of one crawl: an hour."""
RATE_S = 10.0
"""A rate is that of the last seconds."""


class Sample(NamedTuple):
    """The counts of a crawl at one time (Unix seconds)."""

    at: float
    pages: int
    queued: int


class Samples:
    """The samples of all crawls that changed while this control plane runs."""

    def __init__(self) -> None:
        self._all: dict[str, deque[Sample]] = {}

    def note(self, crawls: Sequence[CrawlStanding]) -> None:
        """Takes a sample of each crawl that has nodes, or had some at the last look."""
        now = wall()
        for crawl in crawls:
            kept = self._all.setdefault(crawl.name, deque(maxlen=MOST))
            sample = Sample(now, crawl.settled.get("fetched", 0), crawl.queued)
            if not kept or crawl.nodes or kept[-1][1:] != sample[1:]:
                kept.append(sample)
        names = {crawl.name for crawl in crawls}
        self._all = {name: kept for name, kept in self._all.items() if name in names}

    def since(self, name: str, at: float) -> Sequence[Sample]:
        """Returns the samples of a crawl from a time on."""
        return [one for one in self._all.get(name, ()) if one.at >= at]

    def pages_per_s(self, name: str) -> float:
        """Returns the rate of the last seconds; 0: nothing is known of it."""
        late = self.since(name, wall() - RATE_S)
        span_s = late[-1].at - late[0].at if late else 0.0
        return max(0.0, (late[-1].pages - late[0].pages) / span_s) if span_s > 0 else 0.0

    async def run(self, engine: Engine) -> None:
        """Takes samples until it is cancelled."""
        while True:
            try:
                self.note(await engine.standings())
            except FrontierError as error:
                log.debug("no sample: %s", error)
            await asyncio.sleep(EVERY_S)
