"""Whatever a page, a library or a function of the user's raises or does costs that one page, wherever it is read."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from typing import Any, Literal

import anyio
import pytest

import crawler
from crawler import Disposition, Reason
from crawler.errors import OffloadError
from crawler.offload import open_offloader
from crawler.offload.in_worker import run_one
from crawler.testing import Site, Web, html, open_web
from tests.defaults import make_workers
from tests.list_sink import ListSink
from tests.offload.calls import (
    RAISED,
    Filling,
    Mute,
    exit_in_a_thread,
    forbid_bounds,
    pid,
    pid_later,
    raising,
    set_alarm,
    square,
    throw,
    unsendable,
)

EXECUTORS = ["process", "thread", "inline"]


@pytest.mark.parametrize("executor", EXECUTORS)
async def test_whatever_is_raised_costs_its_own_call(executor: Any) -> None:
    """Each is one `Exception` where the call was made: nothing ends the loop, nothing looks like a cancellation.

    The calls beside it are answered by the same worker.
    """
    async with open_offloader(make_workers(executor=executor, count=1)) as pool:
        calls = [(pid,) if n % 2 else (throw, n // 2) for n in range(2 * len(RAISED))]
        with anyio.fail_after(60):
            answers = await asyncio.gather(*(pool.run(*call) for call in calls), return_exceptions=True)
    assert len(set(answers[1::2])) == 1, "it cost a worker"
    assert [isinstance(answer, Exception) for answer in answers[::2]] == [True] * len(RAISED)
    reasons = [answer.reason for answer in answers[:12:2] if isinstance(answer, OffloadError)]
    assert reasons == [Reason.PARSE_CRASH] * 6
    assert str(answers[0]) == "parse-crash: reading it raised PanicException: "


async def test_an_answer_that_cannot_be_sent_costs_its_own_call() -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        calls = [pool.run(square, n) for n in range(6)]
        answers = await asyncio.gather(pool.run(unsendable), pool.run(Filling), *calls, return_exceptions=True)
    assert isinstance(answers[0], OffloadError)
    assert "cannot pickle" in answers[0].detail
    assert isinstance(answers[1], OffloadError)
    assert answers[1].detail == "reading it takes more than 96 MiB of memory"
    assert answers[2:] == [n * n for n in range(6)]


async def test_an_error_holds_nothing_of_the_page_that_raised_it() -> None:
    """Neither the frames that it came through, nor the errors it came from, nor what filled the memory."""

    def fail(error: Exception) -> None:
        try:
            square("no number")  # type: ignore[arg-type]
        except TypeError as cause:
            raise error from cause

    for error in (ValueError("held"), MemoryError("held")):
        told = run_one(fail, (error,))
        assert isinstance(told, type(error))
        assert (told.__traceback__, told.__cause__, told.__context__) == (None, None, None)
        assert told.args == (() if isinstance(error, MemoryError) else ("held",))


async def test_an_argument_that_cannot_be_sent_costs_its_own_call() -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        await pool.run(square, 1)
        calls = [pool.run(square, n) for n in range(6)]
        answers = await asyncio.gather(*calls, pool.run(lambda: 1), return_exceptions=True)
    assert answers[:6] == [n * n for n in range(6)]
    assert isinstance(answers[6], Exception)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("executor", EXECUTORS)
async def test_a_thread_that_exits_is_its_own_affair(executor: Any) -> None:
    async with open_offloader(make_workers(executor=executor, count=1)) as pool:
        assert await pool.run(exit_in_a_thread) == 7


async def test_an_alarm_that_a_page_sets_does_not_meet_the_next() -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        assert await pool.run(set_alarm) == await pool.run(pid_later)


async def test_a_page_that_takes_the_means_to_bound_the_next_costs_its_worker() -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        calls = [pool.run(square, n) for n in range(6)]
        answers = await asyncio.gather(pool.run(forbid_bounds), *calls, return_exceptions=True)
    assert answers[1:] == [n * n for n in range(6)]


async def test_threads_of_a_program_that_has_grown_end_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker process may do to itself is not for a thread of somebody's program."""
    monkeypatch.setattr("crawler.offload.in_worker.GROWN_BYTES", -1 << 40)
    async with open_offloader(make_workers(executor="thread", count=1)) as pool:
        assert await pool.run(square, 3) == 9


# -- a whole crawl -----------------------------------------------------------------------------------------------------


def web_of(names: Sequence[str]) -> Web:
    pages = {f"/{name}": html(name, [f"/{name}/"]) for name in names}
    after = {f"/{name}/": html(f"after {name}") for name in names}
    return Web([Site("a.test", {"/": html("A", list(pages)), **pages, **after})])


@pytest.mark.slow
@pytest.mark.parametrize("executor", EXECUTORS)
async def test_a_parse_function_costs_its_page_and_never_the_crawl(
    executor: Literal["process", "thread", "inline"],
) -> None:
    names = [*map(str, range(len(RAISED))), "deep", "data", *(["exit"] if executor == "process" else [])]
    sink = ListSink()
    async with open_web(web_of(names)) as served:
        with anyio.fail_after(60):
            summary = await crawler.crawl(
                served.seeds, sinks=[sink], parse=raising, executor=executor, workers=1, delay_s=0.0, per_site=8,
                allow_networks=["127.0.0.0/8"],
            )  # fmt: skip
    assert summary.ended is crawler.Ending.EXHAUSTED
    told = {outcome.url.path: outcome for outcome in sink.got}
    assert set(told) == {"/", *(f"/{name}" for name in names), *(f"/{name}/" for name in names)}
    assert {outcome.disposition for outcome in sink.got} == {Disposition.FETCHED}
    assert [told[f"/{name}/"].reason for name in names] == [None] * len(names)
    memory = str(RAISED.index(MemoryError))
    reasons = {name: told[f"/{name}"].reason for name in names}
    assert reasons == dict.fromkeys(names, Reason.PARSE) | ({"exit": Reason.PARSE_CRASH} if "exit" in names else {})
    assert told["/0"].detail == "PanicException: "
    assert told[f"/{RAISED.index(Mute)}"].detail == "Mute: (its text cannot be had)"
    assert "memory" in told[f"/{memory}"].detail


def test_ctrl_c_is_heard_while_a_page_is_read_on_the_loop() -> None:
    """The first one cancels, as `asyncio.run` has it; where Python's own handler is in force it is raised at once."""

    async def main() -> None:
        async with open_offloader(make_workers(executor="inline")) as pool:
            while True:
                await pool.run(signal.raise_signal, signal.SIGINT)
                await asyncio.sleep(0)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    loop = asyncio.new_event_loop()
    try:
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(main())
        for task in asyncio.all_tasks(loop):
            task.cancel()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def test_a_handler_of_the_program_may_end_it_while_a_page_is_read_on_the_loop() -> None:
    def end(number: int, frame: object) -> None:
        sys.exit(9)

    async def main() -> None:
        async with open_offloader(make_workers(executor="inline")) as pool:
            await pool.run(signal.raise_signal, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, end)
    try:
        with pytest.raises(SystemExit):
            asyncio.run(main())
    finally:
        signal.signal(signal.SIGUSR1, before)
