"""Code of others that runs on the event loop: sinks, fetchers, lists of seeds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import CrawlError


@contextmanager
def uncancelled(who: str) -> Iterator[None]:
    """Raises CrawlError where the body raises CancelledError though nobody cancelled this task.

    The task would end in silence, and all that waits for it would wait for ever.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise CrawlError(f"{who} raised CancelledError, but nobody cancelled it: that is a bug in its code") from error
