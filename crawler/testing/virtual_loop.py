"""An event loop that skips the time in which all only wait: timers are due at once, work takes as long as it takes.

Time goes on as it does, and jumps when the loop is idle, to the next timer. Idle is a loop that has nothing to do,
whose threads and worker processes have nothing to do, and to whose sockets nothing is on its way. Where others are
concerned (a server in another process, a child process, name servers) nothing is skipped while they have an open
connection: nobody can tell what they are about to send.
"""

from __future__ import annotations

import array
import asyncio
import fcntl
import selectors
import socket
import stat
import termios
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Executor
from contextlib import ExitStack
from os import dup, fstat
from typing import Any, TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread

from crawler.runtime import clock

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

ARRIVAL_S = 0.0005
"""How long bytes take, at most, from one socket of this process to another. On Linux they are there at once."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop whose time is that of `runtime.clock`, which it skips."""

    def __init__(self) -> None:
        self._in_executors = 0
        self._in_anyio: CapacityLimiter | None = None
        self._skipping = ExitStack()
        selector = _Skipping(self)
        super().__init__(selector)
        try:
            selector.skip = self._skipping.enter_context(clock.skipping())
        except RuntimeError:
            self.close()
            raise

    def close(self) -> None:
        super().close()
        self._skipping.close()

    def time(self) -> float:
        return clock.monotonic()

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        done = super().run_in_executor(executor, func, *args)
        self._in_executors += 1
        done.add_done_callback(self._note_end)
        return done

    def run_until_complete(self, future: Generator[Any, None, T] | Awaitable[T]) -> T:
        if self._in_anyio is None:
            super().run_until_complete(self._watch_anyio())
        return super().run_until_complete(future)

    async def _watch_anyio(self) -> None:
        """Finds the limiter that counts the threads in which anyio runs calls. A loop has one."""
        self._in_anyio = to_thread.current_default_thread_limiter()

    @property
    def is_working(self) -> bool:
        """Whether threads or worker processes have work of this loop in hand."""
        if self._in_executors or clock.is_held():
            return True
        return self._in_anyio is not None and self._in_anyio.borrowed_tokens > 0

    def _note_end(self, _: object) -> None:
        self._in_executors -= 1


class _Skipping(selectors.DefaultSelector):
    """Skips time instead of waiting, where all that is waited for is the time."""

    skip: Callable[[float], None]

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop
        self._sockets = _Sockets()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        self._sockets.add(key.fd)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = super().unregister(fileobj)
        self._sockets.remove(key.fd)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None or self._loop.is_working or self._sockets.have_strangers():
            return super().select(timeout)
        if self._sockets.may_carry_bytes() and (ready := super().select(ARRIVAL_S)):
            return ready
        self.skip(timeout)
        return []


Address = tuple[str, int]

UNKNOWN: Address = ("", 0)
"""The other end of a socket that is not connected."""
UNTOLD = -1
"""Bytes on their way of a socket that was just closed, or on a system that does not tell."""


class _Sockets:
    """The file descriptors that a loop watches: which of them lead out of this process."""

    def __init__(self) -> None:
        self._own: int | None = None
        """By this one the loop wakes itself. It is the first."""
        self._new: set[int] = set()
        self._strangers: set[int] = set()
        self._places: dict[int, Address] = {}
        """Where this process listens."""
        self._clients: dict[int, tuple[Address, Address]] = {}
        """Connections to these places: their own end, and the other one."""
        self._served: dict[int, tuple[Address, Address]] = {}
        """The other ends of them."""
        self._on_way: tuple[int, ...] = ()

    def add(self, fd: int) -> None:
        if self._own is None:
            self._own = fd
        else:
            self._new.add(fd)

    def remove(self, fd: int) -> None:
        for one in (self._new, self._strangers):
            one.discard(fd)
        for other in (self._places, self._clients, self._served):
            other.pop(fd, None)

    def have_strangers(self) -> bool:
        """Whether anything may come from outside."""
        if self._new:
            self._judge_new()
        return bool(self._strangers or self._new)

    def may_carry_bytes(self) -> bool:
        """Whether bytes were sent since the last question that may not have arrived."""
        before, self._on_way = self._on_way, tuple(_count_unconfirmed(fd) for fd in (*self._clients, *self._served))
        return UNTOLD in self._on_way or (any(self._on_way) and before != self._on_way)

    def _judge_new(self) -> None:
        """Finds out where new ones lead. They stay new while not connected, or while their other end is unknown."""
        ends: dict[int, tuple[Address, Address]] = {}
        for fd in self._new:
            match _look(fd):
                case None:
                    self._strangers.add(fd)
                case (here, None):
                    self._places[fd] = here
                case (here, there) if there != UNKNOWN:
                    ends[fd] = here, there
        self._clients |= {fd: pair for fd, pair in ends.items() if self._is_place(pair[1])}
        known = {*self._clients.values()}
        self._served |= {fd: (there, here) for fd, (here, there) in ends.items() if (there, here) in known}
        self._strangers |= {fd for fd, pair in ends.items() if not any(map(self._is_place, pair))}
        self._new -= {*self._strangers, *self._places, *self._clients, *self._served}

    def _is_place(self, address: Address) -> bool:
        places = self._places.values()
        return address in places or any((every, address[1]) in places for every in ("0.0.0.0", "::"))


def _look(fd: int) -> tuple[Address, Address | None] | None:
    """Returns both ends of a TCP socket; no other end, if it listens; None, if it is no TCP socket."""
    if not stat.S_ISSOCK(fstat(fd).st_mode):
        return None
    with socket.socket(fileno=dup(fd)) as one:
        if one.type != socket.SOCK_STREAM or one.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        here: Address = one.getsockname()[:2]
        if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return here, None
        try:
            return here, one.getpeername()[:2]
        except OSError:
            return here, UNKNOWN


def _count_unconfirmed(fd: int) -> int:
    """Returns how many bytes were sent and not confirmed yet, which may be on their way."""
    count = array.array("i", [0])
    try:
        fcntl.ioctl(fd, termios.TIOCOUTQ, count)
    except OSError:
        return UNTOLD
    return count[0]
