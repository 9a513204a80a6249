"""An event loop whose clock stands still while anybody works, and leaps while all only wait."""

import asyncio
import contextlib
import selectors
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

WALL = 1.7e9
"""The virtual time of day at the start, in Unix seconds."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Sleeps and timers take no time. Where it is told so, it waits for threads, and no virtual time passes."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._awaited = 0
        super().__init__(_Leaping(self))

    def time(self) -> float:
        return self._now

    def wall(self) -> float:
        return WALL + self._now

    @contextlib.contextmanager
    def awaiting_threads(self) -> Iterator[None]:
        """Within the block all that is waited for is the work of threads: no time passes meanwhile."""
        self._awaited += 1
        try:
            yield
        finally:
            self._awaited -= 1

    @property
    def awaits_threads(self) -> bool:
        return self._awaited > 0

    def leap(self, seconds: float) -> None:
        self._now += seconds


class _Leaping(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None or self._loop.awaits_threads:
            return super().select(None)
        self._loop.leap(timeout)
        return []


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def current() -> VirtualLoop:
    """Returns the virtual loop that runs."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop
