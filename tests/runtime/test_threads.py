"""Calls in threads end where their callers do not wait for them any more, and keep their order in one thread."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from crawler.runtime.threads import finish_in_thread, run_in_thread, start_in_thread


async def test_one_thread_makes_calls_in_their_order() -> None:
    made: list[int] = []
    with ThreadPoolExecutor(1) as thread:
        await asyncio.gather(*(start_in_thread(thread, made.append, n) for n in range(100)))
    assert made == list(range(100))


async def test_an_error_of_the_call_is_the_callers() -> None:
    with pytest.raises(ZeroDivisionError):
        await run_in_thread(lambda: 1 // 0)


async def test_a_call_is_made_to_its_end_though_its_caller_is_cancelled_again_and_again() -> None:
    may_end = threading.Event()
    task = asyncio.ensure_future(finish_in_thread(lambda: may_end.wait(30)))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    may_end.set()
    result, cancelled = await task
    assert result
    assert isinstance(cancelled, asyncio.CancelledError)
