"""Keeps one site in memory: its slots, when they are free, and the front of its queue."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

from ..model import Disposition, Lease, Outcome, Reason
from ..policy.politeness import Wait
from ..standing import SiteView
from .order import DEPTH, KEY, ROW_MASK, Entry, Packed, place, unpack
from .turns import Rest

NO_BACKLOG = 1 << 200
"""A horizon beyond every key: the whole queue of the site is in memory."""

SETBACKS = frozenset({Disposition.DEFERRED, Disposition.FAILED})


class Site:
    """Decides when a site may lend, and never waits. Times are monotonic seconds.

    Requests with a key up to `horizon` that are not out stand in `heap`; those beyond are on disk.
    """

    __slots__ = (
        "_late", "_lent_alone", "_resting", "_skipped", "_top",
        "asked_s", "heap", "hold", "horizon", "id", "ip", "is_loading", "is_parked", "key", "latest", "lent", "out",
        "place", "promised", "queued", "setback", "usual_s", "word_s",
    )  # fmt: skip

    def __init__(self, key: str, site_id: int, hold: float = 0.0) -> None:
        self.key: str = key
        self.id: int = site_id
        self.ip: str = ""
        self.heap: list[Packed] = []
        self.horizon: int = NO_BACKLOG
        self.queued: int = 0
        """Requests queued, in memory and on disk; those out on lease do not count."""
        self.out: dict[int, Entry] = {}
        self.hold: float = hold
        """No slot is free before this time."""
        self.setback: Reason | None = None
        """The setback that set `hold` last; None: none did."""
        self.latest: float = hold
        """When the last slot is free again; a restart goes by this."""
        self.place: tuple[float, int, Site] | None = None
        """Its place in the line of sites, if it stands there."""
        self.lent: int = 0
        self.is_parked: bool = False
        self.is_loading: bool = False
        self.promised: float = 0.0
        """The promised turn, for others want the site too; infinite: none is promised yet."""
        self.usual_s: float = 0.0
        """The rest that follows visits here."""
        self.asked_s: float = 0.0
        """The rest that the site itself asks for, with one visit at a time under all terms. 0: it asks for none."""
        self.word_s: float = 0.0
        """The part of `asked_s` that the site itself named; the remainder is ours."""
        self._lent_alone = 0
        """The row of the visit that was lent while the site asked for a rest."""
        self._resting: list[float] = []
        """When used slots are free again, soonest first."""
        self._top = 0
        self._late = NO_BACKLOG
        """While loading: the least key that went to disk since the load began, and that it may have missed."""
        self._skipped: frozenset[int] = frozenset()

    # -- turns -------------------------------------------------------------------------------------------------------

    def turn(self, per_site: int, in_depth_order: bool) -> float | None:
        """Returns when the site may lend next; None, or infinite: not before something changes."""
        if not self.heap or (in_depth_order and self._waits_for_shallower()):
            return None
        if self.asked_s:
            return None if self.out else max(self.hold, self.promised, self.latest)
        if len(self.out) + len(self._resting) < per_site:
            return max(self.hold, self.promised)
        return max(self.hold, self.promised, self._resting[0]) if self._resting else None

    def take(self, now: float) -> tuple[Entry, int]:
        """Lends the first request of its queue, on its turn. Returns it with its row."""
        while self._resting and self._resting[0] <= now:
            heapq.heappop(self._resting)
        entry = unpack(heapq.heappop(self.heap))
        row = entry.key & ROW_MASK
        self.out[row] = entry
        self._lent_alone = row if self.asked_s else 0
        self.promised = 0.0
        self.queued -= 1
        self.lent += 1
        return entry, row

    def replace_lent(self, entry: Entry) -> None:
        """Puts another entry in the place of the one that is out under its row."""
        self.out[entry.row] = entry

    def complete(self, lease: Lease) -> None:
        """Takes the request of a lease with its extra."""
        self.out[lease.token] = self.out[lease.token]._replace(request=lease.request)

    def end(self, row: int, outcome: Outcome, now: float) -> Entry:
        """Ends a visit: its slot rests from the end of the exchange; after a setback with a longer rest all slots do.

        So they do by the site's own word. A visit that was lent before the site gave that word does not take it back.
        """
        entry = self.out.pop(row)
        if outcome.asked_s or (outcome.asked_s is not None and row == self._lent_alone):
            self.asked_s = outcome.asked_s
            self.word_s = outcome.asked_s if outcome.word_s is None else outcome.word_s
        free = outcome.ended + outcome.rest_s
        if self.asked_s and _may_have_asked(outcome):
            free = outcome.ended + max(outcome.rest_s, self.asked_s)
        if free > now:
            heapq.heappush(self._resting, free)
            self.latest = max(self.latest, free)
        if outcome.disposition not in SETBACKS:
            self.usual_s = outcome.rest_s if outcome.response else self.usual_s
        elif outcome.rest_s > self.usual_s:
            self.hold, self.setback = max(self.hold, free), outcome.reason
        return entry

    def give_back(self, row: int, now: float) -> Entry:
        """Takes back a visit that was called off; it may have made its request already."""
        if self.asked_s:
            self.latest = max(self.latest, now + self.asked_s)
        return self.out.pop(row)

    def put_back(self, entry: Packed) -> None:
        """Queues a request that was out."""
        self.push([entry])
        self.queued += 1

    @property
    def safe_at(self) -> float:
        """Time to go on after a restart: a visit may have begun since, whose end was never recorded."""
        return self.latest + self.asked_s

    def wait(self, now: float) -> Wait:
        """Returns why it may not lend yet, though its turn is known."""
        if self.setback and self.hold > now:
            return Wait.DNS if self.setback is Reason.DNS else Wait.RETRY
        return Wait.ASKED if self.asked_s else Wait.REST

    def view(self, per_site: int, in_depth_order: bool, now: float) -> SiteView:
        """Returns the site as panels show it."""
        turn = self.turn(per_site, in_depth_order)
        in_s = None if turn is None or turn == math.inf else max(0.0, turn - now)
        backs_off = self.setback is not None and self.hold > now
        backoff = (self.hold - now, self.setback) if backs_off else (0.0, None)
        return SiteView(self.key, self.queued, len(self.out), in_s, *backoff, visits=self.lent - len(self.out))

    def rest_of(self, outcome: Outcome) -> Rest | None:
        """Returns what the visit that just ended means for others that want the site."""
        asked_s = self.word_s if self.asked_s else 0.0
        if not outcome.response and not outcome.rest_s:
            return Rest(0.0, asked_s=asked_s) if asked_s else None
        held_s = self.word_s if self.hold > outcome.ended and outcome.disposition in SETBACKS else 0.0
        return Rest(outcome.ended, outcome.rest_s, asked_s, held_s)

    def _waits_for_shallower(self) -> bool:
        depth = self.heap[0][DEPTH]
        return any(entry.request.depth < depth for entry in self.out.values())

    # -- where it stands ---------------------------------------------------------------------------------------------

    def stand_at(self, place: tuple[float, int, Site] | None) -> None:
        """Takes a place in the line of sites; None: it stands in no line."""
        self.place = place

    def promise(self, at: float) -> None:
        """Notes when its turn is promised, for others want it too; infinite: it is asked for and not promised yet."""
        self.promised = at

    def park(self) -> None:
        """Takes it out of the line until its address has room."""
        self.is_parked = True

    def unpark(self) -> None:
        self.is_parked = False

    def move(self, ip: str) -> None:
        """Notes its address."""
        self.ip = ip

    # -- the front of the queue and what lies behind it ---------------------------------------------------------------

    @property
    def has_backlog(self) -> bool:
        return self.horizon < NO_BACKLOG

    def admit(self, first: int, count: int, room: float) -> int:
        """Counts in `count` new requests, with keys from `first` on; returns how many of them belong into memory.

        The others stay on disk.
        """
        self.queued += count
        if not self.has_backlog:
            if len(self.heap) + count <= room or first <= self._top:
                return count
            fit = max(0, int(room) - len(self.heap))
            self.horizon = first + fit - 1 if fit else self._top
        fit = min(max(0, self.horizon - first + 1), count)
        if fit < count:
            self._late = min(self._late, first + fit)
        return fit

    def push(self, entries: Sequence[Packed]) -> None:
        for entry in entries:
            heapq.heappush(self.heap, entry)
        if entries:
            self._top = max(self._top, entries[-1][KEY])

    def trim(self, room: float) -> None:
        """Leaves requests beyond the room to the disk, but none that was given back: its place would be lost."""
        if len(self.heap) <= 2 * room:
            return
        heads = sum(entry[KEY] < 0 for entry in self.heap)
        self.heap = heapq.nsmallest(max(int(room), heads), self.heap)
        self.horizon = self._top = max(self.heap[-1][KEY], 0)
        self._late = min(self._late, self.horizon + 1)

    def is_hungry(self, room: float) -> bool:
        return self.has_backlog and not self.is_loading and len(self.heap) <= room // 2

    def shelve(self, queued: int) -> None:
        """Notes that all its requests, so many, are on disk."""
        self.queued, self.horizon = queued, -1

    def start_loading(self) -> int:
        """Returns the key after which to load, and notes which rows the load will find wrongly or miss."""
        self.is_loading = True
        self._late = NO_BACKLOG
        near = (entry[KEY] for entries in (self.heap, self.out.values()) for entry in entries)
        self._skipped = frozenset(key & ROW_MASK for key in near if place(key) > self.horizon)
        return self.horizon

    def take_load(self, entries: Sequence[Packed], was_all: bool) -> None:
        """Takes in the requests of a load, in order; `was_all`: no others were on disk."""
        self.is_loading = False
        horizon = NO_BACKLOG if was_all else entries[-1][KEY]
        self.horizon = min(horizon, self._late - 1) if self._late < NO_BACKLOG else horizon
        self.push(
            [entry for entry in entries if entry[KEY] <= self.horizon and entry[KEY] & ROW_MASK not in self._skipped]
        )
        if self.has_backlog:
            self._top = max(self._top, self.horizon)


def _may_have_asked(outcome: Outcome) -> bool:
    """Returns whether the visit may have made a request to the site."""
    return bool(outcome.response or outcome.rest_s) or outcome.reason is Reason.INTERNAL
