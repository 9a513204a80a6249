"""Tells how far a crawl is, and how long its queue takes at least; only where that is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..metrics.metrics import Snapshot
from ..model import Disposition
from ..runtime.clock import monotonic
from ..settings import Config
from ..standing import Counts, Progress, SiteView

LOOKED_AT = 64
"""Sites whose rests are looked at, those with the most URLs left: the longest of their times is a floor for all."""
LOOK_S = 1.0
"""Seconds between two looks at them."""


def find_progress(config: Config, counts: Counts, *, is_closed: bool) -> Progress | None:
    """Returns how far a crawl is; None: that is not known.

    `is_closed`: all seeds are read, and no function of the user asks for more URLs. Then the number of URLs is known
    where no link leads anywhere (`reach = "page"`) or to no other page (`max_depth = 0`, without the sitemaps of
    robots.txt): it can only shrink, by redirects to URLs that are known already. Only a seed that turns out to be a
    sitemap adds to it, for its entries are seeds as well.
    """
    scope = config.scope
    left = counts.queued + counts.leased
    pages = counts.pages
    if is_closed and (scope.reach == "page" or (scope.max_depth == 0 and not scope.sitemaps)):
        total = counts.known - counts.parked - counts.settled.get(Disposition.REDIRECTED, 0)
        if scope.limit is None or scope.limit - pages >= left:
            return Progress(max(0, total - left), max(0, total), "urls")
    return None if scope.limit is None else Progress(min(pages, scope.limit), scope.limit, "pages")


class LeastTime:
    """Finds how long the queue of now takes at least, from the rests of sites."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._looked_at: float | None = None
        self._ends_at = 0.0
        """Until then the queue takes at least."""

    def find(
        self, config: Config, now: Snapshot, spent_s: float, busiest: Callable[[int], Sequence[SiteView]]
    ) -> float | None:
        """Returns the seconds, or None: it cannot be said, or no rest adds to it. `busiest` is asked once a second.

        It cannot be said where the crawl may end before its queue does: at a limit of pages, bytes or time. `spent_s`:
        the time that earlier runs took of the limit.
        """
        at = self._clock()
        if self._looked_at is None or at - self._looked_at >= LOOK_S:
            self._looked_at = at
            self._ends_at = at + max(map(least_time_of, busiest(LOOKED_AT)), default=0.0)
        least_s = self._ends_at - at
        return least_s if least_s > 0 and _empties_its_queue(config, now, spent_s + now.elapsed_s + least_s) else None


def least_time_of(site: SiteView) -> float:
    """Returns how many seconds at least pass until the last of the site's waiting URLs is asked for.

    Its visits at a time share the rests: each begins no sooner than its delay after the end of the one before. No rest
    follows a URL that is dropped unasked, by robots.txt for example, so that such a URL is counted in vain.
    """
    if not site.queued or not site.delay_s:
        return 0.0
    turn_s = site.next_turn_in_s or 0.0
    if site.leased:  # one that is under way may end at once, and then rests for its delay alone
        turn_s = site.delay_s if site.next_turn_in_s is None else min(turn_s, site.delay_s)
    begun = min(site.leased, site.per_site)
    after_visits_s = (site.queued + begun - 1) // site.per_site * site.delay_s
    return max(turn_s + (site.queued - 1) // site.per_site * site.delay_s, after_visits_s)


def _empties_its_queue(config: Config, now: Snapshot, ends_at_s: float) -> bool:
    """Whether the crawl goes on until nothing is queued, `ends_at_s` after its start, as far as its limits say."""
    scope = config.scope
    if scope.size_limit_bytes is not None or _bounds_pages_of_sites(config):
        return False
    if scope.time_limit_s is not None and ends_at_s >= scope.time_limit_s:
        return False
    return scope.limit is None or (now.progress is not None and now.progress.what == "urls")


def _bounds_pages_of_sites(config: Config) -> bool:
    scope = config.scope
    if scope.limit_per_site is not None or scope.limit_per_domain is not None:
        return True
    return any(site.limit is not None for site in config.sites.values())
