"""Code of others that runs on the event loop: sinks, fetchers, lists of seeds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import CrawlError, HookError
from ..runtime.foreign_errors import describe, is_of_a_signal


@contextmanager
def guarded(who: str) -> Iterator[None]:
    """Raises an error of ours for what would end the loop, or a task in silence. Ctrl-C and cancellation pass.

    A task that raises CancelledError though nobody cancelled it just ends, and all that waits for it waits for ever:
    CrawlError. SystemExit and its like fly out of the loop itself, past all that is to be closed: HookError.
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
