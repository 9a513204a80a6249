"""Every Offloader keeps the promises of its door: processes, threads, the loop itself, and lanes of these."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from crawler.errors import OffloadError, ParseError, WorkersGone
from crawler.model import Reason
from crawler.offload import open_auto, open_offloader
from crawler.protocols import Offloader
from tests.defaults import make_workers
from tests.offload.calls import PanicException

KINDS = ["process", "thread", "inline", "auto", "lane of process", "lane of thread", "lane of inline", "lane of auto"]


@asynccontextmanager
async def opened(kind: str, **settings: Any) -> AsyncIterator[Offloader]:
    workers = make_workers(executor=kind.rsplit(maxsplit=1)[-1], count=2, **settings)
    async with open_auto(workers) if "auto" in kind else open_offloader(workers) as offloader:
        yield offloader.lane() if kind.startswith("lane") else offloader


def add(*numbers: int) -> int:
    return sum(numbers)


def refuse(why: str) -> None:
    raise ParseError(Reason.PARSE, why, transient=True, retry_after_s=2.0)


def divide(one: int, two: int) -> float:
    return one / two


def panic() -> None:
    raise PanicException("as Rust does")


def pid() -> int:
    return os.getpid()


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
async def test_results_and_errors_of_the_work_come_back(kind: str) -> None:
    async with opened(kind) as offloader:
        answers = await asyncio.gather(*(offloader.run(add, n, 1, size=n) for n in range(50)))
        assert answers == list(range(1, 51))
        with pytest.raises(ParseError) as caught:
            await offloader.run(refuse, "no HTML")
        refused = caught.value
        with pytest.raises(ZeroDivisionError):
            await offloader.run(divide, 1, 0)
        with pytest.raises(OffloadError) as died:
            await offloader.run(panic)
        assert (refused.reason, refused.detail, refused.transient) == (Reason.PARSE, "no HTML", True)
        assert died.value.reason is Reason.PARSE_CRASH
        assert await offloader.run(add, 2) == 2, "and it goes on"


@pytest.mark.parametrize("kind", KINDS)
async def test_calls_that_wait_are_counted_and_none_is_left(kind: str) -> None:
    async with opened(kind) as offloader:
        assert offloader.waiting == 0
        calls = [asyncio.create_task(offloader.run(add, n)) for n in range(40)]
        await asyncio.sleep(0)
        assert offloader.waiting == (0 if "inline" in kind else 40)
        await asyncio.gather(*calls)
        assert offloader.waiting == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_lane_counts_its_own_calls_and_has_lanes_beside_it(kind: str) -> None:
    async with opened(kind) as offloader:
        one, other = offloader.lane(), offloader.lane()
        call = asyncio.create_task(one.run(add, 1))
        await asyncio.sleep(0)
        assert other.waiting == 0
        assert await other.lane().run(add, 2) == 2
        assert await call == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_that_is_cancelled_disturbs_no_other(kind: str) -> None:
    async with opened(kind) as offloader:
        calls = [asyncio.create_task(offloader.run(add, n)) for n in range(20)]
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert answers[1::2] == list(range(1, 20, 2))
        assert await offloader.run(add, 3) == 3


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "inline" not in kind])
async def test_only_work_below_the_inline_bound_runs_here(kind: str) -> None:
    is_apart = "thread" not in kind
    async with opened(kind, inline_below_bytes=100) as offloader:
        assert await offloader.run(pid, size=99) == os.getpid()
        assert (await offloader.run(pid, size=100) != os.getpid()) == is_apart
        assert (await offloader.run(pid) != os.getpid()) == is_apart, "0 means unknown"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "inline" not in kind])
async def test_workers_that_are_gone_say_so(kind: str) -> None:
    async with opened(kind) as offloader:
        pass
    with pytest.raises(WorkersGone):
        await offloader.run(add, 1)
    gc.collect()
