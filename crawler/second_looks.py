"""What a crawl left out and may bring after all: under wider settings, or because somebody asks for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass

from .folder import Folder
from .frontier import Ended, Left, MemoryFrontier, Rows, Waiting
from .model import Disposition, Reason
from .settings import Config
from .wider import FAILURES, bounds, widened

log = logging.getLogger(__name__)

BOUNDS = "bounds"
"""The note that says by which settings the pages of the frontier were judged."""
AT_ONCE = 10_000
"""Visits that are looked through at once."""


_READ = {Disposition.FETCHED, Disposition.DUPLICATE, Disposition.UNCHANGED, Disposition.REDIRECTED}


@dataclass(frozen=True, slots=True)
class Reconsidered:
    """What was queued again."""

    pages: int = 0
    """Pages that are read again, to find the links that were left out."""
    robots: int = 0
    """Sites of which a page is read again, so that their robots.txt is asked for sitemaps."""
    again: int = 0
    """URLs that failed or were excluded, and are visited once more."""
    unparked: int = 0

    def __bool__(self) -> bool:
        return bool(self.pages or self.robots or self.again or self.unparked)


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
        wider = widened({**now, **self._before, **(before if isinstance(before, dict) else {})}, now)
        pages = await frontier.take_back(Left(int(wider.left_out))) if wider.left_out else 0
        robots = await self._ask_sites() if wider.robots else 0
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
        found = Reconsidered(pages, robots, again, unparked)
        if found:
            log.info("queued again: %s", found)
        return found

    async def _ask_sites(self) -> int:
        """Read one page of each site again, the first that led anywhere: before it, robots.txt is asked.

        Where all failed the first is visited once more, for it is up again if it can be read now.
        """
        asked, failed, after, found = set[str](), dict[str, int](), 0, 0
        while visited := await self._frontier.visited(after, AT_ONCE):
            after, rows = visited[-1].row, []
            for one in visited:
                if one.disposition == Disposition.FAILED:
                    failed.setdefault(one.site, one.row)
                elif one.site not in asked and (one.disposition in _READ or one.reason == Reason.ROBOTS):
                    asked.add(one.site)
                    rows.append(one.row)
            found += await self._frontier.take_back(Rows(tuple(rows), is_reread=True)) if rows else 0
        left = [row for site, row in failed.items() if site not in asked]
        for i in range(0, len(left), AT_ONCE):
            found += await self._frontier.take_back(Rows(tuple(left[i : i + AT_ONCE]), reasons=FAILURES))
        return found


def _before(folder: Folder | None) -> dict[str, object]:
    if folder is None:
        return {}
    return {change.key.rpartition(".")[2]: change.old for change in folder.changes if change.key.startswith("scope.")}
