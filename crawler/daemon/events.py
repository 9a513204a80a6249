"""Hands events to all listeners, without waiting for any of them."""

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
"""Events that wait for one listener. A listener that is further behind is cut off."""


class Kind(StrEnum):
    """The kind of an event."""

    STATE = "state"
    """A job changed its state. `from` is null for a new job, `to` is `removed` for a removed one."""
    CHANGE = "change"
    """Settings or priority changed."""
    NOTE = "note"
    """Something a person should know."""
    PROGRESS = "progress"
    """The figures of running jobs, once a second. These events are not stored."""
    GAP = "gap"
    """This listener was too slow and was cut off. It should connect again with the last id it knows."""


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    id: int | None
    """Grows with time. None: the event is not stored and cannot be replayed."""
    at: float
    """Unix seconds."""
    job: str | None
    """None: the event concerns no job, or several."""
    kind: Kind
    """The kind of the event."""
    data: Mapping[str, object]
    """The fields of the event, as the API gives them."""

    @cached_property
    def json(self) -> bytes:
        """The event as one line of JSON, made once for all listeners."""
        return orjson.dumps(
            {"id": self.id, "at": self.at, "job": self.job, "kind": self.kind, "data": self.data},
            option=orjson.OPT_NON_STR_KEYS,
        )


class Events:
    """The listeners. `tell` never waits and never fails."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def __len__(self) -> int:
        return len(self._listeners)

    def tell(self, event: Event) -> None:
        for listener in self._listeners:
            listener.hear(event)

    @contextmanager
    def listening(self, job: str | None = None, most_waiting: int = MOST_WAITING) -> Iterator[Listener]:
        """Yields a listener for all events from now on, or for those of one job."""
        listener = Listener(job, most_waiting)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """Ends all listeners: each still gets the events that wait for it."""
        for listener in self._listeners:
            listener.close()


class Listener:
    """The events that wait for one listener. Iterate to get them in batches."""

    def __init__(self, job: str | None, most_waiting: int) -> None:
        self._job = job
        self._most = most_waiting
        self._waiting: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._is_over = False

    def hear(self, event: Event) -> None:
        """Takes an event that concerns this listener."""
        if self._is_over or (self._job is not None and event.job != self._job):
            return
        if len(self._waiting) >= self._most:
            self._waiting.clear()
            event = Event(None, event.at, self._job, Kind.GAP, {})
            self._is_over = True
        self._waiting.append(event)
        self._arrived.set()

    def close(self) -> None:
        """Ends the listener: it still gets the events that wait for it."""
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
