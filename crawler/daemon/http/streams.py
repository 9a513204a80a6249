"""Limits the open streams of events, in all and for each address."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from .bounds import Bounds
from .connection import network
from .problems import Problem


class Streams:
    """The open streams. Each is a task that serves one client until the client leaves."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._tasks: dict[asyncio.Task[object], str] = {}
        self._of_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._tasks)

    @contextmanager
    def count_stream(self, request: web.Request) -> Iterator[None]:
        """Counts the current task as a stream while the block lasts. Raises Problem: 503."""
        bounds, address = self._bounds, network(request.remote or "")
        if len(self._tasks) >= bounds.streams:
            raise _full(f"{bounds.streams} streams of events are open already")
        if self._of_address[address] >= bounds.streams_of_one_address:
            raise _full(f"{bounds.streams_of_one_address} streams of events are open at this address already")
        task = asyncio.current_task()
        assert task is not None
        self._tasks[task] = address
        self._of_address[address] += 1
        try:
            yield
        finally:
            del self._tasks[task]
            self._of_address -= Counter([address])

    def end(self) -> None:
        """Cancels all streams, which would never end by themselves."""
        for task in self._tasks:
            task.cancel()


def _full(detail: str) -> Problem:
    return Problem(503, "busy", detail, headers={"Retry-After": "10"})
