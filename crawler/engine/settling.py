"""Stores a batch of outcomes in all sinks, settles it, and tells the sinks that go on with what is settled."""

from __future__ import annotations

from collections.abc import Sequence

from ..model import Outcome
from ..protocols import Frontier, Sink
from .writing import store


async def store_and_settle(frontier: Frontier, sinks: Sequence[Sink], batch: Sequence[Outcome]) -> None:
    """Writes the sinks, then settles the outcomes together with the sinks' positions. Raises what these raise."""
    await frontier.settle(batch, await store(sinks, batch))
    for sink in sinks:
        if hasattr(sink, "note_settled"):  # a `Follower`
            sink.note_settled()
