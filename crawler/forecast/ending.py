"""Estimates when a crawl that runs will end, from its sites, its limits and how fast it went lately."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from ..dataclass import dataclass
from .draws import Draws, N, interval_of
from .growth import Mark, foresee_left, is_young

SEED = 20
"""Of the random numbers: the same state gives the same answer."""
UNSURE = 0.1
"""How much a speed changes by what nobody foresees, as a share of it."""
LEAST_S = 2.0
"""A speed is not judged over less."""
NEARLY_ALL = 0.9
"""The part of the queue from which on the sites that are looked at stand for the whole crawl."""

By = Literal["queue", "pages", "time", "bytes"]
"""The end of a crawl: nothing is left, or a limit is reached."""


class SiteLeft(NamedTuple):
    """One site that has URLs left."""

    marks: Sequence[Mark]
    queued: int
    """With those under way."""
    visit_s: float
    """Seconds from one visit to the next, as its rest has it; 0: it rests for none."""
    most: float = math.inf
    """Pages that its limit leaves."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that may end a crawl before its queue does, as they are now."""

    visits: float = math.inf
    """Visits until the limit of pages."""
    seconds: float = math.inf
    """Seconds until the limit of time."""
    bytes_s: float = math.inf
    """Seconds until the limit of bytes, at the speed of until now."""


@dataclass(frozen=True, slots=True)
class Eta:
    """When a crawl that runs will end, as far as that can be said: intervals that hold in 80 of 100 cases."""

    low_s: float
    """Seconds from now. Without `high_s`: the least that it takes, if all goes on as now."""
    likely_s: float | None
    """The median. None: nothing can be said."""
    high_s: float | None
    """None: nothing can be said of how long it takes at most, and `why` has the reason."""
    left_low: float
    """URLs that are still to be visited."""
    left_likely: float | None
    """The median. None: nothing can be said."""
    left_high: float | None
    """None: nothing can be said of how many there are at most."""
    by: By | None
    """The most likely end: `queue` (nothing is left), or a limit of `pages`, `time` or `bytes`."""
    why: str
    """Why no interval can be said, in words; empty: it can."""

    def after(self, seconds: float) -> Eta:
        """Returns the same estimate so many seconds later."""
        moved = (None if one is None else max(0.0, one - seconds) for one in (self.low_s, self.likely_s, self.high_s))
        low, likely, high = moved
        return replace(self, low_s=low or 0.0, likely_s=likely, high_s=high)


def foresee_end(
    sites: Sequence[SiteLeft], whole: SiteLeft, limits: Limits, *, at_least_s: float = 0.0,
    is_settled: bool = False, unforeseen: str = "",
) -> Eta:  # fmt: skip
    """Returns when a crawl ends. `whole` is all of it, taken as one site.

    It takes as long as its slowest site and as all its visits together, whichever is longer. `is_settled`: no visit can
    bring another URL. `unforeseen`: why nothing can be said of the URLs that will still come, in words.
    """
    dice = random.Random(SEED)
    pace = _draw_visit_s(whole, dice)
    left, alone = _draw_left(sites, whole, dice, is_settled=is_settled, is_foreseen=not unforeseen)
    empty = [_spend(left[n], pace[n], dice) if pace else math.inf for n in range(N)]
    for one, many in zip(sites, alone, strict=True):
        speeds = _draw_visit_s(one, dice) or [math.inf] * N
        empty = [max(empty[n], _spend(many[n], speeds[n], dice)) for n in range(N)]
    by_pages = [limits.visits * pace[n] if pace else math.inf for n in range(N)]
    ends = [min(empty[n], by_pages[n], limits.seconds, limits.bytes_s) for n in range(N)]
    found = interval_of(ends, at_least_s)
    rest = interval_of([min(one, limits.visits) for one in left], min(whole.queued, limits.visits))
    by = _find_cause(ends, empty, by_pages, limits) if found.high is not None else None
    return Eta(*found, *rest, by, "" if by else unforeseen or _explain(sites, whole, pace))


def _draw_left(
    sites: Sequence[SiteLeft], whole: SiteLeft, dice: random.Random, *, is_settled: bool, is_foreseen: bool
) -> tuple[Draws, list[Draws]]:
    """Returns draws of how many visits are left: of the whole crawl, and of each site."""
    if is_settled:
        return [float(whole.queued)] * N, [[min(one.queued, one.most)] * N for one in sites]
    if not is_foreseen:
        return _unknown(whole.queued), [_unknown(min(one.queued, one.most)) for one in sites]
    alone = [_last(one, dice) for one in sites]
    if sites and sum(one.queued for one in sites) >= NEARLY_ALL * whole.queued:
        return [sum(many[n] for many in alone) for n in range(N)], alone  # what each does is known better
    return foresee_left(whole.marks, whole.queued, dice) or _unknown(whole.queued), alone


def _last(site: SiteLeft, dice: random.Random) -> Draws:
    """Returns draws of how many visits of a site are left."""
    draws = foresee_left(site.marks, site.queued, dice) or _unknown(site.queued)
    return [min(one, site.most) for one in draws]


def _unknown(queued: float) -> Draws:
    """Returns draws where nothing can be said: as many as are queued, or any number."""
    return [queued if n % 2 else math.inf for n in range(N)]


def _spend(visits: float, visit_s: float, dice: random.Random) -> float:
    """Returns how long visits take: a part of the first one is over, and after the last one nobody waits for a rest."""
    return max(0.0, visits - dice.random()) * visit_s if visits else 0.0


def _draw_visit_s(site: SiteLeft, dice: random.Random) -> Draws:
    """Returns draws of the seconds from one visit to the next; none if that cannot be said."""
    marks = [mark for mark in site.marks if not math.isnan(mark.at_s)]
    begin = _begin_of_recent(marks)
    visits = marks[-1].visits - marks[begin].visits if marks else 0
    spent_s = marks[-1].at_s - marks[begin].at_s if marks else 0.0
    if visits < 3 or spent_s < LEAST_S:
        if not site.visit_s:
            return ()
        return [site.visit_s * math.exp(dice.gauss(0.0, 2 * UNSURE)) for _ in range(N)]
    parts = [
        ((b.at_s - a.at_s) / (b.visits - a.visits)) for a, b in zip(marks[begin:], marks[begin + 1 :], strict=False)
    ]
    mean = spent_s / visits
    varies = math.sqrt(sum((one - mean) ** 2 for one in parts) / len(parts)) / mean if len(parts) > 1 else 1.0
    unsure = math.hypot(min(varies, 1.0) / math.sqrt(len(parts)), UNSURE)
    return [mean * math.exp(dice.gauss(0.0, unsure)) for _ in range(N)]


def _begin_of_recent(marks: Sequence[Mark]) -> int:
    """Returns the mark from which on the speed is taken: the last third of the visits, and eight at least."""
    if not marks:
        return 0
    last = marks[-1].visits
    wanted = max(8, (last - marks[0].visits) // 3)
    return next((n for n in range(len(marks) - 1, -1, -1) if last - marks[n].visits >= wanted), 0)


def _find_cause(ends: Draws, empty: Draws, by_pages: Draws, limits: Limits) -> By:
    """Returns what ends the crawl in most of the draws."""
    causes: list[By] = [
        "queue" if end == empty[n] else "pages" if end == by_pages[n] else "time" if end == limits.seconds else "bytes"
        for n, end in enumerate(ends)
    ]
    return max(set(causes), key=causes.count)


def _explain(sites: Sequence[SiteLeft], whole: SiteLeft, pace: Draws) -> str:
    """Returns why no interval can be said."""
    if not pace or is_young(whole.marks):
        return "too few visits were made to judge"
    if any(is_young(one.marks) for one in sites):
        return "too few visits to one of the sites were made to judge"
    return "visits bring about as many new URLs as they take, or more"
