"""Keeps the number of connections within the limit of open files, so that a low limit makes no fetch fail."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
from collections import deque
from typing import Protocol

from ..errors import OutOfFiles

log = logging.getLogger(__name__)

RESERVE, RESERVED_PART = 32, 8
"""Files left for everything else (outputs, worker processes, name servers): 32, or an eighth of a limit above 256."""
LEAST = 8
"""Connections that must remain when files are set apart for something else."""
PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0)
"""Pauses before the next attempts when there was no file for a connection. Meanwhile others may be closed."""


class Idle(Protocol):
    """A connection that waits for its site's next turn."""

    def close(self) -> None: ...


class Files:
    """Bounds the connections of all fetchers of a process by RLIMIT_NOFILE, read when this object is made.

    Exchanges go in and out as through a gate. If the system runs out of files all the same, `run_out` lowers the bound
    to the connections that have one. The bound grows again with each exchange that leaves.
    """

    def __init__(self) -> None:
        self.soft: int = _limit()
        open_now = _open_files()
        self.room: int = max(1, self.soft - open_now - max(RESERVE, self.soft // RESERVED_PART))
        self.open = 0
        """Open connections, idle ones included."""
        self.idle: dict[Idle, None] = {}
        self._most = float(self.room)
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_said = False

    def check(self, wanted: int) -> None:
        """Warns in the log, once, if there is no room for this many connections at a time."""
        if wanted > self.room:
            self._say(self.room, f"at a time instead of fetch.concurrency = {wanted}")

    def set_apart(self, number: int) -> bool:
        """Sets files apart for another long-lived use. Returns False, and changes nothing, if too few would remain."""
        if self.room < LEAST + number:
            return False
        self.room -= number
        self._most = min(self._most, self.room)
        return True

    def take_back(self, number: int) -> None:
        self.room += number
        self._most += number

    @property
    def is_short(self) -> bool:
        """Whether an idle connection should be closed rather than kept."""
        return self.open > self.room // 2

    def is_entered(self) -> bool:
        """Goes in and returns True if there is room now. After False, call `enter`. Both need a `leave` at the end."""
        if self._inside + 1 > self._most:
            return False
        self._inside += 1
        return True

    async def enter(self) -> None:
        """Waits for a place, in order of arrival, and goes in."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        self._inside -= 1
        if self._most < self.room:
            self._most = min(self.room, self._most + 1 / self._most)
        if self._waiting:
            self._admit()

    def make_room(self) -> None:
        """Closes the connection that has been idle longest, if there is no room for one more."""
        if self.open >= self.room and self.idle:
            self._close_one()

    async def run_out(self, error: OutOfFiles, times: int) -> None:
        """Waits before the next attempt when no file was left, for the `times`th time; in the end raises `error`."""
        self._most = max(1.0, float(min(int(self._most), self.open - len(self.idle))))
        while self.idle:
            self._close_one()
        self._say(int(self._most), "at a time for now")
        if times > len(PAUSES_S):
            raise error
        await asyncio.sleep(PAUSES_S[times - 1])

    def _admit(self) -> None:
        while self._waiting and self._inside + 1 <= self._most:
            turn = self._waiting.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)

    def _close_one(self) -> None:
        connection = next(iter(self.idle))
        del self.idle[connection]
        connection.close()

    def _say(self, number: int, when: str) -> None:
        if not self._is_said:
            self._is_said = True
            advice = "raise the limit (ulimit -n) or lower fetch.concurrency"
            log.warning("open files are limited to %s: %s connections %s; %s", self.soft, number, when, advice)


def _limit() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft > 0 else 1 << 20


def _open_files() -> int:
    try:
        return len(os.listdir("/dev/fd"))
    except OSError:  # no such folder here, or no file left to read it
        return 2 * RESERVE
