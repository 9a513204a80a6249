"""Keeps the pages and the slots at addresses that this node is allowed of those that all nodes share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...runtime.clock import monotonic
from ..addresses import Addresses
from ..backend import Beat, Wish

PAGES_AHEAD = 64
"""Pages that a node asks for beside those under way: a batch of leases."""
KEPT_S = 2.0
"""Seconds for which a node keeps slots that it does not use, unless another one wants them."""


class Allowances:
    """The part of this node in what is bounded over all nodes. `count` and `issue` are pages that this node fetched:
    all of them, and those whose commit is under way or stored."""

    def __init__(
        self, addresses: Addresses, count: Callable[[], int], issue: Callable[[], int], out: Callable[[], int]
    ) -> None:
        self._addresses = addresses
        self._count = count
        self._issue = issue
        self._out = out
        self._limit: int | None = None
        self._granted = 0
        self._issued = 0
        """Pages whose commits were under way when these were granted: the grant knows of them."""
        self._asked = 0
        self._slots: Mapping[str, int] = {}
        self._used: dict[str, float] = {}
        """When a slot at an address was wanted last."""
        self._wanted: frozenset[str] = frozenset()
        self._nodes = 1
        self._is_used_up = False

    # -- pages -------------------------------------------------------------------------------------------------------

    def limit_pages(self, limit: int | None) -> None:
        """Bounds the pages of the crawl over all nodes and runs."""
        self._limit = limit

    @property
    def is_used_up(self) -> bool:
        """Whether all nodes together fetched as many pages as the limit says."""
        return self._is_used_up

    def left(self) -> int:
        """Returns how many pages this node may fetch that it has not fetched yet, those under way included."""
        return self._granted - (self._count() - self._issued)

    # -- beats -------------------------------------------------------------------------------------------------------

    def wish(self, queued: int, most_at_one: int) -> Wish:
        """Returns what to ask for now."""
        self._asked = self._issue()
        pages = self._out() + min(PAGES_AHEAD, queued) + (self._count() - self._asked)
        return Wish(
            pages=pages if self._limit is not None else 0, limit=self._limit,
            addresses=self._wish_slots(most_at_one), per_address=most_at_one,
        )  # fmt: skip

    def _wish_slots(self, most: int) -> dict[str, int]:
        visits, waiting, now = self._addresses.visits(), self._addresses.waiting(), monotonic()
        wish = {ip: min(most, visits.get(ip, 0) + waiting.get(ip, 0)) for ip in {*visits, *waiting}}
        for ip, slots in self._slots.items():
            used = wish.get(ip, 0)
            self._used[ip] = now if used else self._used.get(ip, now)
            if ip in self._wanted:
                wish[ip] = max(visits.get(ip, 0), min(used, most // self._nodes))
            elif now < self._used[ip] + KEPT_S:
                wish[ip] = max(used, slots)
        self._used = {ip: at for ip, at in self._used.items() if ip in wish}
        return wish

    def note(self, beat: Beat, wish: Wish) -> None:
        """Takes what was granted."""
        self._granted, self._issued = beat.pages, self._asked
        self._is_used_up = self._limit is not None and beat.fetched >= self._limit
        self._wanted, self._nodes = frozenset(beat.wanted), max(1, len(beat.nodes))
        self._slots = {ip: slots for ip, slots in beat.addresses.items() if slots}
        self._addresses.allow(self._slots)
