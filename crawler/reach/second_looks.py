"""Queues again pages and URLs that a crawl left out: under wider settings, or on request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from ..dataclass import dataclass
from ..folder.folder import Folder
from ..model import Disposition, LeftOut, Reason
from ..policy.scope import Scope
from ..policy.wider import FAILURES, NEW_BOUNDS, Wider, bounds, find_widened
from ..protocols import Frontier
from ..settings import Config
from ..standing import Ended, Left, Rows, Waiting
from . import recorded

log = logging.getLogger(__name__)

BOUNDS = "bounds"
"""The note with the settings by which the pages of the frontier were judged."""
READING = "reading"
"""The note with the settings by which the links of all pages were read; false: not all by the same settings."""
AT_ONCE = 10_000
"""Visits that are read from the frontier at once."""


_READ = {Disposition.FETCHED, Disposition.DUPLICATE, Disposition.UNCHANGED, Disposition.REDIRECTED}


@dataclass(frozen=True, slots=True)
class Reconsidered:
    """How many pages and URLs were queued again, by kind."""

    pages: int = 0
    """Pages that are read again to find links that were left out."""
    from_records: int = 0
    """Pages whose links were taken from their records, without a fetch."""
    robots: int = 0
    """Sites of which one page is read again, so that their robots.txt is asked for sitemaps."""
    again: int = 0
    """URLs that failed or were excluded and are visited once more."""
    unparked: int = 0
    """URLs that were parked and are visited after all."""

    def __bool__(self) -> bool:
        return bool(self.pages or self.from_records or self.robots or self.again or self.unparked)


class SecondLooks:
    """Makes the second looks of one crawl, one at a time."""

    def __init__(self, frontier: Frontier, folder: Folder | None, scope: Callable[[Config], Awaitable[Scope]]) -> None:
        """`scope` returns the scope of the crawl with all its roots under given settings."""
        self._frontier = frontier
        self._folder = folder
        self._scope = scope
        self._earlier_settings = _earlier_settings(folder)
        """Settings of the last run, used if an older version made the frontier and did not note them."""
        self._looking = asyncio.Lock()
        """Held from reading the earlier bounds until the current ones are noted."""

    async def look(
        self, config: Config, *, retry: Collection[Reason] = (), unpark: Collection[str] = (), unpark_all: bool = False
    ) -> Reconsidered:
        """Queues again all that `config` lets in and the earlier settings did not, and all that is asked for."""
        async with self._looking:
            return await self._look(config, retry, unpark, unpark_all)

    async def _look(
        self, config: Config, retry: Collection[Reason], unpark: Collection[str], unpark_all: bool
    ) -> Reconsidered:
        frontier, now = self._frontier, bounds(config)
        before = (await frontier.notes()).get(BOUNDS)
        earlier = before if isinstance(before, dict) else {}
        wider = find_widened({**now, **NEW_BOUNDS, **self._earlier_settings, **earlier}, now)
        if wider.left_out & LeftOut.REQUISITES and "requisites" not in earlier:
            wider = wider.merge(Wider(LeftOut.KINDS))  # by which older versions marked every HTML page
        is_known = await self._note_reading(config, is_first=before is None)
        done = recorded.Rows()
        from_records = await self._judge_records(config, wider.left_out, done) if wider.left_out and is_known else 0
        pages = await frontier.take_back(Left(int(wider.left_out)), done) if wider.left_out else 0
        robots = await self._ask_sites() if wider.robots else 0
        reasons = wider.reasons | set(retry)
        again = await frontier.take_back(Ended(tuple(sorted(reasons)))) if reasons else 0
        unparked = 0
        if unpark_all:
            unparked = await frontier.unpark()
        elif config.scope.traps != "park" and (patterns := await frontier.parked(Reason.TRAP)):
            unparked = await frontier.take_back(Waiting(tuple(patterns)))
        if unpark:
            unparked += await frontier.unpark(tuple(unpark))
        if before != now:
            await frontier.note(BOUNDS, now)
        found = Reconsidered(pages, from_records, robots, again, unparked)
        if found:
            log.info("queued again: %s", found)
        return found

    async def _note_reading(self, config: Config, *, is_first: bool) -> bool:
        """Notes the settings for links; returns whether the links of all pages were read by the current ones."""
        frontier, now = self._frontier, _link_settings(config)
        before = (await frontier.notes()).get(READING)
        is_first = is_first and not frontier.counts().settled
        is_known = is_first or before == now
        if before != (now if is_known else False):
            await frontier.note(READING, now if is_known else False)
        return is_known

    async def _judge_records(self, config: Config, left_out: LeftOut, done: recorded.Rows) -> int:
        """Takes links that were left out from the records; returns of how many pages, and adds their rows to `done`."""
        frontier, folder, durable = self._frontier, self._folder, self._frontier.durable
        if left_out & ~(recorded.JUDGING | LeftOut.BEYOND) or folder is None or durable is None:
            return 0
        if config.scope.extra_hops:  # the record does not say which links are followed so
            return 0
        linked = [output for output, sink in zip(folder.outputs, folder.config.sinks, strict=True) if sink.links]
        name, reader = next(((output.name, output.reader) for output in linked if output.reader), ("", None))
        if reader is None or frontier.counts().leased:  # visits under way are judged by the earlier rules
            return 0
        end = reader.end((await frontier.positions()).get(name, {}))
        if not end:
            return 0
        return await recorded.judge(durable, frontier.key, reader, end, await self._scope(config), left_out, done)

    async def _ask_sites(self) -> int:
        """Queues one page of each site to be read again, so that its robots.txt is asked; returns how many.

        That is the first page that was read, redirected or excluded by robots.txt. If all of a site failed, its first
        page is visited once more, since the site may be up again.
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


def _link_settings(config: Config) -> dict[str, object]:
    """Returns the settings that decide which links a page has, as JSON values."""
    scope, spelling = config.scope, config.urls
    return {
        "follow": sorted(scope.follow),
        "nofollow": scope.nofollow,
        "max_links": scope.max_links,
        "strip_params": list(spelling.strip_params),
        "strip_session_ids": spelling.strip_session_ids,
        "sort_params": spelling.sort_params,
    }


def _earlier_settings(folder: Folder | None) -> dict[str, object]:
    if folder is None:
        return {}
    return {change.key.rpartition(".")[2]: change.old for change in folder.changes if change.key.startswith("scope.")}
