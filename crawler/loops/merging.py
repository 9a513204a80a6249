"""Moves what the loops of a crawl recorded into its outputs, and keeps how far it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ..model import Position
from ..protocols import Sink
from ..sinks import segments


class Stored(Protocol):
    """A frontier that keeps positions of sinks that others wrote to."""

    async def settled_positions(self) -> Mapping[str, Position]:
        """Returns the positions of all sinks, of all nodes."""
        ...

    async def store_positions(self, positions: Mapping[str, Position], forgotten: Sequence[str] = ()) -> None:
        """Keeps positions, and forgets others, in one transaction."""
        ...


class Merger:
    """Moves settled records of segments into the sinks of a crawl, which nobody else writes to meanwhile."""

    def __init__(self, frontier: Stored, folder: Path, sinks: Sequence[Sink]) -> None:
        self._frontier = frontier
        self._folder = folder
        self._sinks = sinks

    async def merge(self, *, is_over: bool) -> None:
        """Moves all that is settled now. Raises SinkError, StorageFull, FrontierError.

        `is_over`: no loop runs any more, so segments are moved whole and are removed.
        """
        positions = await self._frontier.settled_positions()
        for sink in self._sinks:
            for segment in segments.find_segments(self._folder, sink.name, positions):
                await self._move(segment, sink)
                if is_over:
                    await self._frontier.store_positions({}, segments.names_of(segment))
        if is_over:
            await segments.clear(self._folder)

    async def _move(self, segment: segments.Left, sink: Sink) -> None:
        while segment.moved < segment.settled:
            position, moved = await segments.move(segment, sink)
            told = segments.moved_position(segment, moved)
            await self._frontier.store_positions({sink.name: position, **told})
            segment = segment._replace(moved=moved)
