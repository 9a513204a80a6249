"""Guards the event loop against errors of foreign code: sinks, fetchers, lists of seeds."""

from __future__ import annotations

import asyncio
from types import TracebackType

from ..errors import CrawlError, HookError
from ..runtime.foreign_errors import describe, is_of_a_signal


class guard_hook:
    """Raises CrawlError or HookError for errors that would end a task silently, or end the loop.

    CrawlError: the code raised CancelledError, but nobody cancelled it. Such a task would just end, and all that wait
    for it would wait for ever. HookError: the code raised SystemExit or another BaseException, which would leave the
    loop itself, so that nothing is closed. Ctrl-C and real cancellation pass. It keeps nothing of a block, so that one
    may guard many at a time.
    """

    __slots__ = ("who",)

    def __init__(self, who: str) -> None:
        self.who: str = who

    def __enter__(self) -> None:
        """Does nothing: only the end of the block is looked at."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        if isinstance(error, asyncio.CancelledError):
            task = asyncio.current_task()
            if task is None or task.cancelling():
                return
            what = f"{self.who} raised CancelledError, but nobody cancelled it: that is a bug in its code"
            raise CrawlError(what) from error
        if not isinstance(error, (Exception, GeneratorExit)) and not is_of_a_signal(error):
            raise HookError(f"{self.who} raised {describe(error)}") from error
