"""Keeps the bytes of all bodies in memory together below one limit."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import count
from typing import NamedTuple

from ..model import Outcome, Response, Url

SMALL_BYTES = 64 << 10
"""Every body may hold this much even while others wait. Most pages need no more."""
SPARE_BYTES = 16 << 20
"""Set aside for SMALL_BYTES: enough for the 256 visits that run at once by default."""


class Budget:
    """Shares `limit_bytes` among all bodies, from their first byte until `release`.

    A reader takes the bytes of its body from the budget. While none are left it waits, and its connection is paused.
    This cannot deadlock. Whole bodies are released further down the line, by code that waits for no fetch. If no whole
    body is held, all used bytes belong to half-read bodies: then one waiting body may overdraw, up to the largest body
    allowed, until it is whole or has failed. The overdraft is set aside in advance, so the limit holds all the same.
    Space for small bodies is set aside too; otherwise servers that send much and then stall would hold up every page.
    """

    def __init__(self, limit_bytes: int, largest_bytes: int) -> None:
        self.limit = max(limit_bytes, 2 * largest_bytes)
        self.used = 0
        self._spare = min(SPARE_BYTES, self.limit - 2 * largest_bytes)
        self._common = self.limit - largest_bytes - self._spare
        self._kept: dict[str, int] = {}
        self._kept_bytes = 0
        self._queue: deque[_Claim] = deque()
        self._overdrawing: Share | None = None
        self._purses = count(1)

    def purse(self) -> Purse:
        """Returns a purse for one of several crawls. It tells their bodies apart, even for the same URL."""
        return Purse(self, f"{next(self._purses)} ")

    @property
    def is_short(self) -> bool:
        """Whether a body waits for bytes and there is no room for even a small one."""
        return bool(self._queue) and self.used + SMALL_BYTES > self._common + self._spare

    def open(self, url: Url) -> Share:
        """Opens a share for the body of `url`, and releases what an earlier fetch of that URL still holds."""
        return self._open(url.text)

    def open_unkept(self, url: Url) -> Share:
        """Opens a share for a body that will be dropped at once."""
        return Share(self, url.text)

    def release(self, response: Response) -> None:
        """Gives back the bytes of this response's body. Does nothing when its URL holds none."""
        self._release(response.url.text)

    def dispose(self, outcome: Outcome) -> None:
        """Gives back all bytes that the visit fetched from its URL."""
        self._release(outcome.url.text)

    def _open(self, name: str) -> Share:
        self._release(name)
        return Share(self, name)

    def _release(self, name: str) -> None:
        held = self._kept.pop(name, 0)
        if held:
            self._kept_bytes -= held
            self._give_back(held)

    def _keep(self, share: Share) -> None:
        self._kept[share.name] = share.held
        self._kept_bytes += share.held
        self._close(share)

    def _close(self, share: Share) -> None:
        if self._overdrawing is share:
            self._overdrawing = None

    def _give_back(self, size: int) -> None:
        self.used -= size
        if self._queue:
            self._serve()

    def _serve(self) -> None:
        """Grants the claims that fit, in order of arrival; if none fits, lets one half-read body overdraw."""
        while self._queue and self.used + self._queue[0].size <= self._common:
            _grant(self._queue.popleft())
        if self._overdrawing or self._kept_bytes:
            return
        claim = next((claim for claim in self._queue if claim.share.held), None)
        if claim:
            self._queue.remove(claim)
            self._overdrawing = claim.share
            _grant(claim)


class Purse:
    """One crawl's view of a shared budget. It works like Budget, and other crawls may fetch the same URLs."""

    __slots__ = ("_budget", "_mark")

    def __init__(self, budget: Budget, mark: str) -> None:
        self._budget = budget
        self._mark = mark

    @property
    def used(self) -> int:
        """Bytes used by all crawls that share the budget."""
        return self._budget.used

    @property
    def is_short(self) -> bool:
        return self._budget.is_short

    def open(self, url: Url) -> Share:
        return self._budget._open(self._mark + url.text)

    def open_unkept(self, url: Url) -> Share:
        return self._budget.open_unkept(url)

    def release(self, response: Response) -> None:
        self._budget._release(self._mark + response.url.text)

    def dispose(self, outcome: Outcome) -> None:
        self._budget._release(self._mark + outcome.url.text)

    def close(self) -> None:
        """Releases all bytes that this crawl still holds."""
        for name in [name for name in self._budget._kept if name.startswith(self._mark)]:
            self._budget._release(name)


class Share:
    """The bytes that one body holds of the budget while it is read. Call `keep` or `drop` exactly once at the end."""

    __slots__ = ("_budget", "held", "name")

    def __init__(self, budget: Budget, name: str) -> None:
        self._budget = budget
        self.name = name
        self.held = 0

    def take(self, size: int) -> bool:
        """Charges `size` more bytes and returns True if this needs no waiting. After False, call `wait`."""
        budget = self._budget
        if budget._overdrawing is not self and (budget._queue or budget.used + size > budget._common):
            is_small = self.held + size <= SMALL_BYTES
            if not is_small or budget.used + size > budget._common + budget._spare:
                return False
        self.add(size)
        return True

    async def wait(self, size: int) -> None:
        """Charges `size` more bytes as soon as there is room. With 0, waits for its turn and charges nothing."""
        claim = _Claim(self, size, asyncio.get_running_loop().create_future())
        self._budget._queue.append(claim)
        self._budget._serve()
        try:
            await claim.granted
        finally:
            if claim in self._budget._queue:  # cancelled before its turn
                self._budget._queue.remove(claim)

    def add(self, size: int) -> None:
        self.held += size
        self._budget.used += size

    def keep(self) -> None:
        """Marks the body as whole. It stays charged until its URL is released."""
        if self.held:
            self._budget._keep(self)

    def drop(self) -> None:
        """Gives all bytes back, because the body will not be used."""
        held, self.held = self.held, 0
        self._budget._close(self)
        self._budget._give_back(held)


class _Claim(NamedTuple):
    share: Share
    size: int
    granted: asyncio.Future[None]


def _grant(claim: _Claim) -> None:
    if not claim.granted.done():  # cancelled, and not yet gone from the queue
        claim.share.add(claim.size)
        claim.granted.set_result(None)
