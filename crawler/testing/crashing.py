"""Kills crawls in the middle of their work, and lets them go on: SIGKILL, in a process of their own."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from traceback import format_exc
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from crawler.testing.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from crawler.model import Outcome, Position

Moment = Literal["before", "after"]


class Crash:
    """A sink that kills its process at the n-th settlement: as it begins, or once it is done.

    At the beginning all sinks write side by side, so any part of the batch may stand in the others.
    """

    def __init__(self, at: int, moment: Moment = "before") -> None:
        self.name: str = "crash"
        self._at = at
        self._moment = moment
        self._settled = 0

    async def rewind(self, position: Position | None) -> None:
        """Keeps nothing, so there is nothing to cut off."""

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        """Ends the process, if it is time."""
        if self._moment == "before" and self._settled + 1 == self._at:
            await asyncio.sleep(0)  # the others have begun to write
            os.kill(os.getpid(), signal.SIGKILL)
        return {}

    def note_settled(self) -> None:
        """Counts a settlement. Ends the process, if it is time."""
        self._settled += 1
        if self._settled == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


class CrashAt:
    """Runs a program in a process that is killed at a settlement, and once more, to its end."""

    def __init__(self, at: int, moment: Moment = "before", clock: VirtualClock | None = None) -> None:
        """`clock` is the one in whose loop the test serves its webs, if it does."""
        if at < 1:
            raise ValueError("settlements are counted from 1")
        self._at = at
        self._moment: Moment = moment
        self._clock = clock

    def __call__(self, program: Callable[..., object], *args: object, **kwargs: Any) -> Any:
        """Calls `program(*args, **kwargs)` in a new process, kills it, and calls it in another one. Blocks.

        Returns what the second call returned. The program is `crawler.crawl`, or a function of yours, async or not, at
        the top level of a module, that hands on the `sinks` it gets to the crawl. In the first call one of them is a
        `Crash`. Raises AssertionError where the crawl ended before it could be killed, and where a call failed.
        """
        crash = [*kwargs.get("sinks", ()), Crash(self._at, self._moment)]
        died = self._run(program, args, {**kwargs, "sinks": crash})
        if died.code != -signal.SIGKILL:
            raise AssertionError(died.trouble or f"the crawl was over before its settlement number {self._at}")
        ended = self._run(program, args, kwargs)
        if ended.code or ended.trouble:
            raise AssertionError(ended.trouble or f"the crawl that went on ended with exit code {ended.code}")
        return ended.result

    def _run(self, program: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]) -> _Ended:
        run = partial(_run_process, program, args, kwargs)
        return self._clock.run(asyncio.to_thread(run)) if self._clock else run()


class _Ended(NamedTuple):
    """How a process ended."""

    code: int | None
    result: object = None
    trouble: str = ""


def _run_process(program: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]) -> _Ended:
    """Calls a program in a new process, and waits for its end."""
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, program, args, kwargs))
    process.start()
    theirs.close()
    with ours:
        try:
            result, trouble = ours.recv()
        except EOFError:
            result, trouble = None, ""
    process.join()
    try:
        return _Ended(process.exitcode, result, trouble)
    finally:
        process.close()


def _work(
    answer: Connection, program: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, Any]
) -> None:
    """Calls the program, in its process."""
    try:
        result = program(*args, **kwargs)
        if inspect.iscoroutine(result):
            result = asyncio.run(_finish(result))
        answer.send((result, ""))
    except BaseException:  # noqa: BLE001 - all of it is told to the test
        answer.send((None, format_exc()))


async def _finish(work: Coroutine[Any, Any, object]) -> object:
    return await work
