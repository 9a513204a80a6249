"""Defines the terms that a frontier lends on, and its clock."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..dataclass import dataclass
from ..frontier_protocols import PerSite
from ..policy.site_rules import NO_RULES
from ..policy.traps import Mode
from ..runtime.clock import monotonic, wall
from .turns import Turns

PageLimits = Callable[[str], int | None]
"""Returns how many pages may be fetched from a site. None: it has no limit of its own."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of lending: limits of sites and addresses, rests, revisits and traps."""

    per_site: int
    """Most leases out at a time to one site."""
    per_ip: int
    """Most leases out at a time to one address, once known; never less than `per_site`."""
    in_depth_order: bool
    """Lend a site's requests of one depth only when all less deep ones came back: this makes a depth limit exact."""

    has_ways_out: bool
    """Requisites and extra hops are followed, so that it is known of each URL how it belongs to the crawl."""
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
    sites: PerSite
    """Sites that have a `per_site` and a `rest_s` of their own."""
    page_limits: PageLimits | None = None
    """Sites whose pages are bounded by another number than `pages_per_site`. None: there are none."""
    turns: Turns | None = None
    """Grants the turns of sites where other frontiers of this loop want the same ones."""

    def at_one_site(self, site: str) -> int:
        """Returns how many leases may be out at a time to this site."""
        own = self.sites.per_site(site)
        return self.per_site if own is None else own

    def rest_of(self, site: str) -> float:
        """Returns the rest of this site after a visit whose end is not known."""
        own = self.sites.delay_s(site)
        return self.rest_s if own is None else own

    @property
    def keeps_ways(self) -> bool:
        """Whether a shorter way to a URL may bring further pages."""
        return self.in_depth_order or self.has_ways_out

    @property
    def bounds_pages(self) -> bool:
        """Whether the pages of any site are bounded."""
        return any(one is not None for one in (self.pages_per_site, self.pages_per_domain, self.page_limits))

    @property
    def at_one_ip(self) -> int:
        return max(self.per_ip, self.per_site)


WITHOUT_RULES = Terms(
    per_site=1, per_ip=1, in_depth_order=False, has_ways_out=False, revisit_after_s=None, rest_s=0.0,
    most_asked_s=math.inf, most_held_s=math.inf, longest_s=math.inf, traps="off", pages_per_site=None,
    pages_per_domain=None, sites=NO_RULES,
)  # fmt: skip
"""Terms under which nothing rests and nothing is left out, for reading a frontier."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks: turns count on the clock that never jumps, stored times on the one that survives a restart."""

    monotonic: Callable[[], float] = monotonic
    wall: Callable[[], float] = wall
