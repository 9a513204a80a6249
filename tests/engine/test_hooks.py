"""Whatever code of others raises on the loop, the run ends with an error that says so; it never hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest

import crawler
from crawler import Disposition, Outcome, Reason
from crawler.assembly.shared import open_shared
from crawler.engine.hooks import guard_hook
from crawler.errors import CrawlError, HookError, WorkersGone
from crawler.model import Request, Response

SEEDS = [f"http://h{n}.test/" for n in range(3)]


class PanicException(BaseException):
    """As libraries written in Rust raise it."""


RAISED: list[type[BaseException]] = [
    asyncio.CancelledError, PanicException, SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration, ValueError,
]  # fmt: skip


class Sink:
    name = "theirs"

    def __init__(self, error: type[BaseException] | None = None) -> None:
        self.got: list[Outcome] = []
        self._error = error

    async def rewind(self, position: crawler.Position | None) -> None: ...

    async def write(self, outcomes: Sequence[Outcome]) -> crawler.Position:
        await anyio.lowlevel.checkpoint()
        if self._error:
            raise self._error
        self.got.extend(outcomes)
        return {}


class Fetcher:
    def __init__(self, error: type[BaseException] | None = None) -> None:
        self._error = error

    async def fetch(self, request: Request) -> Response:
        await anyio.lowlevel.checkpoint()
        if self._error:
            raise self._error
        return Response(request.url, 200, ((b"content-type", b"text/plain"),), b"fine")


async def seeds_that_raise(error: type[BaseException]) -> AsyncIterator[str]:
    yield SEEDS[0]
    raise error


def seeds_in_a_thread(error: type[BaseException]) -> Iterator[str]:
    yield SEEDS[0]
    raise error


async def crawl(seeds: Any = SEEDS, sink: Sink | None = None, fetcher: Fetcher | None = None) -> crawler.Summary:
    with anyio.fail_after(30):
        return await crawler.crawl(
            seeds, sinks=[sink or Sink()], fetcher=fetcher or Fetcher(), executor="inline", delay_s=0.0, robots="ignore"
        )


def end_of(error: type[BaseException]) -> type[BaseException]:
    """Coroutines and generators turn StopIteration into RuntimeError, as Python has it."""
    ours = dict.fromkeys((PanicException, SystemExit, KeyboardInterrupt), HookError)
    return {asyncio.CancelledError: CrawlError, StopIteration: RuntimeError, **ours}.get(error, error)


@pytest.mark.parametrize("error", RAISED)
def test_a_sink_that_raises_ends_the_run(error: type[BaseException]) -> None:
    with pytest.raises(end_of(error)) as caught:
        asyncio.run(crawl(sink=Sink(error)))
    assert error is not asyncio.CancelledError or "the sink 'theirs' raised CancelledError" in str(caught.value)


@pytest.mark.parametrize("error", RAISED)
def test_seeds_that_raise_end_the_run(error: type[BaseException]) -> None:
    with pytest.raises(end_of(error)):
        asyncio.run(crawl(seeds_that_raise(error)))


@pytest.mark.parametrize("error", RAISED)
def test_seeds_that_raise_in_their_thread_end_the_run(error: type[BaseException]) -> None:
    with pytest.raises(end_of(error)):
        asyncio.run(crawl(seeds_in_a_thread(error)))


@pytest.mark.parametrize("error", [PanicException, SystemExit, KeyboardInterrupt])
def test_a_fetcher_that_raises_what_is_no_exception_ends_the_run(error: type[BaseException]) -> None:
    with pytest.raises(HookError, match=f"a visit raised {error.__name__}"):
        asyncio.run(crawl(fetcher=Fetcher(error)))


@pytest.mark.parametrize("error", [asyncio.CancelledError, StopIteration, ValueError])
def test_a_bug_of_a_fetcher_costs_its_visits(error: type[BaseException]) -> None:
    sink = Sink()
    asyncio.run(crawl(sink=sink, fetcher=Fetcher(error)))
    assert [(o.disposition, o.reason) for o in sink.got] == [(Disposition.FAILED, Reason.INTERNAL)] * 3


async def test_who_is_cancelled_stays_cancelled() -> None:
    async def wait() -> None:
        with guard_hook("nobody"):
            await anyio.sleep_forever()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with anyio.move_on_after(0) as scope:
        await wait()
    assert scope.cancelled_caught


async def test_a_crawl_whose_workers_are_closed_under_it_ends_and_loses_nothing() -> None:
    """Whoever shares workers should close them last; who does not is told."""
    sink, sharing = Sink(), AsyncExitStack()
    shared = await sharing.enter_async_context(open_shared(executor="thread", workers=1))
    async with crawler.open_crawl(
        shared=shared, sinks=[sink], fetcher=Fetcher(), parse=repr, delay_s=0.0, robots="ignore"
    ) as opened:
        await sharing.aclose()
        with anyio.fail_after(30), pytest.raises(WorkersGone, match="close the crawl before"):
            await opened.run(SEEDS)
        counts = opened.snapshot().counts
    assert (counts.queued, counts.leased, sink.got) == (3, 0, [])
