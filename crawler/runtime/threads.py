"""Runs blocking calls in threads while the event loop leaves these their time."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError, Future
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from anyio import CancelScope

from .gil import yield_gil

T = TypeVar("T")


def start_in_thread(executor: Executor | None, work: Callable[..., T], *arguments: object) -> Future[T]:
    """Starts a call in a thread of `executor`, or in any; the loop breathes until it is done.

    An executor with one thread makes calls in their order. The call goes on where the caller is cancelled.
    """
    breath = yield_gil()
    breath.__enter__()
    done = asyncio.get_running_loop().run_in_executor(executor, work, *arguments)
    done.add_done_callback(lambda _: breath.__exit__(None, None, None))
    return done


async def run_in_thread(work: Callable[..., T], *arguments: object) -> T:
    """Makes a call in any thread and returns its result, or raises its error."""
    return await start_in_thread(None, work, *arguments)


async def finish_in_thread(work: Callable[[], T]) -> tuple[T, CancelledError | None]:
    """Makes a call in any thread to its end, even if cancelled; returns its result and the cancellation, if any."""
    done, cancelled = start_in_thread(None, work), None
    with CancelScope(shield=True):
        while not done.done():
            try:
                await asyncio.wait([done])
            except CancelledError as error:
                cancelled = error
    if cancelled and done.exception():
        raise cancelled
    return done.result(), cancelled
