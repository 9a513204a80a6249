"""Runs inside a worker process: sets its limits, and works on one batch after another.

The kernel enforces the limits: only a signal stops C code that never returns, and only the kernel can refuse memory to
it.
"""

from __future__ import annotations

import ctypes
import math
import multiprocessing
import os
import resource
import signal
import sys
import threading
from _signal import getsignal  # type: ignore[import-not-found]  # that of `signal` makes enums, 8 µs a page
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import wait as wait_for
from typing import Any, NamedTuple

from ..runtime.foreign_errors import is_of_a_signal
from . import guardian
from .packing import PackedAnswers, make_safe, pack
from .shared_bytes import Parcel, SharedBytes

MAX_FILES = 64
"""Open files of a worker: its pipes, and those of the user's parse function. It needs no more."""
GROWN_BYTES = 96 << 20
"""Memory that a worker may keep between pages in addition to what it began with.

It remembers links (`parse.news`), 16 MiB a run. More than this is a leak or fragmented memory, so the worker ends and
is replaced.
"""
GROWN = 75
"""The exit code of a worker that has grown too large."""
SPOILED = 76
"""The exit code of a worker that can no longer enforce its limits."""
LARGE_BYTES = 512 << 10
_STEP_BYTES = 1 << 20
"""The heap grows by this much at least."""
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
"""glibc: M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD."""
_WORTH_TRIMMING = 8 << 20
"""Free memory from this size on is returned to the system between two pages; the allocator would keep it."""
_HANDLED = (
    signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF,
    signal.SIGXCPU, signal.SIGCHLD, signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2,
)  # fmt: skip
"""Signals whose handlers are restored after each call."""
_NO_NEW_PRIVILEGES = 38
"""Linux: PR_SET_NO_NEW_PRIVS, so that no program a worker starts has more rights than the worker."""


class Allowance(NamedTuple):
    """The CPU time and memory that one call may use."""

    cpu_s: float
    memory_bytes: int
    """Address space in addition to that of the worker when the call begins."""


class Task(NamedTuple):
    """One call as it is sent to a worker."""

    work: Callable[..., Any]
    args: tuple[object, ...]
    allowance: Allowance | None


def begin(shared: SharedBytes | None = None) -> None:
    """Prepares a new worker: ignores Ctrl-C, ends with its parent, dumps no core, keeps standard output free.

    The worker leads its own process group, and has a guardian where the system allows it. So every process that it
    starts ends with it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a fork server started by others may not ignore it
    os.dup2(2, 1)  # standard output carries the crawl's data, so prints of a parse function go to stderr
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if guardian.is_possible():
        guardian.fork_guardian()
    os.setpgid(0, 0)
    give_memory_back()
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_FILES, MAX_FILES))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    if shared:
        _shared.append(shared)


def give_memory_back() -> None:
    """Makes glibc return large blocks to the system as soon as they are freed, and keep small ones.

    Otherwise glibc keeps large blocks after the first one is freed, and 64 kB of something else above them keep all of
    them from being returned. With this threshold set, glibc no longer adapts the one for the end of the heap either: it
    would return all above 128 kB after each page and get it back for the next one, which is 30 page faults a page.
    """
    with suppress(AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        libc.mallopt(_TRIM_THRESHOLD, _WORTH_TRIMMING)
        libc.mallopt(_TOP_PAD, _STEP_BYTES)


def _die_with_parent() -> None:
    """Ends this process group when the parent ends.

    A worker holds both ends of its own pipe, so without this it would wait for work for ever.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        with suppress(OSError):
            os.killpg(os.getpid(), signal.SIGKILL)
        os._exit(1)


def run_batch(batch: Sequence[Task]) -> PackedAnswers:
    """Answers each call, in a worker process. If our own code fails, the worker ends, and each call is tried alone."""
    try:
        return PackedAnswers(_run_bounded(batch))
    except BaseException:  # noqa: BLE001 - a page broke our limits for the next call, or a signal came in between
        os._exit(SPOILED)


def run_parcel(parcel: Parcel) -> PackedAnswers:
    """Answers each call of a batch whose bodies lie in shared memory."""
    return run_batch(_shared[0].unpack(parcel))


def run_here(batch: Sequence[Task]) -> list[object]:
    """Answers each call in this process, without limits: it is shared with other code, so it may not be ended."""
    return [run_one(work, args) for work, args, _ in batch]


def run_one(work: Callable[..., Any], args: tuple[object, ...]) -> object:
    """Returns what the call returned, or what it raised as an Exception. Raises nothing but Ctrl-C."""
    try:
        return work(*args)
    except BaseException as error:
        if is_of_a_signal(error):
            raise
        return make_safe(error)


def _run_bounded(batch: Sequence[Task]) -> list[bytes]:
    own = os.getpid()
    memory = _memory_of_this_process()
    if memory is not None and memory.has_grown():
        os._exit(GROWN)  # no call of this batch has begun, so all are tried again
    handlers: dict[int, Any] = {number: getsignal(number) for number in _HANDLED}
    answers = []
    for work, args, allowance in batch:
        if allowance is not None:
            _allow_cpu(allowance.cpu_s)
            if memory is not None:
                memory.allow(allowance.memory_bytes)
        answer = run_one(work, args)
        if os.getpid() != own:
            os._exit(0)  # the work forked; only the original process answers
        _silence(handlers)
        if memory is not None and allowance is not None:
            memory.allow(allowance.memory_bytes)
        answers.append(pack(answer))
        del answer
    if memory is not None:
        memory.allow(None)
    return answers


def _silence(handlers: Mapping[int, Any]) -> None:
    """Removes alarms and signal handlers that the work for one page set, so that they do not hit the next page."""
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)
    for number, handler in handlers.items():
        if getsignal(number) is not handler:
            signal.signal(number, handler)


def _allow_cpu(seconds: float) -> None:
    """Sets the kernel's CPU limit to `seconds` more than used up to now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime + seconds), hard))


class _Memory:
    """Measures and limits the address space of this process between calls."""

    def __init__(self) -> None:
        self._file = os.open("/proc/self/statm", os.O_RDONLY)
        self._libc = ctypes.CDLL(None)
        self._hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        self._size, self._first = self._look()

    def has_grown(self) -> bool:
        """Whether this process holds more memory than allowed between calls."""
        return self._look()[1] - self._first > GROWN_BYTES

    def allow(self, more: int | None) -> None:
        """Limits the address space to `more` bytes above the present; None removes the limit."""
        if more is None:
            resource.setrlimit(resource.RLIMIT_AS, (self._hard, self._hard))
            return
        size = self._look()[0]
        if size - self._size > _WORTH_TRIMMING:
            self._trim()
            size = self._size = self._look()[0]
        most = size + more
        resource.setrlimit(resource.RLIMIT_AS, (most if self._hard < 0 else min(most, self._hard), self._hard))

    def _look(self) -> tuple[int, int]:
        """Returns address space and resident memory in bytes."""
        size, resident = os.pread(self._file, 64, 0).split()[:2]
        return int(size) * resource.getpagesize(), int(resident) * resource.getpagesize()

    def _trim(self) -> None:
        with suppress(AttributeError):  # only glibc has it
            self._libc.malloc_trim(0)


def _memory_of_this_process() -> _Memory | None:
    """Returns the memory of this process, or None on macOS, which neither measures nor limits it."""
    if not _memory and sys.platform == "linux":
        _memory.append(_Memory())
    return _memory[0] if _memory else None


_shared: list[SharedBytes] = []
"""Holds the memory that the parent writes bodies into, if there is any."""
_memory: list[_Memory] = []
"""Holds at most one element, made with the first batch once all modules are imported. It is global because nothing in
a worker process could own it."""
