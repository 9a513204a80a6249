"""Sends settled records from the spool, message by message, and keeps how far it came.

The end of a message is kept before its first attempt: a process that is killed amid it makes the same message again,
with the same id, by which the receiver recognises it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import anyio
import orjson

from ...errors import CrawlError, SinkError
from ...model import Post, PostResult
from ...runtime.clock import monotonic
from ...runtime.private_files import check_place, opener, replace_private_file
from ..jsonl.writing import off_loop
from ..patience import Patience
from ..spool import Place, Spool
from .messages import Limits, Message, Target, make_message

SENT = "sent.json"
LONGEST_REST_S = 3600.0
"""The longest Retry-After that is obeyed."""


class Sending:
    """Sends what is settled until it is told to end; `trouble` says why it gave up."""

    def __init__(self, spool: Spool, target: Target, post: Post, limits: Limits, give_up_s: float) -> None:
        self._spool = spool
        self._target = target
        self._post = post
        self._limits = limits
        self._crawl = ""
        self._sent, self._until = Place(1, 0), 0
        """All before the one place was taken; the message under way ends at byte `until` of the same file; 0: none."""
        self._settled = Place(1, 0)
        self._waiting = 0
        """How many records wait, as far as this process knows."""
        self._since: float | None = None
        """When the oldest record that waits was settled; None: none waits."""
        self._is_ending = False
        self._moved = asyncio.Event()
        self._advanced = asyncio.Event()
        self.patience: Patience = Patience(target.site, give_up_s)
        self.trouble: CrawlError | None = None

    def begin(self, crawl: str) -> None:
        """Takes the crawl whose records it sends."""
        self._crawl = crawl

    def load(self, settled: Place | None) -> bool:
        """Reads how far the last process came, and starts over if nothing is settled. Blocks.

        Returns whether the last settled file may be gone, for all its records were taken.
        """
        path = self._spool.folder / SENT
        if settled is None:
            path.unlink(missing_ok=True)
            return False
        self._settled = settled
        if check_place(path) is not None:
            self._take_up(settled, *self._read_sent(path))
        self._since = monotonic() - self._limits.age_s if self._sent < settled else None
        return self._sent == settled

    def _read_sent(self, path: Path) -> tuple[Place, int]:
        with open(path, "rb", opener=opener) as file:
            try:
                segment, start, until = orjson.loads(file.read())
            except ValueError as error:
                raise SinkError(f"{path} cannot be read: put it back, or start over with --fresh") from error
        return Place(segment, start), until

    def _take_up(self, settled: Place, sent: Place, until: int) -> None:
        """Goes on where the last process was. After a power cut, less may be settled than it had sent."""
        self._sent = min(sent, settled)
        self._until = until if sent <= settled and (sent.segment, until) <= settled else 0
        if self._sent.segment < settled.segment and check_place(self._spool.path(self._sent.segment)) is None:
            self._sent, self._until = Place(self._sent.segment + 1, 0), 0

    async def wait_for_room(self, segment: int) -> None:
        """Waits until all records up to this file were taken, or it gave up."""
        while self._sent.segment <= segment and not self.trouble:
            self._advanced.clear()
            await self._advanced.wait()

    def note_settled(self, settled: Place, records: int) -> None:
        """Hears that so many records more, up to this place, may be sent."""
        self._settled = settled
        self._waiting += records
        if self._since is None and self._sent < settled:
            self._since = monotonic()
        self._moved.set()

    def end(self) -> None:
        """Makes `run` return once all that is settled was taken."""
        self._is_ending = True
        self._moved.set()

    async def run(self) -> None:
        """Sends. Returns when it is told to end and nothing is left, or once it gave up: see `trouble`."""
        try:
            while await self._wait_until_due():
                await self._send_next()
        except CrawlError as error:
            self.trouble = error
        finally:
            self._advanced.set()

    async def _wait_until_due(self) -> bool:
        """Waits for a message's worth of records; returns False at the end."""
        while True:
            self._moved.clear()
            if self._since is None:
                if self._is_ending:
                    return False
                await self._moved.wait()
                continue
            left_s = self._since + self._limits.age_s - monotonic()
            if self._is_ending or left_s <= 0 or self._until or self._has_enough():
                return True
            with anyio.move_on_after(left_s):
                await self._moved.wait()

    def _has_enough(self) -> bool:
        is_here = self._sent.segment == self._settled.segment
        size = self._settled.bytes - (self._sent.bytes if is_here else 0)
        return self._waiting >= self._limits.records or size >= self._limits.bytes

    async def _send_next(self) -> None:
        lines, end = await off_loop(self._read)
        if lines:
            self._until = end
            await off_loop(self._keep)
            await self._deliver(make_message(self._crawl, self._target.name, lines))
            self._sent, self._until = Place(self._sent.segment, end), 0
            self._waiting = max(0, self._waiting - len(lines))
        elif self._sent.segment < self._settled.segment:  # all of this file was taken
            await off_loop(self._spool.remove, self._sent.segment)
            self._sent = Place(self._sent.segment + 1, 0)
            self._advanced.set()
        self._since = monotonic() if self._sent < self._settled else None
        if self._since is None:
            await off_loop(self._keep)

    def _read(self) -> tuple[Sequence[bytes], int]:
        """Returns the records of the next message, and the byte at which they end. Blocks."""
        is_last = self._sent.segment == self._settled.segment
        end = self._settled.bytes if is_last else self._spool.path(self._sent.segment).stat().st_size
        if self._until:
            lines = self._spool.read(self._sent, self._until, 1 << 30, 1 << 40)
        else:
            lines = self._spool.read(self._sent, end, self._limits.records, self._limits.bytes)
        return lines, self._sent.bytes + sum(map(len, lines))

    def _keep(self) -> None:
        """Stores how far it came. Blocks."""
        with replace_private_file(self._spool.folder / SENT) as file:
            file.write(orjson.dumps([*self._sent, self._until]))

    async def _deliver(self, message: Message) -> None:
        """Posts a message until it is taken. Raises SinkError if it never is."""
        while True:
            result = await self._post(self._target.url, message.body, message.fields(self._target.secret))
            if not result.why:
                self.patience.note_success()
                return
            if result.is_final:
                raise SinkError(self._explain_end(result))
            await self.patience.pause(result.why, min(result.retry_after_s, LONGEST_REST_S))

    def _explain_end(self, result: PostResult) -> str:
        return (
            f"{self._target.site} wants no more messages ({result.why}). Pages that it has not taken wait in "
            f"{self._spool.folder}, and the next run sends them"
        )
