"""Keeps records until they are settled and enough for a file, and has files made of them beside the crawl."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from anyio.abc import TaskGroup

from ...errors import CrawlError
from ...model import Outcome, Position
from ...runtime.clock import monotonic
from ..jsonl.writing import off_loop
from ..record import Wants, record
from ..spool import Place, Spool
from .parts import Parts

ROWS = "rows"
"""The part of a position that counts the records of the last file."""
MOST_WAITING = 2
"""Whole files of records that wait to be made into Parquet at most; then the crawl waits."""


class Limits(NamedTuple):
    """The bounds of one file. A batch of the crawl is never divided."""

    records: int
    bytes: int
    age_s: float


class Parquet:
    """Puts records into the spool; what is whole there and settled becomes a Parquet file of the same number.

    The files hold settled records alone, and are never changed again.
    """

    def __init__(
        self, name: str, spool: Spool, parts: Parts, wants: Wants, limits: Limits, tasks: TaskGroup
    ) -> None:  # fmt: skip
        self.name = name
        self._spool, self._parts = spool, parts
        self._wants = wants
        self._limits = limits
        self._tasks = tasks
        self._rows = 0
        """Records in the last file of the spool."""
        self._begun = 0.0
        self._is_done = False
        """Whether the last file of the spool is a Parquet file already."""
        self._settled_end = Place(1, 0)
        """The place after the last settled record."""
        self._made = 0
        """All up to this number are Parquet files."""
        self._is_making = False
        self._advanced = asyncio.Event()
        self._trouble: CrawlError | None = None

    async def rewind(self, position: Position | None) -> None:
        await off_loop(self._cut, position)
        self.note_settled()

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        while self._settled_end.segment - 1 - self._made > MOST_WAITING and not self._trouble:
            self._advanced.clear()
            await self._advanced.wait()
        if self._trouble:
            raise self._trouble
        await off_loop(self._add, outcomes)
        return {**self._spool.end.position, ROWS: self._rows}

    def note_settled(self) -> None:
        self._settled_end = self._spool.end
        self._begin_making()

    async def close(self) -> None:
        """Makes files of all settled records. Raises SinkError, StorageFull."""
        while self._is_making:
            self._advanced.clear()
            await self._advanced.wait()
        if self._trouble:
            raise self._trouble
        if self._rows and not self._is_done and self._spool.end == self._settled_end:
            await off_loop(self._make, self._spool.end.segment)

    # -- beside the crawl --------------------------------------------------------------------------------------------

    def _begin_making(self) -> None:
        if not self._is_making and self._made < self._settled_end.segment - 1 and not self._trouble:
            self._is_making = True
            self._tasks.start_soon(self._make_whole)

    async def _make_whole(self) -> None:
        """Makes Parquet files of all files of the spool that are whole and settled."""
        try:
            while self._made < self._settled_end.segment - 1:
                await off_loop(self._make, self._made + 1)
                self._made += 1
                self._advanced.set()
        except CrawlError as error:
            self._trouble = error
        finally:
            self._is_making = False
            self._advanced.set()

    # -- in threads --------------------------------------------------------------------------------------------------

    def _make(self, number: int) -> None:
        if not self._parts.is_there(number):
            self._parts.make(number, self._spool.path(number))
        self._spool.remove(number)

    def _add(self, outcomes: Sequence[Outcome]) -> None:
        lines = b"".join(record(outcome, self._wants) for outcome in outcomes)
        begins = self._is_done or self._is_full()
        if begins or not self._rows:
            self._begun, self._rows, self._is_done = monotonic(), 0, False
        self._spool.append(lines, begins_file=begins)
        self._rows += len(outcomes)

    def _is_full(self) -> bool:
        limits = self._limits
        is_old = self._rows > 0 and monotonic() - self._begun >= limits.age_s
        return is_old or self._rows >= limits.records or self._spool.end.bytes >= limits.bytes

    def _cut(self, position: Position | None) -> None:
        """Removes what was not settled. A file that was made whole holds settled records, unless a power cut came."""
        if position is None:
            for segment in self._spool.segments():
                self._spool.remove(segment)
        place = Place.read(position)
        kept = place.segment if position else 0
        self._parts.remove_after(kept)
        self._rows = position[ROWS] if position else 0
        self._is_done = self._parts.is_there(place.segment)
        if self._is_done:
            self._parts.cut(place.segment, self._rows)
            self._spool.remove(place.segment)
        self._spool.cut(place, may_be_gone=self._is_done)
        self._begun = monotonic()
        waiting = (number for number in self._spool.segments() if number < place.segment)
        self._made = min(waiting, default=place.segment) - 1  # they are made in order, and may be moved away then
