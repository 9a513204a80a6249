"""What a crawl left out and may bring after all: under wider settings, or because somebody asks for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass

from .folder import Folder
from .frontier import Ended, Left, MemoryFrontier, Waiting
from .model import Reason
from .settings import Config
from .wider import bounds, widened

log = logging.getLogger(__name__)

BOUNDS = "bounds"
"""The note that says by which settings the pages of the frontier were judged."""


@dataclass(frozen=True, slots=True)
class Reconsidered:
    """What was queued again."""

    pages: int = 0
    """Pages that are read again, to find the links that were left out."""
    again: int = 0
    """URLs that failed or were excluded, and are visited once more."""
    unparked: int = 0

    def __bool__(self) -> bool:
        return bool(self.pages or self.again or self.unparked)


class SecondLooks:
    """Of one crawl. One look at a time."""

    def __init__(self, frontier: MemoryFrontier, folder: Folder | None) -> None:
        self._frontier = frontier
        self._before = _before(folder)
        """Settings of the last run, for a frontier of a version that did not note them."""
        self._looking = asyncio.Lock()
        """Between reading the bounds of before and noting those of now."""

    async def look(
        self, config: Config, *, retry: Collection[Reason] = (), unpark: Collection[str] = (), unpark_all: bool = False
    ) -> Reconsidered:
        """Queue again what `config` lets in and the settings of before did not, and what is asked for."""
        async with self._looking:
            return await self._look(config, retry, unpark, unpark_all)

    async def _look(
        self, config: Config, retry: Collection[Reason], unpark: Collection[str], unpark_all: bool
    ) -> Reconsidered:
        frontier, now = self._frontier, bounds(config)
        before = frontier.notes.get(BOUNDS)
        wider = widened(before if isinstance(before, dict) else {**now, **self._before}, now)
        pages = await frontier.take_back(Left(int(wider.left_out))) if wider.left_out else 0
        reasons = wider.reasons | set(retry)
        again = await frontier.take_back(Ended(tuple(sorted(reasons)))) if reasons else 0
        unparked = 0
        if unpark_all:
            names = [name for reason in (Reason.TRAP, Reason.BLOCKED) for name in frontier.parked(reason)]
            unparked = await frontier.unpark(tuple(names))  # by name they are trusted, and not parked again
        elif config.scope.traps != "park" and (patterns := frontier.parked(Reason.TRAP)):
            unparked = await frontier.take_back(Waiting(tuple(patterns)))
        if unpark:
            unparked += await frontier.unpark(tuple(unpark))
        if before != now:
            await frontier.note(BOUNDS, now)
        found = Reconsidered(pages, again, unparked)
        if found:
            log.info("queued again: %d pages to be read for their links, %d URLs, %d parked ones", *_figures(found))
        return found


def _figures(found: Reconsidered) -> tuple[int, int, int]:
    return found.pages, found.again, found.unparked


def _before(folder: Folder | None) -> dict[str, object]:
    if folder is None:
        return {}
    return {change.key.rpartition(".")[2]: change.old for change in folder.changes if change.key.startswith("scope.")}
