"""Where a frontier keeps what must not be lost: the door between its memory and a disk."""

from __future__ import annotations

import heapq
from asyncio import Future
from collections.abc import Awaitable, Sequence
from typing import NamedTuple, Protocol

from ..errors import FrontierError
from ..model import Url
from .change import Change, Schedule
from .order import Entry, Packed


class Load(NamedTuple):
    """The next entries of a site, in order, and whether that was all it had."""

    entries: Sequence[Packed]
    was_all: bool


class Shelved(NamedTuple):
    """A site that comes back from the shelf with the front of its queue."""

    site_id: int
    queued: int
    next_at: float
    """Unix seconds."""
    load: Load


class Shelf(NamedTuple):
    """Sites taken from the shelf, earliest turns first, and how many are left there."""

    sites: Sequence[Shelved]
    left: int


class Due(NamedTuple):
    """Pages that are due for another visit, the longest overdue first, and when the first of all others is."""

    entries: Sequence[Entry]
    next_due: float | None
    """Unix seconds."""


class Store(Protocol):
    """Does all it is told in the order it is told: each call is under way when it returns, awaited or not."""

    @property
    def is_usable(self) -> bool:
        """Not closed, and nothing failed before: memory is ahead of the disk then."""
        ...

    def check(self) -> None:
        """Raises FrontierError if it is not usable."""
        ...

    def write(self, change: Change) -> Awaitable[None]:
        """Make it durable, as one transaction. Raises FrontierError, StorageFull."""
        ...

    def load(self, site_id: int, behind: int, limit: int) -> Future[Load]:
        """The next entries of a site whose keys lie behind the one given."""
        ...

    def unshelve(self, limit: int, room: int) -> Future[Shelf]:
        """Take sites from the shelf, with the first `room` of their entries each."""
        ...

    async def due(self, until: float, limit: int) -> Due:
        """Pages whose revisit is due by then. They stay on the schedule until a change queues them."""
        ...

    async def first(self, row: int) -> tuple[Url, bytes | None]:
        """The URL of a row that was fetched once, and the digest its last visit left."""
        ...


class Nowhere:
    """Keeps just what claims and revisits need: for crawls that end with their process."""

    def __init__(self) -> None:
        self._fetched: dict[int, tuple[Url, bytes | None]] = {}
        self._scheduled: dict[int, Schedule] = {}
        self._dues: list[tuple[float, int]] = []
        """Heap of due times and rows; one that is not what the schedule says any more is none."""
        self._by_fingerprint: dict[int, Schedule] = {}

    is_usable = True

    def check(self) -> None:
        """Memory does not fail."""

    async def write(self, change: Change) -> None:
        requests = {entry.row: entry.request for entry in change.gone}
        for visit in change.visits:
            if visit.digest or visit.row in self._fetched:
                self._fetched[visit.row] = requests[visit.row].url, visit.digest
        for entry in change.requeued:  # first: what was tried again may be on schedule again
            self._scheduled.pop(entry.row, None)
        for schedule in change.schedules:
            if schedule.due is not None:
                self._scheduled[schedule.entry.row] = schedule
                self._by_fingerprint[schedule.fingerprint] = schedule
                heapq.heappush(self._dues, (schedule.due, schedule.entry.row))
        for fingerprint, modified in change.hints:
            self._hint(fingerprint, modified)

    def load(self, site_id: int, behind: int, limit: int) -> Future[Load]:
        raise FrontierError("a frontier in memory has nothing elsewhere")

    def unshelve(self, limit: int, room: int) -> Future[Shelf]:
        raise FrontierError("a frontier in memory has nothing elsewhere")

    async def due(self, until: float, limit: int) -> Due:
        entries: list[Entry] = []
        while (schedule := self._first_due()) and len(entries) < limit and self._dues[0][0] <= until:
            entries.append(schedule.entry)
            heapq.heappop(self._dues)
        return Due(entries, self._dues[0][0] if self._dues else None)

    async def first(self, row: int) -> tuple[Url, bytes | None]:
        return self._fetched[row]

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
            schedule.due = visited
            heapq.heappush(self._dues, (visited, schedule.entry.row))
