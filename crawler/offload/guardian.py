"""Runs the guardian of a worker: a process between the worker and ours that ends everything the worker started.

On Linux a process that leaves its group (`setsid`, a double fork) is adopted by the nearest ancestor that asked for
this. The guardian asks for it. It ends just after its worker and with the same status, so other processes see it in
place of the worker.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import NoReturn

_SET_DEATH_SIGNAL = 1
_SET_SUBREAPER = 36
_GET_SUBREAPER = 37
"""Linux: PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER and PR_GET_CHILD_SUBREAPER."""
_PATIENCE_S = 5.0
"""Time for killed processes to end. One that takes longer waits for a device, and is left alone."""
_ROUND_S = 0.005


@cache
def is_possible() -> bool:
    """Whether this system lets a process adopt and find its descendants."""
    if sys.platform != "linux":
        return False
    answer = ctypes.c_int()
    return ctypes.CDLL(None).prctl(_GET_SUBREAPER, ctypes.byref(answer), 0, 0, 0) == 0 and _parent(os.getpid()) > 0


def fork_guardian() -> None:
    """Forks. Returns in the child, which becomes the worker; the parent becomes its guardian and never returns."""
    own = os.getpid()
    ctypes.CDLL(None).prctl(_SET_SUBREAPER, 1, 0, 0, 0)
    os.setpgid(0, 0)
    hears, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, _note)
    worker = os.fork()
    if worker:
        _guard(worker, hears, wakes)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    os.close(hears)
    os.close(wakes)
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != own:
        os._exit(1)


def _note(number: int, frame: object) -> None:
    """Does nothing: signals are read from the pipe that wakes the guardian."""


def _guard(worker: int, hears: int, wakes: int) -> NoReturn:
    gc.disable()  # it would copy pages that are shared with the fork server
    status = 1 << 8
    try:
        status = _outlive(worker, hears, wakes)
        _end_descendants()
    finally:
        _end_as(status)


def _outlive(worker: int, hears: int, wakes: int) -> int:
    """Waits for the worker's end and returns its status. Kills it on SIGTERM, or when the crawl's process is gone."""
    parent = multiprocessing.parent_process()
    watched = [hears] if parent is None else [hears, parent.sentinel]
    close_all_but([*watched, wakes])
    while True:
        ready = wait_for(watched)
        if parent is not None and parent.sentinel in ready:
            watched = [hears]
            os.kill(worker, signal.SIGKILL)
        if hears in ready and signal.SIGTERM in os.read(hears, 256):
            os.kill(worker, signal.SIGKILL)
        for pid, status in _reap():
            if pid == worker:
                return status


def _reap() -> Iterator[tuple[int, int]]:
    """Yields process id and status of each child that has ended, adopted ones too."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            yield ended


def _end_descendants() -> None:
    """Kills the remaining children. Their own children are adopted then, and killed in the next round."""
    until = time.monotonic() + _PATIENCE_S
    while _has_children() and time.monotonic() < until:
        own = os.getpid()
        for pid in [int(name) for name in os.listdir("/proc") if name.isdecimal()]:
            if _parent(pid) == own:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(_ROUND_S)


def _has_children() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return False
    return True


def _parent(pid: int) -> int:
    """Returns the parent's process id; 0 if there is no such process, or the system does not say."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _end_as(status: int) -> NoReturn:
    """Ends this process as the worker ended, so that others see the worker's fate."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with suppress(OSError):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1)


def close_all_but(kept: list[int]) -> None:
    """Closes the worker's pipes in this process. Otherwise other processes would not notice the worker's end."""
    for name in os.listdir("/proc/self/fd"):
        if (file := int(name)) > 2 and file not in kept:
            with suppress(OSError):
                os.close(file)
