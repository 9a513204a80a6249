"""Tells when a crawl that runs will end, from how it went until now; where that cannot be said, it tells why."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from ..engine.limits import Spent
from ..forecast import Eta, Limits, SiteNow, Watch, foresee_end
from ..metrics.metrics import Snapshot
from ..runtime.clock import monotonic
from ..settings import Config
from ..standing import SiteView
from .progress import LOOKED_AT, LeastTime

Busiest = Callable[[int], Sequence[SiteView]]
"""Returns so many sites with the most URLs left."""
NEWS = 1.03
"""How much the visits must have grown for another estimate, which takes the loop some milliseconds."""
LOOK_S, MOST_LOOK_S = 1.0, 10.0
"""Seconds between two looks, which cost less than a millisecond each: more of them, the longer the crawl runs."""
LOOKS = 60
"""Looks in as much time as the crawl has run, between these bounds."""
LEAST_S, MOST_S = 5.0, 60.0
"""Seconds after which there is another one at the earliest (in the first minute sooner), and in any case."""


@contextmanager
def looking(look: Callable[[], None]) -> Iterator[None]:
    """Calls `look` again and again while the block lasts, so that an estimate does not depend on who asks for one."""
    loop = asyncio.get_running_loop()
    timer: list[asyncio.TimerHandle] = []
    begun = loop.time()

    def again() -> None:
        rest_s = min(MOST_LOOK_S, max(LOOK_S, (loop.time() - begun) / LOOKS))
        timer[:] = [loop.call_later(rest_s, again)]
        look()

    again()
    try:
        yield
    finally:
        timer[0].cancel()


class Outlook:
    """Watches one run, and tells when it ends."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._watch = Watch()
        self._least_time = LeastTime(clock)
        self._told: Eta | None = None
        self._told_at = -math.inf
        self._told_visits = 0
        self._is_held = False

    def hold(self) -> None:
        """Tells nothing while the crawl stands still."""
        self._is_held = True

    def go_on(self) -> None:
        """Tells again; speeds are measured anew."""
        if self._is_held:
            self._is_held = False
            self._watch.forget_speeds()
            self._told = None

    def note(self, now: Snapshot, config: Config, busiest: Busiest) -> None:
        """Notes how far the run and its sites are."""
        if not self._is_held:
            views = busiest(LOOKED_AT)
            seen = [_look_at(view, config.scope.limit_per_site) for view in views if view.queued or view.leased]
            self._watch.note(self._clock(), seen, now.visits, now.counts.queued + now.counts.leased)

    def complete(self, now: Snapshot, config: Config, spent: Spent, busiest: Busiest) -> Snapshot:
        """Returns the snapshot with the least time that the run takes, and when it ends unless it stands still."""
        now = replace(now, at_least_s=self._least_time.find(config, now, spent.time_s, busiest))
        return now if self._is_held else replace(now, eta=self._find(now, config, spent, busiest))

    def _find(self, now: Snapshot, config: Config, spent: Spent, busiest: Busiest) -> Eta:
        at = self._clock()
        age_s = at - self._told_at
        least_s = min(LEAST_S, max(1.0, now.elapsed_s / 10))
        is_stale = age_s >= MOST_S or (age_s >= least_s and now.visits > self._told_visits * NEWS)
        if self._told is None or is_stale:
            self.note(now, config, busiest)
            self._told, self._told_at, self._told_visits = self._foresee(config, now, spent), at, now.visits
        return self._told.after(at - self._told_at)

    def _foresee(self, config: Config, now: Snapshot, spent: Spent) -> Eta:
        is_settled = now.progress is not None and now.progress.what == "urls"
        return foresee_end(
            self._watch.sites(), self._watch.whole(), _limits(config, now, spent),
            at_least_s=now.at_least_s or 0.0,
            is_settled=is_settled,
            unforeseen=self._find_unforeseen(config, now),
        )  # fmt: skip

    def _find_unforeseen(self, config: Config, now: Snapshot) -> str:
        """Returns why nothing can be said of what will still come; empty: something can be."""
        scope = config.scope
        if now.reads_seeds:
            return "seeds are still read"
        if scope.limit_per_domain is not None or any(site.limit is not None for site in config.sites.values()):
            return "limits of single sites or domains are not foreseen"
        may_lead_away = scope.reach in ("domain", "any") or scope.extra_hops > 0 or scope.requisites
        if may_lead_away and self._watch.newest_site_at > now.visits / 2:
            return "links still lead to new sites"
        return ""


def _look_at(view: SiteView, limit: int | None) -> SiteNow:
    left = math.inf if limit is None else max(0, limit - view.visits)
    return SiteNow(view.site, view.queued + view.leased, view.visits, view.rest_s / view.per_site, left)


def _limits(config: Config, now: Snapshot, spent: Spent) -> Limits:
    scope = config.scope
    visits = seconds = bytes_s = math.inf
    if scope.limit is not None and now.pages:
        visits = max(0, scope.limit - now.counts.pages) * max(1.0, now.visits / now.pages)
    if scope.time_limit_s is not None:
        seconds = max(0.0, scope.time_limit_s - spent.time_s - now.elapsed_s)
    if scope.size_limit_bytes is not None and now.bytes:
        bytes_s = max(0, scope.size_limit_bytes - spent.bytes - now.bytes) / now.bytes * now.elapsed_s
    return Limits(visits, seconds, bytes_s)
