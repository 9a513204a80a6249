"""The lateness of the event loop is what a blocked loop shows, and nothing is measured where nobody watches."""

import asyncio
import time

import pytest

from crawler.runtime.lateness import STEP_S, Lateness


@pytest.mark.slow
async def test_a_loop_that_was_blocked_was_late_and_its_thread_was_busy() -> None:
    lateness = Lateness()
    assert (lateness.quantiles(), lateness.busy()) == ({}, None)
    with lateness.watch(), lateness.watch():
        until = time.thread_time() + STEP_S
        time.sleep(STEP_S)  # noqa: ASYNC251 - so that the loop is late
        while time.thread_time() < until:
            pass
        while not lateness.quantiles():
            await asyncio.sleep(0.01)
    late = lateness.quantiles()
    assert late.keys() == {0.5, 0.9, 0.99, 1.0}
    assert late[1.0] >= STEP_S * 0.9
    assert 0 < (lateness.busy() or 0) <= 1.01
    assert lateness._timer is not None
    assert lateness._timer.cancelled()
