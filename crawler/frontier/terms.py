"""What a frontier is told: the terms it lends on, and what time it is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..policy.traps import Mode
from .turns import Turns


@dataclass(frozen=True, slots=True)
class Terms:
    """How much a site and an address bear at a time."""

    per_site: int = 1
    """Leases out at a time to one site."""
    per_ip: int = 16
    """Leases out at a time to one address, once known; never less than `per_site`."""
    in_depth_order: bool = False
    """Lend a site's requests of one depth only when all shallower ones came back: makes a depth limit exact."""

    revisit_after_s: float | None = None
    """Revisits are on; pages visited while they were off are due this long after their visit. None: they are off."""
    turns: Turns | None = None
    """Where other frontiers of this loop want the same sites: who grants their turns."""

    rest_s: float = 0.0
    """How long every site rests when a stored frontier is opened again: whoever asked it last may have been killed
    amid that, or the clock that turns are stored by may have been set forward meanwhile."""
    most_asked_s: float = math.inf
    """What is honoured of a site's Crawl-delay at most."""
    most_held_s: float = math.inf
    """What is honoured of its Retry-After at most."""
    longest_s: float = math.inf
    """No turn and no other attempt is further away: one that is stored so was stored by a clock that was set back."""
    traps: Mode = "off"
    """What becomes of URL patterns that bring nothing new."""
    pages_per_site: int | None = None
    """Pages that may be fetched from one site. None: any number."""
    pages_per_domain: int | None = None
    """... from all sites of one registered domain."""

    @property
    def at_one_ip(self) -> int:
        return max(self.per_ip, self.per_site)


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks: turns count on the one that never jumps, what is stored on the one that survives a restart."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
