"""Keeps connections within the limit of open files: fewer at a time where it is low, and none fails for it."""

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
"""Files left to all else: what the crawl writes, worker processes, name servers; an eighth of a limit above 256."""
LEAST = 8
"""Connections that are left when all else had its share."""
PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0)
"""Before a connection is tried again for which there was no file: others may come free, ours or not."""


class Idle(Protocol):
    """A connection that waits for its site's next turn."""

    def close(self) -> None: ...


class Files:
    """Room for the connections of all fetchers of a process, by the limit (RLIMIT_NOFILE) when it is made.

    Exchanges go in and out as through a gate. Where the system is out of files all the same, `run_out` lets no more in
    than have one, and the number grows again with each exchange that leaves.
    """

    def __init__(self) -> None:
        self.soft, open_now = _limit(), _open_files()
        self.room = max(1, self.soft - open_now - max(RESERVE, self.soft // RESERVED_PART))
        self.open = 0
        """Connections, idle ones included."""
        self.idle: dict[Idle, None] = {}
        self._most = float(self.room)
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_said = False

    def check(self, wanted: int) -> None:
        """Say in the log, once, that there is no room for so many connections at a time."""
        if wanted > self.room:
            self._say(self.room, f"at a time instead of fetch.concurrency = {wanted}")

    def set_apart(self, number: int) -> bool:
        """Leave so many to something else that lasts; False: too few would be left, and nothing has changed."""
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
        """Whether an idle connection had better be closed."""
        return self.open > self.room // 2

    def is_entered(self) -> bool:
        """Go in if there is room now; else False, and `enter` is the way. Whoever is in must `leave`."""
        if self._inside + 1 > self._most:
            return False
        self._inside += 1
        return True

    async def enter(self) -> None:
        """Go in, after those who came before."""
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
        """For one more connection: the one that is idle longest makes way where there is none."""
        if self.open >= self.room and self.idle:
            self._close_one()

    async def run_out(self, error: OutOfFiles, times: int) -> None:
        """No file for a connection, for the `times`th time: returns when to try again, or raises the error again."""
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
