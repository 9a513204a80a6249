"""Writes one batch of outcomes to all sinks of a run."""

from __future__ import annotations

from collections.abc import Sequence

from anyio import CancelScope, create_task_group

from ..model import Outcome, Position
from ..proof import RequestRecorder
from ..protocols import Sink
from .hooks import guard_hook


async def store(sinks: Sequence[Sink], batch: Sequence[Outcome]) -> dict[str, Position]:
    """Archives all outcomes of a batch, then writes the final ones to all sinks; returns the positions by name.

    A reread is archived, and has no record.
    """
    archives = [sink for sink in sinks if hasattr(sink, "archive")]  # to ask for an `Archive` takes 20 µs a batch
    for sink in archives:
        with guard_hook(f"the sink {sink.name!r}"), CancelScope(shield=True):
            batch = await sink.archive(batch)
    final = [outcome for outcome in batch if outcome.is_final and not outcome.lease.request.is_reread]
    return await write_side_by_side(sinks if final else archives, final) if final or archives else {}


async def write_side_by_side(sinks: Sequence[Sink], outcomes: Sequence[Outcome]) -> dict[str, Position]:
    """Writes to all sinks at the same time; returns their positions by name.

    If one fails, the others finish their write, and then its error is raised, in an ExceptionGroup: nothing is written
    any more when a run has ended.
    """
    positions: dict[str, Position] = {}

    async def write(sink: Sink) -> None:
        with guard_hook(f"the sink {sink.name!r}"), CancelScope(shield=True):
            positions[sink.name] = await sink.write(outcomes)

    waiting = [sink for sink in sinks if not isinstance(sink, RequestRecorder)]  # which hardly ever waits
    if len(waiting) == 1:  # the usual case; a task group costs 45 µs
        for sink in sinks:
            await write(sink)
        return positions
    async with create_task_group() as writing:
        for sink in sinks:
            writing.start_soon(write, sink)
    return positions
