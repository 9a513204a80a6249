"""Keeps the bytes of all bodies in memory together below one limit."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import NamedTuple

from ..model import NO_SHARE, Share
from ..settings import FetchConfig

log = logging.getLogger(__name__)

SMALL_BYTES = 64 << 10
"""Every body may hold this much even while others wait. Most pages need no more."""
SPARE_BYTES = 16 << 20
"""Set aside for SMALL_BYTES: enough for the 256 visits that run at once by default."""
STUCK_S = 60.0
"""Seconds without any memory given back after which a body that waits for some is worth a warning."""
HEADS_BYTES = 1 << 19
"""The most that the heads of one answer are charged beside its body: MAX_HEAD_BYTES of `wire`, and one read."""


def make_budget(config: FetchConfig) -> Budget:
    """Returns the budget that the settings give to responses."""
    return Budget(config.budget_bytes, config.max_body_bytes + HEADS_BYTES)


class Budget:
    """Shares `limit_bytes` among all responses, from their first byte until they are released.

    A reader takes the bytes of its body from the budget. While none are left it waits, and its connection is paused.
    This cannot deadlock. Whole bodies are released further down the line, by code that waits for no fetch. If no whole
    body is held, all used bytes belong to half-read bodies: then one waiting body may overdraw, up to the largest body
    allowed, until it is whole or has failed. The overdraft is set aside in advance, so the limit holds all the same.
    Space for small bodies is set aside too; otherwise servers that send much and then stall would hold up every page.

    A response that nobody released gives its bytes back when Python collects it.
    """

    def __init__(self, limit_bytes: int, largest_bytes: int) -> None:
        self.limit: int = max(limit_bytes, 2 * largest_bytes)
        self._used = 0
        self._spare = min(SPARE_BYTES, self.limit - 2 * largest_bytes)
        self._common = self.limit - largest_bytes - self._spare
        self._whole_bytes = 0
        self._queue: deque[_Claim] = deque()
        self._overdrawing: BodyShare | None = None
        self._lost: deque[tuple[int, bool]] = deque()
        """Bytes of shares that were collected before they were given back, and whether their body was whole."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_warned = False
        self._returns = 0
        """How many times memory was given back."""

    @property
    def used(self) -> int:
        """Bytes that responses take now."""
        self._collect()
        return self._used

    @property
    def is_short(self) -> bool:
        """Whether a body waits for bytes and there is no room for even a small one."""
        return bool(self._queue) and self.used + SMALL_BYTES > self._common + self._spare

    def open(self) -> BodyShare:
        """Opens a share for one response. Give it back once, or let its response do so."""
        share = BodyShare(self)
        opened = _opened.get()
        if opened is not None:
            opened.give_back_whole()
            opened.add(share)
        return share

    def _give_back(self, size: int, is_whole: bool) -> None:
        self._used -= size
        self._returns += 1
        if is_whole:
            self._whole_bytes -= size
        if self._queue:
            self._serve()

    def _serve(self) -> None:
        """Grants the claims that fit, in order of arrival; if none fits, lets one half-read body overdraw."""
        while self._queue and self._used + self._queue[0].size <= self._common:
            _grant(self._queue.popleft())
        if self._overdrawing or self._whole_bytes:
            return
        claim = next((claim for claim in self._queue if claim.share.held), None)
        if claim:
            self._queue.remove(claim)
            self._overdrawing = claim.share
            _grant(claim)

    def _warn_if_stuck(self, claim: _Claim, returns: int) -> None:
        """Logs that the crawl stands still because somebody keeps the memory of responses."""
        if claim in self._queue and returns == self._returns:
            log.warning(
                "no memory for bodies was given back for %g s, and %s bytes are in use: fetches wait for it. Code that "
                "keeps responses should call their release(); a Fetcher made by open_crawl(fetcher=lambda inner: ...) "
                "need not",
                STUCK_S, f"{self._used:,}",
            )  # fmt: skip

    def _lose(self, size: int, is_whole: bool) -> None:
        """Notes bytes of a collected share. Python may call this in any thread, and in the middle of our own code."""
        self._lost.append((size, is_whole))
        if self._queue and self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._collect)

    def _collect(self) -> None:
        """Gives back the bytes of collected shares, on the loop."""
        if self._lost and not self._has_warned:
            self._has_warned = True
            log.warning(
                "a response was dropped without release(), so its memory was missing until Python collected it: a "
                "Fetcher that does not return a response of another Fetcher should release it"
            )
        while self._lost:
            self._give_back(*self._lost.popleft())


class BodyShare:
    """The bytes that one response takes of the budget. Implements `model.Share`."""

    __slots__ = ("_budget", "held", "is_over", "is_whole")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.held: int = 0
        self.is_whole: bool = False
        """Whether the body was read to its end."""
        self.is_over: bool = False
        """Whether it was given back."""

    def take(self, size: int) -> bool:
        """Charges `size` more bytes and returns True if this needs no waiting. After False, call `wait`."""
        budget = self._budget
        if budget._lost:
            budget._collect()
        if budget._overdrawing is not self and (budget._queue or budget._used + size > budget._common):
            is_small = self.held + size <= SMALL_BYTES
            if not is_small or budget._used + size > budget._common + budget._spare:
                return False
        self.add(size)
        return True

    async def wait(self, size: int) -> None:
        """Charges `size` more bytes as soon as there is room. With 0, waits for its turn and charges nothing."""
        budget, loop = self._budget, asyncio.get_running_loop()
        claim = _Claim(self, size, loop.create_future())
        budget._loop = loop
        budget._queue.append(claim)
        budget._collect()  # after the claim is in the queue: from now on a collected share wakes it
        budget._serve()
        timer = loop.call_later(STUCK_S, budget._warn_if_stuck, claim, budget._returns)
        try:
            await claim.granted
        finally:
            timer.cancel()
            if claim in budget._queue:  # cancelled before its turn
                budget._queue.remove(claim)

    def add(self, size: int) -> None:
        self.held += size
        self._budget._used += size

    def keep(self) -> None:
        """Marks the body as whole. It stays charged until the share is given back."""
        self.is_whole = True
        self._budget._whole_bytes += self.held
        self._stop_overdrawing()
        opened = _opened.get()
        if opened is not None and opened.is_fetching_beside(self):
            self.give_back()

    def __enter__(self) -> BodyShare:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        """Keeps a body that was read, and gives back what an error left."""
        if kind is None:
            self.keep()
        else:
            self.give_back()

    def give_back(self) -> None:
        """Gives all bytes back, whether the body is whole or not. A second call does nothing."""
        held, self.held, self.is_over = self.held, 0, True
        self._stop_overdrawing()
        self._budget._give_back(held, self.is_whole)

    def _stop_overdrawing(self) -> None:
        if self._budget._overdrawing is self:
            self._budget._overdrawing = None

    def __del__(self) -> None:  # the last way back for responses that code of others dropped
        if self.held:
            self._budget._lose(self.held, self.is_whole)

    def __reduce__(self) -> tuple[object, ...]:
        """Copies and pickles hold no memory of the budget."""
        return (_no_share, ())


class Opened:
    """Collects the shares that are opened within a block by code of others. `add` does nothing after its end.

    While that code fetches, the whole bodies that it holds are its own and take nothing of the budget: otherwise it
    might wait for memory that it holds itself.
    """

    def __init__(self, outer: Opened | None = None) -> None:
        self._outer = outer
        self._shares: list[BodyShare] | None = []

    def add(self, share: BodyShare) -> None:
        if self._shares is not None:  # a task that was started in the block outlives it
            self._shares.append(share)

    @property
    def is_open(self) -> bool:
        return self._shares is not None

    def give_back_whole(self) -> None:
        """Gives back the shares of all whole bodies, of this block and of those around it."""
        for share in self._shares or ():
            if share.is_whole:
                share.give_back()
        if self._outer is not None:
            self._outer.give_back_whole()

    def is_fetching_beside(self, share: BodyShare) -> bool:
        """Whether another body of this block is being fetched."""
        return any(not (one.is_whole or one.is_over or one is share) for one in self._shares or ())

    def close(self, kept: Share) -> None:
        """Gives back the shares of all whole bodies but `kept`, which belongs to the block around this one then."""
        shares, self._shares = self._shares or [], None
        for share in shares:
            if share.is_whole and share is not kept:
                share.give_back()
        if self._outer is not None and isinstance(kept, BodyShare):
            self._outer.add(kept)


_opened: ContextVar[Opened | None] = ContextVar("opened", default=None)


def is_collecting() -> bool:
    """Whether this code runs within a block of `collect_opened` that has not ended."""
    opened = _opened.get()
    return opened is not None and opened.is_open


def give_back_held() -> None:
    """Gives back the whole bodies that code of others holds: it is about to wait for another one."""
    opened = _opened.get()
    if opened is not None:
        opened.give_back_whole()


@contextmanager
def collect_opened() -> Iterator[Opened]:
    """Collects the shares that this task, and tasks it starts, open within the block. The caller closes it."""
    opened = Opened(_opened.get())
    token = _opened.set(opened)
    try:
        yield opened
    finally:
        _opened.reset(token)


def _no_share() -> Share:
    return NO_SHARE


class _Claim(NamedTuple):
    share: BodyShare
    size: int
    granted: asyncio.Future[None]


def _grant(claim: _Claim) -> None:
    if not claim.granted.done():  # cancelled, and not yet gone from the queue
        claim.share.add(claim.size)
        claim.granted.set_result(None)
