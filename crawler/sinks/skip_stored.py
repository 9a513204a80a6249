"""Fills the gaps of a sink that holds some records already: writes the missing ones and none twice."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..model import Outcome, Position
from ..protocols import Follower, Patient, Sink


class SkipStored:
    """Passes outcomes on to a sink, but skips the first outcome of each row in `has`."""

    def __init__(self, sink: Sink, has: Collection[int]) -> None:
        """`has` names the rows whose next record is in the sink already."""
        self.name: str = sink.name
        self.sink = sink
        self._has = set(has)
        self._position: Position = {}

    async def rewind(self, position: Position | None) -> None:
        self._position = position or {}
        await self.sink.rewind(position)

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        new = [outcome for outcome in outcomes if outcome.lease.token not in self._has]
        self._has.difference_update(outcome.lease.token for outcome in outcomes)
        if new:
            self._position = await self.sink.write(new)
        return self._position

    def hurry(self) -> None:
        if isinstance(self.sink, Patient):
            self.sink.hurry()

    def note_settled(self) -> None:
        if isinstance(self.sink, Follower):
            self.sink.note_settled()
