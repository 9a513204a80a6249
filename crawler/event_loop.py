"""Checks the event loop that a program brings, and makes one for a program that has none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .errors import CrawlError


def require_asyncio() -> None:
    """Raises CrawlError where no event loop of asyncio runs, as under trio."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise CrawlError(
            "crawld runs on asyncio alone, and no asyncio event loop runs here: call it from asyncio.run(main()), with "
            'anyio from anyio.run(main, backend="asyncio")'
        ) from None


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Returns the function that makes a loop of uvloop; None, for the loop of Python itself, where it is missing."""
    try:
        import uvloop  # noqa: PLC0415 - it may be missing
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
