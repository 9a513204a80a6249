"""Whose turn a site is when several frontiers of one loop want it: politeness over all crawls of a process."""

from __future__ import annotations

import asyncio
from bisect import bisect_right, insort
from collections.abc import Iterable
from typing import Protocol

PATIENCE_S = 0.25
"""How long a turn is kept for the one it was promised to. Who waits comes within a turn of the loop; who is paused, or
busy to its limit, loses it then."""
SWEPT_AT = 1000
"""Sites that nobody wants any more are looked for once there are twice as many as were wanted last time, and these."""


class Taker(Protocol):
    """One of the frontiers that share their sites."""

    @property
    def per_site(self) -> int:
        """How many visits at a time it allows to one site."""
        ...

    def call(self, site: str, at: float) -> None:
        """The site it was refused is free for it at that time (monotonic seconds): it may ask again then."""
        ...


class Turns:
    """Grants the turns of each site first come, first served, on the strictest terms of those who want it.

    A frontier takes a turn before it lends, and ends it with the visit. Who is refused stands in the site's line and is
    called when its turn is known: so crawls that want one site take turns. Not more visits are there at a time than the
    strictest of them allows, and the site rests as long as the one with the longest rest says. Plain functions, for one
    running loop; times are monotonic seconds.
    """

    def __init__(self) -> None:
        self._sites: dict[str, _Line] = {}
        self._sweep_at = SWEPT_AT

    def __len__(self) -> int:
        """Sites known here."""
        return len(self._sites)

    def take(self, site: str, taker: Taker, now: float) -> bool:
        """Whether it may visit the site now; if not, it will be called."""
        line = self._line(site, now)
        is_granted = line.take(taker, now)
        if line.waiting:
            self._call(site, line, now)
        return is_granted

    def end(self, site: str, taker: Taker, now: float, rest: Rest | None) -> None:
        """A visit is over. None: the site was not asked, and need not rest."""
        line = self._line(site, now)
        line.end(taker, now, rest)
        if line.waiting:
            self._call(site, line, now)

    def hold(self, site: str, until: float, now: float) -> None:
        """The site asked earlier to be left alone until then."""
        line = self._line(site, now)
        line.hold = max(line.hold, until)

    def leave(self, site: str, taker: Taker, now: float) -> None:
        """It has nothing to do there any more: it does not wait, and its terms do not count."""
        line = self._sites.get(site)
        if line is not None:
            line.leave(taker)
            self._call(site, line, now)

    def forget(self, taker: Taker, sites: Iterable[str], now: float) -> None:
        """It is closed; these are the sites it has not left. What it had out ended just now."""
        for site in sites:
            line = self._sites.get(site)
            while line is not None and taker in line.out:
                line.end(taker, now, Rest(now))
            self.leave(site, taker, now)

    def _call(self, site: str, line: _Line, now: float) -> None:
        """Promise what is free, or known when it will be, to those who wait longest."""
        while line.waiting:
            taker = line.waiting[0]
            free = line.free_at(taker, len(line.called))
            if free is None:
                return
            at = max(free, now)
            lapses = at - now + PATIENCE_S
            line.called[taker] = asyncio.get_running_loop().call_later(lapses, self._lapse, site, taker, now + lapses)
            del line.waiting[0]
            taker.call(site, at)

    def _lapse(self, site: str, taker: Taker, now: float) -> None:
        """It did not come in time: the next in line. It may ask again like anyone else."""
        line = self._sites[site]
        del line.called[taker]
        self._call(site, line, now)

    def _line(self, site: str, now: float) -> _Line:
        line = self._sites.get(site)
        if line is None:
            if len(self._sites) >= self._sweep_at:
                self._sites = {site: line for site, line in self._sites.items() if not line.is_idle(now)}
                self._sweep_at = 2 * len(self._sites) + SWEPT_AT
            line = self._sites[site] = _Line()
        return line


class Rest:
    """What the end of a visit means for its site."""

    __slots__ = ("asked_s", "ended", "hold", "rest_s", "usual_s")

    def __init__(
        self,
        ended: float,
        rest_s: float = 0.0,
        usual_s: float | None = None,
        hold: float = 0.0,
        asked_s: float | None = None,
    ) -> None:
        self.ended = ended
        """When the exchange did."""
        self.rest_s = rest_s
        """What this visit asks for."""
        self.usual_s = usual_s
        """What this taker gives the site after each from now on; None: what it gave before."""
        self.hold = hold
        """Nobody may ask before."""
        self.asked_s = asked_s
        """What the site itself asks for, as this taker heard: one visit at a time, and so long a rest after each. 0:
        nothing; None: it heard nothing new."""


class _Line:
    """One site: who visits it, who waits for it, and when it has rested."""

    __slots__ = ("asked", "called", "hold", "out", "resting", "rests", "waiting")

    def __init__(self) -> None:
        self.asked: dict[Taker, float] = {}
        """The rest that the site itself asks for, by those who heard of it: then one visit at a time is all."""
        self.hold = 0.0
        self.out: dict[Taker, int] = {}
        self.resting: list[float] = []
        """When turns that were used are free again, in order."""
        self.rests: dict[Taker, float] = {}
        """How long each of those who want it lets it rest."""
        self.waiting: list[Taker] = []
        self.called: dict[Taker, asyncio.TimerHandle] = {}
        """Those who were promised the next turns, and when that lapses."""

    def take(self, taker: Taker, now: float) -> bool:
        del self.resting[: bisect_right(self.resting, now)]
        promise = self.called.pop(taker, None)
        if promise is not None:
            promise.cancel()
        if promise is not None or not self.waiting:
            free = self.free_at(taker, 0 if promise else len(self.called))
            if free is not None and free <= now:
                self.out[taker] = self.out.get(taker, 0) + 1
                return True
        if promise is not None:  # something came between
            self.waiting.insert(0, taker)
        elif taker not in self.waiting:
            self.waiting.append(taker)
        return False

    def free_at(self, taker: Taker, others: int) -> float | None:
        """When it may come, with so many others before it; None: not before a visit ends."""
        limit = 1 if self.asked else min([taker.per_site, *(one.per_site for one in self.out)])
        behind = others - (limit - sum(self.out.values()) - len(self.resting))
        if behind < 0:
            return self.hold
        return max(self.hold, self.resting[behind]) if behind < len(self.resting) else None

    def end(self, taker: Taker, now: float, rest: Rest | None) -> None:
        self.out[taker] -= 1
        if not self.out[taker]:
            del self.out[taker]
        if rest is None:
            return
        if rest.usual_s:
            self.rests[taker] = rest.usual_s
        elif rest.usual_s is not None:  # its settings may have changed
            self.rests.pop(taker, None)
        if rest.asked_s:
            self.asked[taker] = rest.asked_s
        elif rest.asked_s is not None:
            self.asked.pop(taker, None)
        free = rest.ended + max([rest.rest_s, *self.rests.values(), *self.asked.values()])
        if free > now:
            insort(self.resting, free)
        self.hold = max(self.hold, rest.hold, free if self.asked else 0.0)

    def leave(self, taker: Taker) -> None:
        if promise := self.called.pop(taker, None):
            promise.cancel()
        if taker in self.waiting:
            self.waiting.remove(taker)
        self.rests.pop(taker, None)
        self.asked.pop(taker, None)

    def is_idle(self, now: float) -> bool:
        is_wanted = self.out or self.waiting or self.called or self.rests or self.asked
        return not is_wanted and self.hold <= now and (not self.resting or self.resting[-1] <= now)
