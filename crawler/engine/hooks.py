"""Guards the event loop against errors of foreign code: sinks, fetchers, lists of seeds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import CrawlError, HookError
from ..runtime.foreign_errors import describe, is_of_a_signal


@contextmanager
def guard_hook(who: str) -> Iterator[None]:
    """Raises CrawlError or HookError for errors that would end a task silently, or end the loop.

    CrawlError: the code raised CancelledError, but nobody cancelled it. Such a task would just end, and all that wait
    for it would wait for ever. HookError: the code raised SystemExit or another BaseException, which would leave the
    loop itself, so that nothing is closed. Ctrl-C and real cancellation pass.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise CrawlError(f"{who} raised CancelledError, but nobody cancelled it: that is a bug in its code") from error
    except (Exception, GeneratorExit):
        raise
    except BaseException as error:
        if is_of_a_signal(error):
            raise
        raise HookError(f"{who} raised {describe(error)}") from error
