"""What happens inside a worker process: its bounds, and one batch after another.

Bounds are the kernel's: only a signal stops C code that never returns, and only the kernel refuses memory to it.
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
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import wait as wait_for
from typing import Any, NamedTuple

from ..runtime.foreign_errors import is_of_a_signal
from . import guardian
from .parcel import Parcel, pack, tamed

MAX_FILES = 64
"""Descriptors of a worker: its pipes, and what a parse function of the user's opens. It has no business with more."""
GROWN_BYTES = 96 << 20
"""What a worker may keep between pages beyond what it began with. It remembers links (`parse.news`), 16 MiB a run; what
exceeds that is a leak, or memory in fragments, and the worker makes place for a new one."""
GROWN = 75
"""The exit code that says so."""
SPOILED = 76
"""The exit code of a worker that can no longer bound what it does."""
LARGE_BYTES = 512 << 10
_MMAP_THRESHOLD = -3
"""glibc: M_MMAP_THRESHOLD."""
_WORTH_TRIMMING = 8 << 20
"""Free memory that is given back to the system between two pages, for the allocator keeps it."""
_HANDLED = (
    signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF,
    signal.SIGXCPU, signal.SIGCHLD, signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2,
)  # fmt: skip
"""Signals whose handlers are as they were after each call."""
_NO_NEW_PRIVILEGES = 38
"""Linux: PR_SET_NO_NEW_PRIVS, so that no program it starts may have more rights than itself."""


class Allowance(NamedTuple):
    """What one call may take."""

    cpu_s: float
    memory_bytes: int
    """Of address space, beyond what the worker holds when it begins."""


class Task(NamedTuple):
    """One call as it travels."""

    work: Callable[..., Any]
    args: tuple[object, ...]
    allowance: Allowance | None


def begin() -> None:
    """In a new worker: leave Ctrl-C to the parent, die with it, dump no core, write nothing to the crawl's output.

    It leads a process group of its own, and has a guardian where the system lets it: whatever it starts ends with it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the fork server may have been started by others, who hear it
    os.dup2(2, 1)  # standard output is data: what a parse function prints is talk
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if guardian.is_possible():
        guardian.stand_guard()
    os.setpgid(0, 0)
    give_memory_back()
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_FILES, MAX_FILES))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def give_memory_back() -> None:
    """What is large goes back to the system once it is freed, on glibc.

    It would otherwise learn from the first large body it frees to keep the next, and 64 kB of something else above it
    keep them all.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, LARGE_BYTES)


def _die_with_parent() -> None:
    """A worker of a killed parent would wait for work for ever: it holds both ends of its own pipe."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        with suppress(OSError):
            os.killpg(os.getpid(), signal.SIGKILL)
        os._exit(1)


def run_batch(batch: Sequence[Task]) -> Parcel:
    """Answers each call, in a worker process. A fault of our own ends the worker: then the calls are tried alone."""
    try:
        return Parcel(_run_bounded(batch))
    except BaseException:  # noqa: BLE001 - a page took the means from us to bound the next, or a signal came between
        os._exit(SPOILED)


def run_here(batch: Sequence[Task]) -> list[object]:
    """Answers each call in this process, which is not ours alone: nothing is bounded, and nothing ended."""
    return [run_one(work, args) for work, args, _ in batch]


def run_one(work: Callable[..., Any], args: tuple[object, ...]) -> object:
    """Returns what the call returned, or what it raised as an Exception. Raises nothing but Ctrl-C."""
    try:
        return work(*args)
    except BaseException as error:
        if is_of_a_signal(error):
            raise
        return tamed(error)


def _run_bounded(batch: Sequence[Task]) -> list[bytes]:
    own = os.getpid()
    memory = _memory_of_this_process()
    if memory is not None and memory.has_grown():
        os._exit(GROWN)  # nothing of this batch was begun: all of it is tried again
    handlers: dict[int, Any] = {number: signal.getsignal(number) for number in _HANDLED}
    answers = []
    for work, args, allowance in batch:
        if allowance is not None:
            _allow_cpu(allowance.cpu_s)
            if memory is not None:
                memory.allow(allowance.memory_bytes)
        answer = run_one(work, args)
        if os.getpid() != own:
            os._exit(0)  # the work forked: one of the two answers
        _silence(handlers)
        if memory is not None and allowance is not None:
            memory.allow(allowance.memory_bytes)
        answers.append(pack(answer))
        del answer
    if memory is not None:
        memory.allow(None)
    return answers


def _silence(handlers: Mapping[int, Any]) -> None:
    """Take back the alarms and signal handlers that a page may have set: they would meet another page."""
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)
    for number, handler in handlers.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _allow_cpu(seconds: float) -> None:
    """Move the kernel's CPU deadline forward."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime + seconds), hard))


class _Memory:
    """The address space of this process, looked at between calls."""

    def __init__(self) -> None:
        self._file = os.open("/proc/self/statm", os.O_RDONLY)
        self._libc = ctypes.CDLL(None)
        self._hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        self._size, self._first = self._look()

    def has_grown(self) -> bool:
        """Whether this process holds more than it should between calls."""
        return self._look()[1] - self._first > GROWN_BYTES

    def allow(self, more: int | None) -> None:
        """So many bytes beyond what is held now; None: any number."""
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
        """Address space and resident memory in bytes."""
        size, resident = os.pread(self._file, 64, 0).split()[:2]
        return int(size) * resource.getpagesize(), int(resident) * resource.getpagesize()

    def _trim(self) -> None:
        with suppress(AttributeError):  # glibc alone has it
            self._libc.malloc_trim(0)


def _memory_of_this_process() -> _Memory | None:
    """None where the platform neither tells nor bounds it: macOS."""
    if not _memory and sys.platform == "linux":
        _memory.append(_Memory())
    return _memory[0] if _memory else None


_memory: list[_Memory] = []
"""At most one: a worker process has no owner to hold it. Made with the first batch, once all is imported."""
