"""Decides whose turn a site is when several frontiers of one loop want it: politeness over all crawls of a process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

PATIENCE_S = 0.25
"""Seconds that a turn is kept for the frontier it was promised to. One that waits comes within a turn of the loop; one
that is paused, or busy to its limit, then loses it."""
SWEPT_AT = 1000
"""Unwanted sites are dropped once there are more than twice the sites that the last cleaning kept, plus this."""
KEPT_S = 3600.0
"""Longest time that a visit is remembered where nobody wants its site any more."""
MOST_ENDS = 64
"""Most visits of one site that are remembered, the latest: more should never be under way at a time."""
MOST_HOLDS = 4


class Taker(Protocol):
    """One of the frontiers that share their sites."""

    def at_one_site(self, site: str) -> int:
        """Most visits at a time that it allows to this site."""
        ...

    def rest_of(self, site: str) -> float:
        """Rest of this site after a visit by the taker's own settings."""
        ...

    @property
    def most_asked_s(self) -> float:
        """Longest rest after each visit that it honours on a site's request (Crawl-delay)."""
        ...

    @property
    def most_held_s(self) -> float:
        """Longest single wait that it honours on a site's request (Retry-After)."""
        ...

    def call(self, site: str, at: float) -> None:
        """Tells when a site that it was refused is free for it (monotonic seconds): it may ask again then."""
        ...


class Turns:
    """Grants the turns of each site first come, first served, each on the frontier's own terms and the site's.

    A frontier takes a turn before it lends, and ends it with the visit. A refused frontier stands in the site's line
    and is called when its turn is known: so crawls that want one site take turns. No more visits are under way at a
    time than the strictest of the frontiers there allows. After another one's visit a frontier waits as long as after
    its own, or as the other would if that is less; and as long as the site itself asks, as far as it honours that. So
    no frontier's rest keeps a site from the others. Plain functions, for one running loop; times are monotonic seconds.
    """

    def __init__(self) -> None:
        self._sites: dict[str, _Line] = {}
        self._sweep_at = SWEPT_AT

    def __len__(self) -> int:
        """Returns how many sites are known here."""
        return len(self._sites)

    def take(self, site: str, taker: Taker, now: float) -> bool:
        """Returns whether the taker may visit the site now; if not, it will be called."""
        line = self._line(site, now)
        is_granted = line.take(taker, now)
        self._call(site, line, now)
        return is_granted

    def end(self, site: str, taker: Taker, now: float, rest: Rest | None) -> None:
        """Ends a visit. A rest of None: the site got no request, and need not rest."""
        line = self._line(site, now)
        line.end(taker, now, rest)
        self._call(site, line, now)

    def note_earlier_rest(self, site: str, taker: Taker, until: float, now: float) -> None:
        """Notes that the taker visited the site before it joined, and leaves it alone until then."""
        self._line(site, now).add(_End(now, taker, until - now, 0.0), now)

    def leave(self, site: str, taker: Taker, now: float) -> None:
        """Removes a taker that has nothing to do at the site: it does not wait, and its terms do not count."""
        line = self._sites.get(site)
        if line is not None:
            line.leave(taker)
            self._call(site, line, now)

    def forget(self, taker: Taker, sites: Iterable[str], now: float) -> None:
        """Removes a closed taker from these sites, which it has not left. Its visits ended just now."""
        for site in sites:
            line = self._sites.get(site)
            while line is not None and taker in line.out:
                line.end(taker, now, Rest(now, taker.rest_of(site)))
            self.leave(site, taker, now)

    def _call(self, site: str, line: _Line, now: float) -> None:
        """Promises turns that are free, or whose time is known, to those that wait longest."""
        while line.waiting and (at := line.turn(taker := line.waiting[0], now)) is not None:
            lapses = at - now + PATIENCE_S
            timer = asyncio.get_running_loop().call_later(lapses, self._lapse, site, taker, now + lapses)
            line.promise_first(_Promise(at, timer))
            taker.call(site, at)

    def _lapse(self, site: str, taker: Taker, now: float) -> None:
        """Takes a promise back from a taker that did not come in time; the next in line is served. It may ask again."""
        line = self._sites[site]
        line.withdraw(taker)
        self._call(site, line, now)

    def _line(self, site: str, now: float) -> _Line:
        line = self._sites.get(site)
        if line is None:
            if len(self._sites) >= self._sweep_at:
                self._sites = {site: line for site, line in self._sites.items() if not line.is_idle(now)}
                self._sweep_at = 2 * len(self._sites) + SWEPT_AT
            line = self._sites[site] = _Line(site)
        return line


class Rest(NamedTuple):
    """The rest of a site after a visit."""

    ended: float
    """When the exchange ended."""
    rest_s: float = 0.0
    """Rest that the taker gives the site for this visit."""
    asked_s: float | None = None
    """The rest that the site itself asks for after each visit, one at a time, as this taker heard. 0: none; None: it
    heard nothing new."""
    held_s: float = 0.0
    """Time for which the site asks all to leave it alone."""


class _Promise(NamedTuple):
    at: float
    lapse: asyncio.TimerHandle


class _End(NamedTuple):
    """A visit that is over."""

    ended: float
    taker: Taker | None
    """The taker that made it; None: it has left."""
    rest_s: float
    asked_s: float
    """The rest that the site asked for, as far as that taker honours it."""

    @property
    def longest_s(self) -> float:
        """The longest rest of any taker after this visit."""
        return max(self.rest_s, self.asked_s)

    def free_at(self, taker: Taker, site: str) -> float:
        """Returns when its place is free for a taker."""
        rest_s = self.rest_s if taker is self.taker else min(self.rest_s, taker.rest_of(site))
        return self.ended + max(rest_s, min(self.asked_s, taker.most_asked_s))


class _Line:
    """One site: the takers that visit it, wait for it, or visited it lately."""

    __slots__ = ("asked", "called", "ends", "holds", "out", "site", "waiting")

    def __init__(self, site: str) -> None:
        self.site = site
        self.asked: dict[Taker, float] = {}
        """The rest that the site itself asks for, by the takers that heard of it. Then only one visit at a time is
        allowed."""
        self.holds: list[tuple[float, float]] = []
        """When the site asked to be left alone, and for how long; each for less long than those before."""
        self.out: dict[Taker, int] = {}
        self.ends: list[_End] = []
        """Visits after which some taker may still rest."""
        self.waiting: list[Taker] = []
        self.called: dict[Taker, _Promise] = {}
        """Takers that were promised the next turns."""

    def take(self, taker: Taker, now: float) -> bool:
        promise = self.called.pop(taker, None)
        if promise is not None:
            promise.lapse.cancel()
        if promise is not None or not self.waiting:
            free = self.free_at(taker, now, 0 if promise else self._before(taker, now))
            if free is not None and free <= now:
                self.out[taker] = self.out.get(taker, 0) + 1
                return True
        if promise is not None:  # something came between: it waits first in line
            self.waiting.insert(0, taker)
        elif taker not in self.waiting:
            self.waiting.append(taker)
        return False

    def turn(self, taker: Taker, now: float) -> float | None:
        """Returns when a taker may come, behind those with an earlier promise; None: not before a visit ends."""
        others = -1
        at: float | None = now
        while at is not None and (before := self._before(taker, at)) > others:
            others = before
            free = self.free_at(taker, now, others)
            at = None if free is None else max(free, now)
        return at

    def promise_first(self, promise: _Promise) -> None:
        """Promises a turn to the taker that waits longest."""
        self.called[self.waiting.pop(0)] = promise

    def withdraw(self, taker: Taker) -> None:
        """Takes the promise to a taker back."""
        del self.called[taker]

    def _before(self, taker: Taker, at: float) -> int:
        """Returns how many promises come before its turn at that time: those no further away than its own rest."""
        if not self.called:
            return 0
        until = at + max(taker.rest_of(self.site), min(max(self.asked.values(), default=0.0), taker.most_asked_s))
        return sum(promise.at <= until for promise in self.called.values())

    def free_at(self, taker: Taker, now: float, others: int) -> float | None:
        """Returns when a taker may come with `others` before it; None: not before a visit ends."""
        limit = 1 if self.asked else min(one.at_one_site(self.site) for one in (taker, *self.out))
        if not self.ends and not self.holds:
            return 0.0 if others < limit - sum(self.out.values()) else None
        resting = sorted(free for end in self.ends if (free := end.free_at(taker, self.site)) > now)
        held = max([0.0, *self._held(taker)])
        behind = others - (limit - sum(self.out.values()) - len(resting))
        if behind < 0:
            return held
        return max(held, resting[behind]) if behind < len(resting) else None

    def _held(self, taker: Taker) -> Iterator[float]:
        """Yields the times until which nobody may come, by the site's own word."""
        yield from (since + min(held_s, taker.most_held_s) for since, held_s in self.holds)
        yield from (end.ended + min(end.asked_s, taker.most_asked_s) for end in self.ends if end.asked_s)

    def end(self, taker: Taker, now: float, rest: Rest | None) -> None:
        self.out[taker] -= 1
        if not self.out[taker]:
            del self.out[taker]
        if rest is None:
            return
        if rest.asked_s:
            self.asked[taker] = rest.asked_s
        elif rest.asked_s is not None:
            self.asked.pop(taker, None)
        if rest.held_s:
            longer = [hold for hold in self.holds if hold[1] > rest.held_s and sum(hold) > now]
            self.holds = [*longer, (rest.ended, rest.held_s)][-MOST_HOLDS:]
        asked_s = min(max(self.asked.values(), default=0.0), taker.most_asked_s)
        self.add(_End(rest.ended, taker, rest.rest_s, asked_s), now)

    def add(self, new: _End, now: float) -> None:
        if self.ends:
            self.ends = [end for end in self.ends if end.ended + end.longest_s > now][1 - MOST_ENDS :]
        if new.ended + new.longest_s > now:
            self.ends.append(new)

    def leave(self, taker: Taker) -> None:
        if promise := self.called.pop(taker, None):
            promise.lapse.cancel()
        if taker in self.waiting:
            self.waiting.remove(taker)
        self.asked.pop(taker, None)
        self.ends = [end._replace(taker=None) if end.taker is taker else end for end in self.ends]

    def is_idle(self, now: float) -> bool:
        if self.out or self.waiting or self.called or self.asked:
            return False
        rests = [(end.ended, end.longest_s) for end in self.ends] + self.holds
        return all(since + min(rest_s, KEPT_S) <= now for since, rest_s in rests)
