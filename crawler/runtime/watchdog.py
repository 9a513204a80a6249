"""Notices an event loop that stands still, and names the code that holds it.

A thread looks at the thread of the loop a few times within the time that is allowed. A callback that it sees twice in
one turn of the loop holds the loop; many short callbacks do not. Time in which this thread could not run either (the
process was stopped, the machine slept, C code kept the GIL) counts as far as the loop's thread was on a CPU. Time in
which the loop's thread could run and had no CPU, since others had all of them, does not count (Linux tells it).
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import field
from itertools import accumulate, chain, repeat, starmap, takewhile
from operator import methodcaller
from pathlib import Path
from types import FrameType
from typing import NamedTuple
from weakref import WeakKeyDictionary

from ..dataclass import dataclass
from .clock import is_skipping

log = logging.getLogger(__name__)

LOOKS = 4
"""Looks within the time that is allowed: a stall that is not noticed lasts less than twice as long."""
MAX_CULPRITS = 1000
SHOWN_FRAMES = 12
_OUTSIDE = ("site-packages", "dist-packages")
_CALL = asyncio.Handle._run.__code__
"""The code where asyncio's own loops call a callback. Other loops are written in C and have no frames."""
_OWN = __name__.partition(".")[0]


@dataclass(slots=True)
class Stall:
    """One stretch in which a single callback kept the loop from turning."""

    culprit: str
    """`file.py:function`: the innermost frame of the user's code; without one, of the code that we called; else of
    ours."""
    stack: tuple[str, ...] = ()
    """`function file.py:line`, innermost first, up to the callback."""
    seconds: float = 0.0
    """Least length of the stall."""
    cpu_s: float = 0.0
    """Seconds of it in which the loop's thread was on a CPU, where the platform tells."""


Report = Callable[[Stall], None]


@asynccontextmanager
async def open_watchdog(report: Report, after_s: float) -> AsyncIterator[None]:
    """Calls `report` with each stall inside the block that is longer than `after_s`.

    The call comes on the running loop once the stall is over. While a stall lasts, it is logged: a loop that never
    turns again is named too. A culprit's stalls are logged at its first, second, fourth, ... Several watchdogs on one
    loop share one thread. Zero: nothing is watched, nor where a test skips time.
    """
    if not after_s or is_skipping():
        yield
        return
    loop = asyncio.get_running_loop()
    dog = _dogs.get(loop)
    if dog is None:
        dog = _dogs[loop] = _Watchdog(loop)
    owner = _Owner(report, after_s)
    dog.join(owner)
    try:
        yield
    finally:
        if dog.leave(owner):
            del _dogs[loop]


class _Owner(NamedTuple):
    report: Report
    after_s: float


class _Watchdog:
    """Watches one loop: a thread that looks, and a timer on the loop that shows it turning."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._owners: list[_Owner] = []
        self._every_s = 0.0
        self._timer: asyncio.Handle | None = None
        self._is_over = False
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="crawld watchdog", daemon=True)
        self._cpu_s = _cpu_clock(threading.get_ident())
        self._queued_s = _queue_clock(threading.get_native_id())
        self._looped_by = threading.get_ident()
        self._depth = sys.maxsize
        """Number of frames below a callback, all of them the loop's own."""
        self._beat = Beat(time.monotonic(), time.thread_time())
        self._stalls: list[Stall] = []
        self._times: Counter[str] = Counter()

    # -- on the loop -------------------------------------------------------------------------------------------------

    def join(self, owner: _Owner) -> None:
        self._owners.append(owner)
        self._every_s = min(owner.after_s for owner in self._owners) / LOOKS
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_soon(self._turn)
        self._woken.set()
        if not self._thread.is_alive():
            self._thread.start()

    def leave(self, owner: _Owner) -> bool:
        """Removes an owner; returns whether none is left, and the thread has ended."""
        self._report_stalls()
        self._owners = [one for one in self._owners if one is not owner]
        if self._owners:
            return False
        if self._timer is not None:
            self._timer.cancel()
        self._is_over = True
        self._woken.set()
        self._thread.join(1.0)  # a log handler may keep the thread, and we do not wait for that
        return True

    def _turn(self) -> None:
        self._depth = len(_frames(threading.get_ident())) - 2  # without this function and that one
        self._beat = Beat(time.monotonic(), time.thread_time())
        self._timer = self._loop.call_later(self._every_s, self._turn)
        self._report_stalls()

    def _report_stalls(self) -> None:
        stalls, self._stalls = self._stalls, []
        for stall in stalls:
            for owner in self._owners:
                if stall.seconds >= owner.after_s:
                    owner.report(stall)

    # -- in the thread -----------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        judge = self._make_judge()
        noted: Stall | None = None
        while not self._is_over:
            if self._woken.wait(self._every_s):  # from now on by another interval
                self._woken.clear()
                judge = self._make_judge()
                continue
            beat, now, cpu_s = self._beat, time.monotonic(), self._cpu_s()
            stack = self._callback() if judge.is_overdue(beat, now, self._every_s) else ()
            held = judge.look(beat, now, cpu_s, stack[0] if stack else None, self._every_s, self._queued_s())
            if held is None or held.is_another:
                noted = None
            if held is not None and held.seconds >= self._every_s * LOOKS:
                noted = noted or self._note_stall(stack, held)
                noted.seconds, noted.cpu_s = held.seconds, held.cpu_s
            del stack  # a frame keeps what its function holds

    def _make_judge(self) -> Judge:
        return Judge(time.monotonic(), self._cpu_s(), self._queued_s())

    def _callback(self) -> list[FrameType]:
        """Returns the frames of the callback that the loop is in, outermost first; none while the loop is idle."""
        frames = _frames(self._looped_by) if self._loop.is_running() else []
        if not isinstance(self._loop, asyncio.BaseEventLoop):
            return frames[self._depth :]
        begins = [at for at, frame in enumerate(frames) if frame.f_code is _CALL]
        return frames[begins[-1] + 1 :] if begins else []

    def _note_stall(self, stack: Sequence[FrameType], held: Held) -> Stall:
        stall = Stall(
            culprit_of(stack),
            tuple(f"{frame.f_code.co_qualname} {_place(frame)}:{frame.f_lineno}" for frame in reversed(stack)),
            held.seconds,
            held.cpu_s,
        )
        self._stalls.append(stall)
        if stall.culprit in self._times or len(self._times) < MAX_CULPRITS:
            self._times[stall.culprit] += 1
        times = self._times[stall.culprit]
        if times & (times - 1) == 0:
            log.warning(
                "%s keeps the event loop waiting (%.2f s so far, %.2f s of it computing; stall %s), and with it "
                "all visits: let it await, or give it to a thread (asyncio.to_thread). Innermost first: %s",
                stall.culprit, held.seconds, held.cpu_s, times, " < ".join(stall.stack[:SHOWN_FRAMES]),
            )  # fmt: skip
        return stall


class Beat(NamedTuple):
    """The last turn of the loop: when, and how much CPU its thread had used."""

    at: float
    cpu_s: float


class Held(NamedTuple):
    """Seconds in which one callback has kept the loop, and those on a CPU."""

    seconds: float
    cpu_s: float
    is_another: bool = False
    """Whether it is not the callback of the look before, or not in the same turn."""


@dataclass(slots=True)
class Judge:
    """Tells a loop that is held from one that is busy, and from a process that slept. Pure: time comes in."""

    looked: float
    cpu_s: float
    queued_s: float = 0.0
    _beat: Beat | None = None
    _callback: object = None
    _held: Held = field(default=Held(0.0, 0.0))

    def is_overdue(self, beat: Beat, now: float, every_s: float) -> bool:
        """Returns whether frames are worth a look: the loop turns every `every_s` if nothing holds it."""
        return now - beat.at > 1.5 * every_s

    def look(
        self, beat: Beat, now: float, cpu_s: float, callback: object, every_s: float, queued_s: float = 0.0
    ) -> Held | None:
        """Returns how long `callback` has held the loop since its last beat. None: nothing does.

        `queued_s` are the seconds in which the loop's thread has waited for a CPU so far.
        """
        gap, used, queued = now - self.looked, cpu_s - self.cpu_s, queued_s - self.queued_s
        is_late = gap > 2 * every_s
        if callback is None:
            held = None
        elif callback is self._callback and beat == self._beat:
            lasted = min(gap, used) if is_late else max(gap - queued, 0.0)
            held = Held(self._held.seconds + lasted, self._held.cpu_s + used)
        else:
            unseen = min(now - beat.at, cpu_s - beat.cpu_s) if is_late else 0.0
            held = Held(unseen, unseen, is_another=True)
        self.looked, self.cpu_s, self.queued_s, self._beat, self._callback = now, cpu_s, queued_s, beat, callback
        self._held = held or Held(0.0, 0.0)
        return held


_dogs: WeakKeyDictionary[asyncio.AbstractEventLoop, _Watchdog] = WeakKeyDictionary()
"""One watchdog a loop, shared by all crawls on it: they stand still together."""


def culprit_of(stack: Sequence[FrameType]) -> str:
    """Returns `file.py:function` of the frame that most likely is to blame; `stack` has its outermost frame first."""
    users = [frame for frame in stack if not _is_ours(frame) and not _is_installed(frame)]
    last_own = max((at for at, frame in enumerate(stack) if _is_ours(frame)), default=-1)
    called = [frame for frame in stack[last_own + 1 :] if not _is_standard(frame)]
    own = [frame for frame in stack if _is_ours(frame)]
    frame = (users[-1:] or called[:1] or own[-1:] or stack[-1:])[0]
    return f"{_place(frame)}:{frame.f_code.co_qualname}"


def _is_ours(frame: FrameType) -> bool:
    return _module(frame) == _OWN


def _is_installed(frame: FrameType) -> bool:
    return _is_standard(frame) or any(name in Path(frame.f_code.co_filename).parts for name in _OUTSIDE)


def _is_standard(frame: FrameType) -> bool:
    return _module(frame) in sys.stdlib_module_names or frame.f_code.co_filename.startswith("<frozen")


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _place(frame: FrameType) -> str:
    """Returns folder and file: enough to find it, short enough for a line."""
    return "/".join(Path(frame.f_code.co_filename).parts[-2:])


def _frames(thread: int) -> list[FrameType]:
    """Returns the frames of a thread, outermost first.

    No line of Python runs meanwhile, so the thread stands still: the `f_back` of a frame that has ended in between may
    point to memory that is another's by then, and reading it ended the process once (CPython 3.11.7).
    """
    innermost = map(methodcaller("get", thread), starmap(sys._current_frames, ((),)))
    each = accumulate(chain(innermost, repeat("f_back")), getattr)
    return list(takewhile(bool, each))[::-1]


def _cpu_clock(thread: int) -> Callable[[], float]:
    """Returns a clock of the CPU seconds of a thread; always zero where the platform does not tell (macOS)."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return lambda: 0.0
    clock = time.pthread_getcpuclockid(thread)
    return lambda: time.clock_gettime(clock)


def _queue_clock(thread: int) -> Callable[[], float]:
    """Returns a clock of the seconds in which a thread of this process waited for a CPU (proc(5), schedstat).

    Zero where the platform does not tell.
    """
    path = f"/proc/self/task/{thread}/schedstat"

    def read() -> float:
        try:
            with open(path, "rb") as file:
                return int(file.read().split()[1]) / 1e9
        except (OSError, ValueError, IndexError):
            return 0.0

    return read
