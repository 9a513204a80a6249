"""Chooses where one kind of work of one size is done, by what it costs in each place. Pure: figures in, a place out.

A process costs most to hand over to, and bounds CPU time and memory. A thread costs less, and shares the GIL with the
loop. The loop itself costs nothing to hand over to, and does nothing else meanwhile. So the cheapest place is taken,
unless the loop would be held too long by one call, or would have no room left for fetching.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

LEAST_SAMPLES = 16
"""Calls to measure before anything is chosen."""
SAMPLES = 128
"""Calls that are looked back on."""
MOST_ON_LOOP_S = 0.0005
"""CPU time that 99 of 100 calls on the loop may take: as long as the loop needs for a page anyway."""
MOST_IN_THREAD_S = 0.005
"""The same in a thread: code in C may keep the GIL all the time."""
ROOM = 0.6
"""Share of a core that our process may use once work has come to it."""
FULL = 0.85
"""Share of a core above which work leaves our process, where processes take less of it."""
GAIN = 0.9
"""A place must cost less than this share of the present one: differences below are noise, and each change costs."""
FIRST_HOLD, MOST_HOLD = 1024, 1 << 16
"""Calls before work that was too slow may come back to our process. Doubles each time."""


class Place(StrEnum):
    """Where work is done."""

    INLINE = "inline"
    """On the event loop."""
    THREAD = "thread"
    """In another thread of the same process."""
    PROCESS = "process"
    """In a worker process, within bounds of CPU time and memory."""


LONGEST = {Place.INLINE: MOST_ON_LOOP_S, Place.THREAD: MOST_IN_THREAD_S}


class Cost(NamedTuple):
    """CPU time of one call in seconds."""

    here: float
    """Time in which nothing else of our process runs: that of its threads, if they share a GIL."""
    beside: float = 0.0
    """Time on other cores, if there are any."""

    @property
    def total(self) -> float:
        return self.here + self.beside


class State(NamedTuple):
    """The state of our process at this instant."""

    hand_over: Mapping[Place, Cost]
    """Cost of handing one call over, without the call. Places that are not measured yet are absent."""
    busy: float
    """Share of a core that our process uses."""
    cores: int
    has_gil: bool = True


@dataclass(slots=True, eq=False)
class Choice:
    """The place of one kind of work and size. It begins with a process, which is safe for any work."""

    allowed: Collection[Place]
    """Places that are safe for this work."""
    place: Place = Place.PROCESS
    why: str = "not measured yet"
    calls: int = 0
    _costs: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    _held_until: dict[Place, int] = field(default_factory=dict)
    """The count of calls until which work may not come back to a place."""
    _hold: int = FIRST_HOLD

    @property
    def is_measured(self) -> bool:
        """Whether enough calls were measured."""
        return len(self._costs) >= LEAST_SAMPLES

    @property
    def mean_s(self) -> float:
        """Returns the mean CPU time of a call. The largest one is left out: one outlier says nothing."""
        known = sorted(self._costs)[: -1 if len(self._costs) > 1 else None]
        return sum(known) / len(known) if known else 0.0

    @property
    def p99_s(self) -> float:
        """Returns the CPU time that 99 of 100 calls stay below, one outlier apart."""
        ranked = sorted(self._costs)
        return ranked[-min(2, len(ranked))] if ranked else 0.0

    def note(self, cost_s: float) -> None:
        """Takes the CPU time of one call. Work that is too slow for its place leaves it at once."""
        self._costs.append(cost_s)
        longest = LONGEST.get(self.place)
        if longest and cost_s > longest and self.p99_s > longest:
            self._leave(f"calls take up to {self.p99_s * 1000:.2f} ms")

    def prices(self, state: State) -> dict[Place, Cost]:
        """Returns what a call costs in each place that is allowed and measured."""
        found = {place: self._price(place, state) for place in self.allowed}
        return {place: price for place, price in found.items() if price is not None}

    def review(self, state: State, calls_per_s: float) -> None:
        """Chooses anew."""
        if not self.is_measured:
            return
        prices = self.prices(state)
        now = prices.get(self.place)
        if now is None:
            return
        barred = {place: why for place in prices if (why := self._why_barred(place, prices, state, calls_per_s))}
        open_ = {place: price for place, price in prices.items() if place not in barred} or {
            Place.PROCESS: prices.get(Place.PROCESS, now)
        }
        best = min(open_, key=lambda place: open_[place].total)
        if best is not self.place and self.place in open_ and open_[best].total > now.total * GAIN:
            best = self.place
        self.place = best
        self.why = self._say_why(best, prices, barred)

    def _price(self, place: Place, state: State) -> Cost | None:
        if place is Place.INLINE:
            return Cost(self.mean_s)
        more = state.hand_over.get(place)
        if more is None:
            return None
        is_here = place is Place.THREAD and state.has_gil
        return Cost(more.here + self.mean_s, more.beside) if is_here else Cost(more.here, more.beside + self.mean_s)

    def _why_barred(self, place: Place, prices: Mapping[Place, Cost], state: State, calls_per_s: float) -> str:
        """Returns why a place may not be taken now. Empty: it may."""
        if place is Place.PROCESS:
            return ""
        if self.calls < self._held_until.get(place, 0):
            return "calls took too long there"
        if self.p99_s > LONGEST[place] * (1 if place is self.place else GAIN):
            return f"calls take up to {self.p99_s * 1000:.2f} ms"
        away, price = prices.get(Place.PROCESS), prices[place]
        if state.cores == 1 or away is None or price.here <= away.here:
            return ""  # processes would leave no more room
        if place is self.place:
            return "the loop has no room" if state.busy > FULL else ""
        coming = calls_per_s * (price.here - prices[self.place].here)
        return "the loop has no room" if state.busy + max(0.0, coming) > ROOM else ""

    def _say_why(self, best: Place, prices: Mapping[Place, Cost], barred: Mapping[Place, str]) -> str:
        if len(prices) == 1:
            return "the only place that is safe for it" if len(self.allowed) == 1 else "others are not measured yet"
        cheaper = [place for place in barred if prices[place].total < prices[best].total]
        if cheaper:
            return "; ".join(f"not {place}: {barred[place]}" for place in cheaper)
        return "costs least"

    def _leave(self, why: str) -> None:
        """Sends the work to processes, and keeps it out of its present place for a while."""
        self._held_until[self.place] = self.calls + self._hold
        self.place, self.why = Place.PROCESS, f"not {self.place}: {why}"
        self._hold = min(2 * self._hold, MOST_HOLD)
