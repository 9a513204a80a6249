"""Keeps shorter ways to URLs that are queued or out, found after these were queued."""

from __future__ import annotations

from .change import ShorterWay
from .order import Entry


class ShorterWays:
    """The shortest way known by now to each URL whose entry in the queue has a longer one."""

    def __init__(self) -> None:
        self._ways: dict[int, ShorterWay] = {}

    def note(self, way: ShorterWay) -> None:
        self._ways[way.row] = way

    def take(self, row: int) -> ShorterWay | None:
        """Returns and forgets the way to a URL."""
        return self._ways.pop(row, None)

    def __bool__(self) -> bool:
        return bool(self._ways)

    def __contains__(self, row: int) -> bool:
        return row in self._ways

    def shorten(self, entry: Entry) -> Entry:
        """Returns the entry with the shortest way to it that is known now."""
        way = self._ways.get(entry.row) if self._ways else None
        return entry if way is None else way.shorten(entry)
