"""The event-loop watchdog: what holds the loop is named, what keeps it busy is not."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
import uvloop

from crawler import Outcome, Position, crawl
from crawler.runtime.watchdog import Beat, Judge, Stall, culprit_of, open_watchdog
from crawler.testing import Site, Web, html, open_web

AFTER_S = 0.05
LONG_S = 20.0
"""What holds the loop lets go as soon as it was noticed; after this long it gives up."""


class Noticed(logging.Handler):
    """Set as soon as the watchdog says that the loop stands still."""

    def __init__(self) -> None:
        super().__init__()
        self.event = threading.Event()
        self.said: list[str] = []
        self.wanted = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())
        if self.wanted in self.said[-1]:
            self.event.set()


@pytest.fixture
def noticed() -> Iterator[Noticed]:
    handler = Noticed()
    logger = logging.getLogger("crawler.runtime.watchdog")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


class Sleeper:
    """A sink of someone who does not know that everything waits for it."""

    name = "sleeper"

    def __init__(self, wait: Callable[[], object]) -> None:
        self._wait = wait

    async def rewind(self, position: Position | None) -> None:
        """Nothing to cut."""

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        self._wait()
        return {}


async def test_a_sink_that_sleeps_is_named_in_the_log_and_in_the_summary(noticed: Noticed) -> None:
    async with open_web(Web([Site("a.test", {"/": html("A")})], ["http://a.test/"])) as web:
        noticed.wanted = "Sleeper.write"
        sink = Sleeper(lambda: noticed.event.wait(LONG_S))
        summary = await crawl(
            web.seeds, sinks=[sink], executor="inline", allow_networks=["127.0.0.0/8"], delay_s=0,
            blocked_after_s=AFTER_S,
        )  # fmt: skip
    assert summary.pages == 1
    ours = next(one for one in summary.blocked if one.culprit.endswith(".<lambda>"))
    assert ours.culprit.startswith("runtime/test_watchdog.py:")
    assert ours.times == 1
    assert AFTER_S <= ours.worst_s < LONG_S


async def test_what_computes_on_the_loop_is_told_from_what_waits(noticed: Noticed) -> None:
    def burn() -> None:
        until = time.monotonic() + LONG_S
        while not noticed.event.is_set() and time.monotonic() < until:
            sum(range(100))

    stalls: list[Stall] = []
    async with open_watchdog(stalls.append, AFTER_S):
        asyncio.get_running_loop().call_soon(burn)
        await asyncio.sleep(0.01)
        await asyncio.sleep(AFTER_S)
    (burnt,) = [stall for stall in stalls if "burn" in stall.culprit]
    assert burnt.cpu_s > 0 or sys.platform == "darwin"


@pytest.mark.slow
async def test_a_loop_busy_with_many_short_turns_is_left_alone() -> None:
    def short() -> None:
        until = time.thread_time() + 0.001
        while time.thread_time() < until:
            pass

    loop = asyncio.get_running_loop()
    for _ in range(8):  # a watchdog that gets no core in time cannot know them apart
        stalls: list[Stall] = []
        async with open_watchdog(stalls.append, 0.5):
            for _ in range(600):
                loop.call_soon(short)
            await asyncio.sleep(0)
        if not stalls:
            break
    assert stalls == []


async def test_watchdogs_of_one_loop_share_a_thread_and_each_hears_what_concerns_it(noticed: Noticed) -> None:
    lenient: list[Stall] = []
    strict: list[Stall] = []
    before = threading.active_count()
    async with open_watchdog(lenient.append, 60), open_watchdog(strict.append, AFTER_S):
        assert threading.active_count() <= before + 1
        await asyncio.sleep(0.01)
        noticed.event.wait(LONG_S)
        await asyncio.sleep(AFTER_S)
    assert len([stall for stall in strict if "test_watchdogs_of" in stall.culprit]) == 1
    assert lenient == []


async def test_nothing_is_watched_where_nobody_asked_for_it() -> None:
    before = threading.active_count()
    async with open_watchdog(lambda stall: None, 0):
        assert threading.active_count() == before


def test_uvloop_is_watched_as_well(noticed: Noticed) -> None:
    stalls: list[Stall] = []

    async def held() -> None:
        async with open_watchdog(stalls.append, AFTER_S):
            await asyncio.sleep(3 * AFTER_S)
            assert not any("held" in stall.culprit for stall in stalls), "an idle loop stands still by right"
            noticed.event.wait(LONG_S)
            await asyncio.sleep(AFTER_S)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(held())
    assert len([stall for stall in stalls if "held" in stall.culprit]) == 1


# -- the judgement, with time in our own hands ----------------------------------------------------------------------


def test_one_callback_seen_again_and_again_holds_the_loop() -> None:
    judge, beat = Judge(0.0, 0.0), Beat(0.0, 0.0)
    callback = object()
    helds = [judge.look(beat, now, 0.0, callback, 0.1) for now in (0.2, 0.3, 0.4)]
    assert [round(held.seconds, 3) for held in helds if held] == [0.0, 0.1, 0.2]


def test_other_callbacks_in_the_same_turn_are_many_short_ones() -> None:
    judge, beat = Judge(0.0, 0.0), Beat(0.0, 0.0)
    helds = [judge.look(beat, now, now, object(), 0.1) for now in (0.2, 0.3, 0.4, 0.5)]
    assert {held.seconds for held in helds if held} == {0.0}


def test_a_process_that_was_stopped_did_not_hold_its_loop() -> None:
    judge, beat = Judge(0.0, 0.0), Beat(0.0, 0.0)
    callback = object()
    judge.look(beat, 0.2, 0.0, callback, 0.1)
    held = judge.look(beat, 60.2, 0.001, callback, 0.1)
    assert held is not None
    assert held.seconds < 0.01


def test_a_thread_that_waits_for_a_cpu_does_not_hold_its_loop() -> None:
    judge, beat = Judge(0.0, 0.0, 7.0), Beat(0.0, 0.0)
    callback = object()
    looks = ((0.2, 7.1), (0.3, 7.18), (0.4, 7.28))
    helds = [judge.look(beat, now, 0.0, callback, 0.1, queued_s) for now, queued_s in looks]
    assert [round(held.seconds, 3) for held in helds if held] == [0.0, 0.02, 0.02]


def test_c_code_that_keeps_the_gil_held_the_loop_for_as_long_as_it_computed() -> None:
    judge = Judge(0.0, 0.0)
    held = judge.look(Beat(0.05, 0.01), 2.0, 1.9, object(), 0.1)
    assert held is not None
    assert held.seconds == pytest.approx(1.89)


def test_frames_are_looked_at_only_once_the_loop_is_overdue() -> None:
    judge = Judge(0.0, 0.0)
    assert not judge.is_overdue(Beat(1.0, 0.0), 1.1, 0.1)
    assert judge.is_overdue(Beat(1.0, 0.0), 1.2, 0.1)


def test_the_users_own_code_is_blamed_before_what_it_calls() -> None:
    def users() -> str:
        stack = []
        frame = sys._getframe()
        stack.append(frame)
        return culprit_of(stack)

    assert users().endswith(
        "runtime/test_watchdog.py:test_the_users_own_code_is_blamed_before_what_it_calls.<locals>.users"
    )


_STOPPED = """
import asyncio, logging, sys
from crawler.runtime.watchdog import open_watchdog
logging.basicConfig(stream=sys.stdout)
async def main():
    async with open_watchdog(print, 0.4):
        print("ready", flush=True)
        while not await asyncio.to_thread(sys.stdin.readline):
            pass
        await asyncio.sleep(0.3)
asyncio.run(main())
"""


@pytest.mark.slow
def test_sigstop_is_no_blocked_loop() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _STOPPED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGCONT)
    out, _ = process.communicate("go on\n", timeout=60)
    assert (process.returncode, out) == (0, "")
