"""Keeps a busy event loop from starving the threads it waits for.

A loop with work at every turn gives the GIL back only for instants and takes it again before a waiting thread wakes;
process pools and database writers live on such threads. While anything is `yield_gil()`, the loop naps for an instant
every few milliseconds, and they get their turn (benchmarks/parse_cost.py measures it).
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractContextManager
from weakref import WeakKeyDictionary

INTERVAL_S = 0.005
NAP_S = 20e-6

_breaths: WeakKeyDictionary[asyncio.AbstractEventLoop, _Breath] = WeakKeyDictionary()
"""One breath a loop, shared by all crawls on it: two would nap twice."""


def yield_gil() -> AbstractContextManager[None]:
    """Lets the running loop nap 20 microseconds every 5 ms while the body waits."""
    loop = asyncio.get_running_loop()
    breath = _breaths.get(loop)
    if breath is None:
        breath = _breaths[loop] = _Breath()
    return breath


class _Breath:
    def __init__(self) -> None:
        self.waiting = 0
        self._is_scheduled = False

    def __enter__(self) -> None:
        self.waiting += 1
        if not self._is_scheduled:
            self._schedule(asyncio.get_running_loop())

    def __exit__(self, *_: object) -> None:
        self.waiting -= 1

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_scheduled = True
        loop.call_later(INTERVAL_S, self._nap, loop)

    def _nap(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_scheduled = False
        if self.waiting:
            time.sleep(NAP_S)
            self._schedule(loop)
