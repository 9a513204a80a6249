"""A sink that keeps the outcomes it was given, for tests that look at them."""

from __future__ import annotations

from collections.abc import Sequence

from crawler.model import Outcome, Position


class ListSink:
    name = "list"

    def __init__(self) -> None:
        self.got: list[Outcome] = []

    async def rewind(self, position: Position | None) -> None: ...

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        self.got.extend(outcomes)
        return {}
