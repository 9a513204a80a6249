"""Calls that tests have worker processes make. Every worker imports this anew, so it imports next to nothing itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from crawler.parse import Content


def pid() -> int:
    return os.getpid()


# -- what a page may raise ---------------------------------------------------------------------------------------------


class PanicException(BaseException):
    """As libraries written in Rust raise it."""


class Mute(Exception):
    def __str__(self) -> str:
        raise SystemExit(4)

    __repr__ = __str__


class Unsendable(Exception):
    def __reduce__(self) -> Any:
        raise SystemExit(5)


class Unreadable(Exception):
    """Pickle makes it anew without its second argument."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(one)
        self.two = two


class Exploding(Exception):
    def __reduce__(self) -> Any:
        return leave, ()


class Locked(ValueError):
    def __setattr__(self, name: str, value: object) -> None:
        raise SystemExit(6)


def leave() -> None:
    sys.exit("as it is read")


class Turning(ValueError):
    """Pickle makes another error of it."""

    def __init__(self, into: type[BaseException]) -> None:
        super().__init__(into)
        self.into = into

    def __reduce__(self) -> Any:
        return self.into, ()


RAISED: list[Callable[[], BaseException]] = [
    PanicException, SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, StopIteration,
    StopAsyncIteration, MemoryError, RecursionError, Mute, Unsendable, Locked, Exploding, ValueError,
    lambda: Unreadable(1, 2), lambda: BaseExceptionGroup("two", [SystemExit(1), ValueError()]),
    *(partial(Turning, into) for into in (asyncio.CancelledError, StopIteration, SystemExit)),
]  # fmt: skip


def throw(number: int) -> None:
    error = RAISED[number]()
    raise error


def square(n: int) -> int:
    return n * n


def unsendable() -> object:
    return threading.Lock()


class Filling:
    """Nothing is left to send it with."""

    def __reduce__(self) -> Any:
        raise MemoryError("no room")


def exit_in_a_thread() -> int:
    thread = threading.Thread(target=sys.exit, args=(3,))
    thread.start()
    thread.join()
    return 7


def set_alarm() -> int:
    signal.signal(signal.SIGALRM, lambda *_: leave())
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    return os.getpid()


def pid_later() -> int:
    threading.Event().wait(0.05)
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
    return os.getpid()


def forbid_bounds() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CPU, (3600, 3600))
    resource.setrlimit = None  # type: ignore[assignment]


def raising(content: Content) -> object:
    name = content.url.path.rpartition("/")[2]
    if name == "deep":
        return raising(content)
    if name == "data":
        return threading.Lock()
    if name == "exit":
        os._exit(0)
    if name:
        throw(int(name))
    return "fine"


# -- what a page may start ---------------------------------------------------------------------------------------------


def leave_the_family(depth: int = 2) -> tuple[int, int]:
    """The worker, and a daemon that it started as daemons are: in a session of its own, its parents gone."""
    hears, tells = os.pipe()
    if not (child := os.fork()):
        for _ in range(depth):
            os.setsid()
            if os.fork():
                os._exit(0)
        os.write(tells, str(os.getpid()).encode())
        while True:
            time.sleep(60)
    os.waitpid(child, 0)
    with os.fdopen(hears) as told:
        os.close(tells)
        return os.getpid(), int(os.read(told.fileno(), 20))


DAEMON = """
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
os.execve(sys.executable, ["x", "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"], {})
"""


def start_a_program() -> int:
    """Of another kind: with no trace of us but its parents."""
    started = subprocess.Popen([sys.executable, "-Ic", DAEMON], stdout=subprocess.PIPE, start_new_session=True)
    assert started.stdout is not None
    program = int(started.stdout.readline())
    started.wait()
    return program


def die_of(told: str, number: int) -> None:
    Path(told).write_text(str(leave_the_family()[1]))
    os.kill(os.getpid(), number)


def daemonize(told: str) -> None:
    Path(told).write_text(str(leave_the_family()[1]))
