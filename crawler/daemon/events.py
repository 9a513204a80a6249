"""What happened, told to all who listen: none of them is waited for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import orjson

MOST_WAITING = 1000
"""Events that wait for one listener; one who is further behind is cut off."""


class Kind(StrEnum):
    """What an event tells."""

    STATE = "state"
    """A job went from one state to another; `from` is null for a new job, `to` is `removed` for one that went."""
    CHANGE = "change"
    """Settings or priority changed."""
    NOTE = "note"
    """Something a person should know."""
    PROGRESS = "progress"
    """Where running jobs stand, once a second; not kept."""
    GAP = "gap"
    """This listener was too slow and is told no more; ask again from the last id it knows."""


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    id: int | None
    """Grows with time; None: it is not kept and cannot be replayed."""
    at: float
    """Unix seconds."""
    job: str | None
    """None: it concerns no job, or several."""
    kind: Kind
    data: Mapping[str, object]

    @cached_property
    def json(self) -> bytes:
        """One line; made once, however many listen."""
        return orjson.dumps(
            {"id": self.id, "at": self.at, "job": self.job, "kind": self.kind, "data": self.data},
            option=orjson.OPT_NON_STR_KEYS,
        )


class Events:
    """Who listens. `tell` never waits and never fails."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def __len__(self) -> int:
        return len(self._listeners)

    def tell(self, event: Event) -> None:
        for listener in self._listeners:
            listener.hear(event)

    @contextmanager
    def listening(self, job: str | None = None, most_waiting: int = MOST_WAITING) -> Iterator[Listener]:
        """Everything told from now on, or what concerns one job."""
        listener = Listener(job, most_waiting)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """Whoever listens hears what waits, and then the end."""
        for listener in self._listeners:
            listener.close()


class Listener:
    """What one listener has still to hear: iterate for batches, all that waits at once."""

    def __init__(self, job: str | None, most_waiting: int) -> None:
        self._job = job
        self._most = most_waiting
        self._waiting: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._is_over = False

    def hear(self, event: Event) -> None:
        if self._is_over or (self._job is not None and event.job != self._job):
            return
        if len(self._waiting) >= self._most:
            self._waiting.clear()
            event = Event(None, event.at, self._job, Kind.GAP, {})
            self._is_over = True
        self._waiting.append(event)
        self._arrived.set()

    def close(self) -> None:
        self._is_over = True
        self._arrived.set()

    async def __aiter__(self) -> AsyncIterator[Sequence[Event]]:
        while not (self._is_over and not self._waiting):
            await self._arrived.wait()
            self._arrived.clear()
            batch = list(self._waiting)
            self._waiting.clear()
            if batch:
                yield batch
            if self._is_over:
                self._arrived.set()
