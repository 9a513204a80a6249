"""Keeps what a running crawl shows of its sites over time, as far as estimates need it, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .ending import SiteLeft
from .growth import Growth, Mark

MOST_SITES = 128
"""Sites whose growth is kept: twice as many as are looked at. The one that was seen longest ago is forgotten first."""
JUDGED = 12
"""Sites whose ends are estimated, those that look longest: each takes a quarter of a millisecond."""


class SiteNow(NamedTuple):
    """One site at one moment."""

    site: str
    queued: int
    """With those under way."""
    visits: int
    """Visits that ended."""
    visit_s: float
    """Seconds from one visit to the next by its rest, as far as it is known."""
    most: float
    """Pages that its limit leaves."""


class Watch:
    """The growth of a crawl and of its sites."""

    def __init__(self) -> None:
        self._whole = Growth()
        self._sites: dict[str, Growth] = {}
        self._now: Sequence[SiteNow] = ()
        self._queued = 0
        self.newest_site_at: int = 0
        """The number of visits at which the latest new site was seen."""

    def note(self, at_s: float, sites: Iterable[SiteNow], visits: int, queued: int) -> None:
        """Takes what is seen at a moment: sites with URLs left, and the visits and the queue of the whole crawl."""
        self._now, self._queued = list(sites), queued
        self._whole.note(Mark(at_s, visits, visits + queued))
        for one in self._now:
            if one.site not in self._sites:
                self.newest_site_at = visits
            growth = self._sites.pop(one.site, None) or Growth()
            growth.note(Mark(at_s, one.visits, one.visits + one.queued))
            self._sites[one.site] = growth
        while len(self._sites) > MOST_SITES:
            del self._sites[next(iter(self._sites))]

    def sites(self) -> list[SiteLeft]:
        """Returns the sites that have URLs left, those that look longest first."""
        ranked = sorted(self._now, key=lambda one: -one.queued * max(one.visit_s, 1e-3))
        return [SiteLeft(self._sites[one.site].marks, one.queued, one.visit_s, one.most) for one in ranked[:JUDGED]]

    def whole(self) -> SiteLeft:
        """Returns all of the crawl, taken as one site."""
        return SiteLeft(self._whole.marks, self._queued, 0.0)

    def forget_speeds(self) -> None:
        """Begins to measure speeds anew, since the crawl stood still. Yields stay known."""
        for growth in (self._whole, *self._sites.values()):
            growth.forget_times()
