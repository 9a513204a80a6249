"""The store of a frontier that ends with its process: it keeps only what claims, revisits and second looks need."""

from __future__ import annotations

import asyncio
import heapq
from asyncio import Future
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import FrontierError
from ..model import Disposition, Request, Url
from ..policy.redirects import Hop
from ..standing import Ended, Left, Pick, Rows, Visited, Waiting
from .change import QUEUED, Change, Schedule, ShorterWay, Visit
from .extras import Extra
from .fingerprints import U64, find_rows
from .order import Entry, Packed, pack, unpack
from .store import Due, Load, Picked, Shelf

T = TypeVar("T")

ROW = 2
"""Columns of a link out of reach: a place and a row."""


class _Story(NamedTuple):
    """A page that was visited."""

    entry: Entry
    visit: Visit

    @property
    def is_safe(self) -> bool:
        return self.entry.request.is_safe


class MemoryStore:
    """A `Store` in memory."""

    def __init__(self) -> None:
        self._bug: Exception | None = None
        self._stories: dict[int, _Story] = {}
        self._parked: dict[int, tuple[Packed, str]] = {}
        self._rereads: set[int] = set()
        self._revisited: set[int] = set()
        """Rows that are queued, or out, for a revisit."""
        self._extras: dict[int, Extra] = {}
        self._prints: list[tuple[int, U64]] = []
        """First rows, and the fingerprints of the URLs from there on."""
        self._outside: list[U64] = []
        self._seeds: set[int] = set()
        self._scheduled: dict[int, Schedule] = {}
        self._dues: list[tuple[float, int]] = []
        """Heap of due times and rows; an entry that differs from the schedule is void."""
        self._by_fingerprint: dict[int, Schedule] = {}

    def check(self) -> None:
        if self._bug:
            raise self._bug

    @property
    def is_usable(self) -> bool:
        return self._bug is None

    def fail(self, error: Exception) -> None:
        self._bug = self._bug or error

    def write(self, change: Change) -> Future[None]:
        self._apply(change)
        return _done(None)

    def _apply(self, change: Change) -> None:
        entries = {entry.row: entry for entry in (*change.gone, *change.stays)}
        for entry in change.requeued:  # first, for a page that was tried again may be parked, or on schedule, again
            self._parked.pop(entry.row, None)
        self._learn(change, entries)
        for entry in change.requeued:
            if entry.row not in self._rereads and self._scheduled.pop(entry.row, None) is not None:
                self._revisited.add(entry.row)
        self._keep_stories(change, entries)
        for schedule in change.schedules:
            if schedule.due is not None and schedule.fingerprint is not None:
                self._scheduled[schedule.entry.row] = schedule
                self._by_fingerprint[schedule.fingerprint] = schedule
                heapq.heappush(self._dues, (schedule.due, schedule.entry.row))
        for fingerprint, modified in change.hints:
            self._hint(fingerprint, modified)

    def _keep_stories(self, change: Change, entries: Mapping[int, Entry]) -> None:
        for row in change.again:
            if story := self._stories.get(row):
                story.visit.void()
        for visit in change.visits:
            self._revisited.discard(visit.row)
            if visit.left_out is None and (story := self._stories.get(visit.row)):
                visit.leave_out(story.visit.left_out or 0)
            self._stories[visit.row] = _Story(entries[visit.row], visit)
        for row, left_out in change.reread:
            if row not in change.rereads:  # else it is read again once more
                self._rereads.discard(row)
            if left_out is not None and (story := self._stories.get(row)):
                story.visit.leave_out(left_out)

    def _learn(self, change: Change, entries: Mapping[int, Entry]) -> None:
        """Learns about URLs that are not queued, and what the queue does not hold of those that are."""
        self._extras.update((extra.row, extra) for extra in change.extras)
        self._rereads.update(change.rereads)
        if change.families:
            self._prints.append((change.families[0].first, np.frombuffer(change.fingerprints, "<u8")))
        for family in change.families:
            if not (family.via or family.seed or family.root or family.like.depth or family.like.way):
                self._seeds.update(range(family.first, family.first + len(family)))
        self._seeds.update(way.row for way in change.nearer if not (way.via or way.seed or way.root))
        for way in change.nearer:
            self._approach(way)
        texts = {row: packed for family in change.families if family.pattern
                 for row, packed in enumerate(family.packed(len(family)), family.first)}  # fmt: skip
        for parked in change.parked:
            packed = texts.get(parked.row) or pack(entries[parked.row])
            self._parked[parked.row] = packed, parked.pattern
        if change.outside:
            self._outside.append(np.frombuffer(change.outside, "<u8").reshape(-1, ROW))

    def _approach(self, way: ShorterWay) -> None:
        if story := self._stories.get(way.row):
            self._stories[way.row] = story._replace(entry=way.shorten(story.entry))
        if schedule := self._scheduled.get(way.row):
            schedule.renew(way.shorten(schedule.entry))
        if parked := self._parked.get(way.row):
            self._parked[way.row] = pack(way.shorten(unpack(parked[0]))), parked[1]

    def load(self, site_id: int, behind: int, limit: int) -> Future[Load]:
        raise FrontierError("a frontier in memory has nothing on disk")

    def unshelve(self, limit: int, room: int) -> Future[Shelf]:
        raise FrontierError("a frontier in memory has nothing on disk")

    async def due(self, until: float, limit: int) -> Due:
        entries: list[Entry] = []
        waiting = [due for due in self._dues if due[1] in self._rereads]  # pages that are reread are due after that
        while (schedule := self._first_due()) and len(entries) < limit and self._dues[0][0] <= until:
            if schedule.entry.row not in self._rereads:
                entries.append(schedule.entry)
            heapq.heappop(self._dues)
        for due in waiting:
            heapq.heappush(self._dues, due)
        self._first_due()
        return Due(entries, self._dues[0][0] if self._dues else None)

    async def extras(self, rows: Sequence[int]) -> Mapping[int, Extra]:
        return {row: self._extras[row] for row in rows if row in self._extras}

    async def first(self, row: int) -> tuple[Url, bytes | None]:
        story = self._stories[row]
        return story.entry.request.url, story.visit.digest

    async def came_by(self, row: int, request: Request) -> list[Hop]:
        known = {one.entry.request.url: row for row, one in self._stories.items() if one.entry.request.is_plain}
        hops: list[Hop] = []
        while request.redirects and request.via and len(hops) < len(known):
            number = known.get(request.via)
            if number is None or self._stories[number].visit.disposition != Disposition.REDIRECTED:
                break
            hops.append(Hop(number, request.via))
            request = self._stories[number].entry.request
        return hops

    # -- second looks ------------------------------------------------------------------------------------------------

    def pick(self, pick: Pick, after: int, limit: int) -> Future[list[Picked]]:
        rows = sorted(row for row in self._candidates(pick) if row > after)
        return _done([one for row in rows[:limit] if (one := self._picked(row, pick))])

    async def rows_of(self, fingerprints: U64) -> NDArray[np.int64]:
        found = [np.flatnonzero(np.isin(known, fingerprints)) + first for first, known in self._prints]
        return np.concatenate([np.zeros(0, np.int64), *found])

    async def row_of_each(self, fingerprints: U64) -> NDArray[np.int64]:
        return find_rows(fingerprints, self._prints)

    async def no_seeds(self, rows: Sequence[int]) -> list[int]:
        return [row for row in rows if row not in self._seeds]

    async def linking_to(self, places: U64, after: int) -> tuple[list[int], int]:
        found = (part[np.isin(part[:, 0], places), 1] for part in self._outside[after:])
        return sorted({int(row) for rows in found for row in rows}), len(self._outside)

    async def visited(self, after: int, limit: int) -> list[Visited]:
        rows = heapq.nsmallest(limit, (row for row, (_, visit) in self._stories.items()
                                       if row > after and visit.disposition != QUEUED))  # fmt: skip
        found = [(row, *self._stories[row]) for row in rows]
        return [Visited(row, entry.request.url.site, said.disposition, said.reason) for row, entry, said in found]

    async def left_out(self) -> Mapping[int, int]:
        return Counter(story.visit.left_out or 0 for story in self._stories.values())

    def _candidates(self, pick: Pick) -> Iterator[int]:
        match pick:
            case Ended(reasons):
                yield from (row for row, story in self._stories.items() if _has_ended(story.visit, reasons))
            case Left(bits):
                yield from (
                    row for row, one in self._stories.items() if (one.visit.left_out or 0) & bits and one.is_safe
                )
            case Waiting(patterns):
                yield from (row for row, (_, name) in self._parked.items() if not patterns or name in patterns)
            case Rows(rows):
                yield from rows

    def _picked(self, row: int, pick: Pick) -> Picked | None:
        if parked := self._parked.get(row):
            return Picked(unpack(parked[0]), parked[1])
        story = self._stories.get(row)
        if story is None or row in self._rereads or row in self._revisited or story.visit.disposition == QUEUED:
            return None
        entry, visit = story
        schedule = self._scheduled.get(row)
        if isinstance(pick, Left) or (isinstance(pick, Rows) and pick.is_reread):
            if not story.is_safe:
                return None
            again = replace(entry.request, attempt=1, is_reread=True, etag="", last_modified="", digest=b"")
            return Picked(entry._replace(key=entry.place, request=again))
        if isinstance(pick, Rows) and pick.reasons is not None and not _has_ended(visit, pick.reasons):
            return None
        again = schedule.entry.request if schedule else replace(entry.request, attempt=1, visit=entry.request.visit + 1)
        return Picked(entry._replace(key=entry.place, request=again), "", visit.disposition, schedule is not None)

    def _first_due(self) -> Schedule | None:
        while self._dues:
            due, row = self._dues[0]
            schedule = self._scheduled.get(row)
            if schedule and schedule.due == due:
                return schedule
            heapq.heappop(self._dues)
        return None

    def _hint(self, fingerprint: int, modified: int) -> None:
        schedule = self._by_fingerprint.get(fingerprint)
        if schedule is None or schedule.due is None or self._scheduled.get(schedule.entry.row) is not schedule:
            return
        visited = schedule.due - schedule.entry.request.interval_s
        if visited < modified < schedule.due:
            schedule.put_off(visited)
            heapq.heappush(self._dues, (visited, schedule.entry.row))


def _done(answer: T) -> Future[T]:
    """Returns a future that has its answer."""
    done: Future[T] = asyncio.get_running_loop().create_future()
    done.set_result(answer)
    return done


def _has_ended(visit: Visit, reasons: Iterable[str]) -> bool:
    return visit.disposition in {"failed", "excluded"} and visit.reason in set(reasons)
