"""Queues pages again that are nearer than when they were read, where their links may so belong to the crawl."""

from __future__ import annotations

from collections.abc import Sequence

from ..model import Disposition, LeftOut, Outcome, Reason
from .arrivals import Arrivals, Touched
from .change import HAS_LINKS, Change, ShorterWay, has_failed_again, left_out
from .depths import NOT_VISITED, REFUSED, WITH_LINKS, WITHOUT_LINKS
from .discovery import Discovery
from .order import Entry
from .site_table import SiteTable

BY_WAY = (Reason.OUT_OF_SCOPE, Reason.DEPTH_LIMIT)
"""Reasons of scope that a shorter way may remove. A queued URL meets them where settings became narrower."""


class Rereads:
    """Keeps which URLs were visited. Does nothing where distances are not kept."""

    def __init__(self, discovery: Discovery, bench: SiteTable, arrivals: Arrivals) -> None:
        self._discovery = discovery
        self._bench = bench
        self._arrivals = arrivals
        self._refused: list[int] = []
        """Rows that scope refused on a longer way than the one that is known now."""

    def take_refused(self) -> list[int]:
        """Returns the rows that are to be visited after all, since a shorter way to them was found."""
        rows, self._refused = self._refused, []
        return rows

    @property
    def requisites(self) -> int:
        """How many URLs were fetched as requisites."""
        return self._discovery.depths.requisites if self._discovery.depths else 0

    def take_shorter_ways(self, nearer: Sequence[ShorterWay], change: Change, touched: Touched, now: float) -> None:
        """Takes the shorter ways to known URLs: a page that was read is read again, for its links are nearer too."""
        depths = self._discovery.depths
        if depths is None or not nearer:
            return
        change.nearer += nearer
        entries = []
        for way in nearer:
            if not way.request.requisite:
                depths.count_requisite(way.row, is_one=False)
            if depths.standing(way.row) == WITH_LINKS and way.request.is_safe:
                entries.append(self._reread(way, change))
            elif depths.standing(way.row) == REFUSED:
                self._refused.append(way.row)
            elif depths.standing(way.row) == NOT_VISITED:
                self._bench.shorter_ways.note(way)
        self._arrivals.requeue(entries, change, touched, now)

    def note_visits(
        self, visits: Sequence[tuple[Outcome, Entry]], change: Change, touched: Touched, now: float
    ) -> None:
        """Notes which pages were read; one with a shorter way found meanwhile is read again if it must be."""
        if self._discovery.depths is None:
            return
        entries = []
        for outcome, entry in visits:
            if not outcome.is_final:
                continue
            way = self._bench.shorter_ways.take(entry.row)
            found = HAS_LINKS if has_failed_again(outcome) else left_out(outcome)
            if (
                outcome.disposition is Disposition.EXCLUDED
                and outcome.reason in BY_WAY
                and not outcome.request.is_reread
            ):
                self.stand(entry.row, REFUSED)
                self._refused += [entry.row] if way is not None else []
                continue
            self.stand(entry.row, WITH_LINKS if found & HAS_LINKS else WITHOUT_LINKS)
            brings_more = found & LeftOut.DEPTH or (found & HAS_LINKS and outcome.request.way != entry.request.way)
            if way is not None and brings_more and entry.request.is_safe:
                entries.append(self._reread(way, change))
        self._arrivals.requeue(entries, change, touched, now)

    def awaits_visit(self, row: int) -> bool:
        depths = self._discovery.depths
        return depths is None or depths.standing(row) == NOT_VISITED

    def stand(self, row: int, standing: int) -> None:
        if self._discovery.depths is not None:
            self._discovery.depths.stand(row, standing)

    def count_requisite(self, row: int, *, is_one: bool) -> None:
        if self._discovery.depths is not None:
            self._discovery.depths.count_requisite(row, is_one=is_one)

    def _reread(self, way: ShorterWay, change: Change) -> Entry:
        change.rereads.append(way.row)
        self.stand(way.row, NOT_VISITED)
        return self._discovery.entry(way, is_reread=True)
