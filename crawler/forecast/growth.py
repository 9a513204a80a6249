"""Estimates how many URLs are still to be visited: those that are queued, and those that they will bring.

The yield is the number of new URLs that a visit brings. It falls as fewer URLs are left to be found: Leslie and Davis
(1939) took the size of a stock from such a fall. The number still to come then solves the final size equation of
Kermack and McKendrick (1927); where the yield does not fall, it is the total progeny of a branching process.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from .draws import Draws, N

MOST_MARKS = 64
"""Marks that are kept of a site. Of the older ones every second one goes when there are more."""
LEAST_VISITS = 12
"""Visits before which a yield is not judged: by chance alone it may be anything."""
NOTHING_LEFT = 0.5
"""How likely it is, before anything is seen, that all of a site is known."""
RECENT = 0.3
"""The share of all visits that the yield of now is taken from."""


class Mark(NamedTuple):
    """The totals at one moment."""

    at_s: float
    """When; not a number: the crawl stood still since."""
    visits: int
    """Visits that ended."""
    found: int
    """URLs that were found, visited or not."""


class Growth:
    """Keeps how visits and the URLs that they found grew, in bounded memory."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []

    def note(self, mark: Mark) -> None:
        """Takes the totals of now. Fewer visits than before begin a new history.

        Fewer URLs do not: a visit may be counted a moment after its URL left the queue, and URLs may be parked.
        """
        if self.marks and mark.visits < self.marks[-1].visits:
            self.marks = []
        if self.marks:
            mark = mark._replace(found=max(mark.found, self.marks[-1].found))
        if self.marks and mark.visits == self.marks[-1].visits:
            self.marks[-1] = mark
            return
        self.marks.append(mark)
        if len(self.marks) > MOST_MARKS:
            half = len(self.marks) // 2
            self.marks = [*self.marks[:half:2], *self.marks[half:]]

    def forget_times(self) -> None:
        """Forgets when the marks were made, for the crawl stood still since."""
        self.marks = [mark._replace(at_s=math.nan) for mark in self.marks]


class _Stretch(NamedTuple):
    """Visits that follow each other, and what they brought."""

    visits: int
    brought: int
    at: float
    """URLs known in the middle of them."""
    scatter: float
    """The index of dispersion: how much more the yield varies than chance alone makes it."""


def is_young(marks: Sequence[Mark]) -> bool:
    """Whether too few visits were made to judge what further ones will bring."""
    return len(marks) < 3 or marks[-1].visits - marks[0].visits < LEAST_VISITS


def foresee_left(marks: Sequence[Mark], queued: int, dice: random.Random) -> Draws | None:
    """Returns draws of how many URLs are still to be visited. None: too few visits were made to judge."""
    if is_young(marks):
        return None
    early, late = _split(marks)
    known = marks[-1].found
    return [queued + _still_to_come(early, late, known, queued, dice) for _ in range(N)]


def _split(marks: Sequence[Mark]) -> tuple[_Stretch, _Stretch]:
    """Returns the stretch before the recent one, and the recent one."""
    first, last = marks[0], marks[-1]
    most = last.visits - first.visits
    wanted = max(LEAST_VISITS / 2, RECENT * most)
    at = max(1, next(n for n in range(len(marks) - 2, -1, -1) if last.visits - marks[n].visits >= wanted or n == 0))
    begin = max(0, next((n for n in range(at - 1, -1, -1) if marks[at].visits - marks[n].visits >= wanted), 0))
    return _stretch(marks[begin : at + 1]), _stretch(marks[at:])


def _stretch(marks: Sequence[Mark]) -> _Stretch:
    first, last = marks[0], marks[-1]
    visits, brought = last.visits - first.visits, last.found - first.found
    rate, scatter = brought / visits, 1.0
    if rate and len(marks) > 3:
        pairs = pairwise(marks)
        parts = [(b.visits - a.visits, b.found - a.found) for a, b in pairs]
        scatter = sum((got - rate * n) ** 2 / (rate * n) for n, got in parts) / (len(parts) - 1)
    return _Stretch(visits, brought, (first.found + last.found) / 2, max(1.0, scatter))


def _still_to_come(early: _Stretch, late: _Stretch, known: int, queued: int, dice: random.Random) -> float:
    before, now = _draw_yield(early, dice), _draw_yield(late, dice)
    distance = late.at - early.at
    fall = (before - now) / distance if distance > 0 else 0.0
    if fall <= 0:
        return final_size(now, 0.0, queued)
    return final_size(max(now - fall * (known - late.at), now / 4), fall, queued)


def _draw_yield(stretch: _Stretch, dice: random.Random) -> float:
    """Returns a draw from the gamma distribution that Jeffreys' prior gives for a rate of events.

    Where nothing was brought, there may be nothing left to bring: every second draw says so.
    """
    if not stretch.brought and dice.random() < NOTHING_LEFT:
        return 0.0
    shape = stretch.brought / stretch.scatter + 0.5
    return dice.gammavariate(shape, stretch.scatter / stretch.visits)


def final_size(rate: float, fall: float, queued: float) -> float:
    """Returns how many URLs are still to come where each visit brings `rate`, and `fall` less for each URL found.

    It solves x = rate / fall * (1 - exp(-fall * (queued + x))). Without a fall it is the total progeny of a branching
    process, infinite from a rate of 1 on.
    """
    if rate <= 0 or queued <= 0:
        return 0.0
    if fall * queued < 1e-9:
        return rate * queued / (1 - rate) if rate < 1 else math.inf
    most = come = rate / fall
    for _ in range(60):  # Newton's method from above: it nears the root from one side
        fading = math.exp(-fall * (queued + come))
        excess, slope = most * (1 - fading) - come, rate * fading - 1
        step = excess / slope if slope < 0 else 0.0
        come -= step
        if abs(step) <= 1e-3 * come + 1e-3:
            break
    return max(0.0, come)
