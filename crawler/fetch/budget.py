"""Holds all bodies in memory together below one bound: a byte budget, not a limit per body."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import count
from typing import NamedTuple

from ..model import Outcome, Response, Url

SMALL_BYTES = 64 << 10
"""What every body may hold though others wait: most pages need no more."""
SPARE_BYTES = 16 << 20
"""Set aside for that: enough for the 256 visits that are under way by default."""


class Budget:
    """`limit_bytes` shared by all bodies, from their first byte until `release`.

    Whoever reads a body takes its bytes from the budget, and waits (its connection paused) while none are left.
    That cannot lock up. Bodies already whole are released by those downstream, who wait for no fetch. Where there are
    none, all that is used is held by bodies half read: then one of those waiting may overdraw, up to the largest body
    allowed, until it is whole or has failed. That overdraft is set aside beforehand, so the limit holds all the same.
    So is what small bodies need, or servers that send much and then stall would hold up every other page.
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
        """For one of several crawls: what each holds is told apart by it."""
        return Purse(self, f"{next(self._purses)} ")

    @property
    def is_short(self) -> bool:
        """Whether somebody waits for bytes, and not even a small body has room."""
        return bool(self._queue) and self.used + SMALL_BYTES > self._common + self._spare

    def open(self, url: Url) -> Share:
        """A share for the body of `url`; what an earlier fetch of that URL still holds is released."""
        return self._open(url.text)

    def open_unkept(self, url: Url) -> Share:
        """A share for a body that will be dropped at once."""
        return Share(self, url.text)

    def release(self, response: Response) -> None:
        """The body of this response is about to be dropped. Without effect where nothing is charged for its URL."""
        self._release(response.url.text)

    def dispose(self, outcome: Outcome) -> None:
        """The same, for all that the visit fetched from its URL."""
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
        """Grant what fits, first come, first served; else let one body that is half read overdraw."""
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
    """One crawl's access to a budget it shares: the same, for URLs that others may fetch as well."""

    __slots__ = ("_budget", "_mark")

    def __init__(self, budget: Budget, mark: str) -> None:
        self._budget = budget
        self._mark = mark

    @property
    def used(self) -> int:
        """By all who share it."""
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
        """Release all that it still holds."""
        for name in [name for name in self._budget._kept if name.startswith(self._mark)]:
            self._budget._release(name)


class Share:
    """What one body holds of the budget while it is read. Ends in exactly one `keep` or `drop`."""

    __slots__ = ("_budget", "held", "name")

    def __init__(self, budget: Budget, name: str) -> None:
        self._budget = budget
        self.name = name
        self.held = 0

    def take(self, size: int) -> bool:
        """Charge `size` more bytes if that needs no waiting; else False, and `wait` is the way."""
        budget = self._budget
        if budget._overdrawing is not self and (budget._queue or budget.used + size > budget._common):
            is_small = self.held + size <= SMALL_BYTES
            if not is_small or budget.used + size > budget._common + budget._spare:
                return False
        self.add(size)
        return True

    async def wait(self, size: int) -> None:
        """Charge `size` more bytes once there is room. With 0: wait until nobody is short."""
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
        """The body is whole and stays charged until it is released by its URL."""
        if self.held:
            self._budget._keep(self)

    def drop(self) -> None:
        """The body came to nothing."""
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
