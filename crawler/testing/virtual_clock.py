"""Runs crawls in time that is skipped while all only wait."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar

from crawler.runtime.clock import monotonic, wall
from crawler.testing.virtual_loop import VirtualLoop

T = TypeVar("T")


class VirtualClock:
    """An event loop of its own whose waits take no time, and the time that passes in it.

    Rests, timeouts and delays last as long as they should by this clock, and hardly any time by that of the machine.
    Work takes as long as it takes. A context manager; one at a time in a process.
    """

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)
        self._begun = 0.0

    def __enter__(self) -> VirtualClock:
        _refuse_beside_a_loop()
        self._runner.get_loop()  # from now on time may be skipped
        self._begun = monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.close()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine to its end; returns its result, or raises its error.

        All coroutines run in one loop: what one of them opened, the next one may use. Raises RuntimeError where a loop
        runs already.
        """
        try:
            _refuse_beside_a_loop()
        except RuntimeError:
            main.close()
            raise
        return self._runner.run(main)

    @property
    def elapsed_s(self) -> float:
        """Returns how many seconds have passed by this clock."""
        return monotonic() - self._begun

    @property
    def now(self) -> float:
        """Returns its time of day, in Unix seconds."""
        return wall()


def _refuse_beside_a_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("the virtual clock has an event loop of its own: use it in a test that is no coroutine")
