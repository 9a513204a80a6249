"""Defines the terms that a frontier lends on, and its clock."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..policy.traps import Mode
from .turns import Turns


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of lending: limits of sites and addresses, rests, revisits and traps."""

    per_site: int
    """Most leases out at a time to one site."""
    per_ip: int
    """Most leases out at a time to one address, once known; never less than `per_site`."""
    in_depth_order: bool
    """Lend a site's requests of one depth only when all less deep ones came back: this makes a depth limit exact."""

    revisit_after_s: float | None
    """With a value, revisits are on; pages visited while they were off are due this long after their visit. None:
    off."""

    rest_s: float
    """Rest of every site when a stored frontier is opened again: the last process that visited it may have been killed
    in the middle, or the clock by which turns are stored may have been set forward meanwhile."""
    most_asked_s: float
    """Longest Crawl-delay of a site that is honoured."""
    most_held_s: float
    """Longest Retry-After of a site that is honoured."""
    longest_s: float
    """Longest wait for a turn or another attempt. A longer one in the store was written by a clock that was set
    back."""
    traps: Mode
    """Treatment of URL patterns that bring nothing new."""
    pages_per_site: int | None
    """Pages that may be fetched from one site. None: any number."""
    pages_per_domain: int | None
    """Pages that may be fetched from all sites of one registered domain. None: any number."""
    turns: Turns | None = None
    """Grants the turns of sites where other frontiers of this loop want the same ones."""

    @property
    def at_one_ip(self) -> int:
        return max(self.per_ip, self.per_site)


WITHOUT_RULES = Terms(
    per_site=1, per_ip=1, in_depth_order=False, revisit_after_s=None, rest_s=0.0, most_asked_s=math.inf,
    most_held_s=math.inf, longest_s=math.inf, traps="off", pages_per_site=None, pages_per_domain=None,
)  # fmt: skip
"""Terms under which nothing rests and nothing is left out, for reading a frontier."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks: turns count on the clock that never jumps, stored times on the one that survives a restart."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
