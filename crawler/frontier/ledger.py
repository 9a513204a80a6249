"""What every call changes, in memory at once and as rows for the store. Plain functions over all parts, no waiting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .. import urls
from ..errors import FrontierError
from ..model import Counts, Disposition, Lease, Links, Outcome, Position, Request, Url
from ..traps import Stored
from .bars import Bars
from .change import Change, Family, Schedule, Setback, Visit
from .claims import Claims
from .discovery import Discovery
from .order import LAST, Entry, Packed, key, pack
from .retries import Retries
from .seen import Fingerprints
from .site import Site
from .store import Due, Load, Shelf, Shelved
from .terms import Clock, Terms
from .workbench import Workbench

Touched = dict[Site, None]
"""Sites a call changed, in the order it came to them."""
MOST_VALIDATOR = 1000
"""Characters of an ETag or a date that are kept; longer ones are not worth their place: the body comes instead."""


@dataclass(slots=True)
class State:
    """What an opened store remembered. Empty: a new crawl."""

    claims: Claims
    seen: Fingerprints = field(default_factory=Fingerprints)
    names: int = 0
    """URLs that are referred to but were never queued."""
    queued: int = 0
    shelved: int = 0
    """Sites with something queued."""
    setbacks: Sequence[tuple[Entry, float]] = ()
    """Waiting for another attempt, until when in Unix seconds."""
    rests: Mapping[int, float] = field(default_factory=dict)
    """Sites without anything queued whose turn is still to come."""
    positions: Mapping[str, Position] = field(default_factory=dict)
    settled: Mapping[str, int] = field(default_factory=dict)
    scheduled: int = 0
    next_due: float | None = None
    """When the first revisit is due, in Unix seconds."""
    patterns: Sequence[Stored] = ()
    pages: Mapping[str, int] = field(default_factory=dict)
    """Fetched pages by site, where those are bounded."""


class Ledger:
    """Holds the parts together. Times are monotonic seconds, but for what goes to the store."""

    def __init__(self, discovery: Discovery, bench: Workbench, clock: Clock, state: State, terms: Terms) -> None:
        self.claims = state.claims
        self.bars = Bars(terms, state.patterns, state.pages)
        self.positions = dict(state.positions)
        self.shelved = state.shelved
        """Sites on the shelf when we last looked, and those that went there since."""
        self.is_unshelving = False
        self._discovery = discovery
        self._bench = bench
        self._clock = clock
        self._retries = Retries()
        self._settled = {Disposition(name): number for name, number in state.settled.items()}
        self._keeps_fresh = terms.revisit_after_s is not None
        self._longest_s = terms.longest_s
        self._scheduled = state.scheduled
        self._next_revisit = state.next_due
        self._next_revisit_since: float | None = None
        """Of those settled while the store is asked what is due."""
        self._lone: set[str] = set()
        """Sites that have nothing but setbacks."""
        self._late: dict[str, list[tuple[int, int]]] = {}
        """While sites are on their way from the shelf: key and number of what went there."""
        self._is_shelf_fed = False
        """Whether anything went to the shelf since."""
        self._pending = Change()
        """Changes that may wait for the next transaction: a restart would make them again."""
        self._restore(state, terms.rest_s)

    # -- calls from outside ------------------------------------------------------------------------------------------

    def add(self, requests: Sequence[Request]) -> tuple[int, Change]:
        change = self.take_pending()
        new = self._discovery.add(requests, change)
        self._queue(change.families, change, {}, self._clock.monotonic())
        return new, change

    def settle(self, outcomes: Sequence[Outcome], positions: Mapping[str, Position]) -> Change:
        now = self._clock.monotonic()
        self._check_out([outcome.lease for outcome in outcomes])
        change = self.take_pending()
        touched: Touched = {}
        visits = [(outcome, self._bench.entry(outcome.lease.token)) for outcome in outcomes]
        for outcome, entry in visits:
            site = self._bench.end(outcome, now)
            self.bars.end(entry.row, outcome)
            touched[site] = None
            if outcome.is_final:
                self._close(outcome, entry, change)
            else:
                self._defer(outcome, entry, site, change, now)
        sifted, change.patterns = self.bars.sifted(visits)
        self._discovery.follow(sifted, change)
        if self._keeps_fresh:
            change.hints += [hint for outcome in outcomes if outcome.page for hint in _hints(outcome.page.news)]
        self._note(touched, positions, change, now)
        self._queue(change.families, change, touched, now)
        return change

    def start_revisiting(self) -> None:
        self._next_revisit_since = None

    def revisit(self, due: Due) -> Change:
        """Queue what is due for another visit, as if it were new."""
        change = self.take_pending()
        now = self._clock.monotonic()
        touched: Touched = {}
        for entry in due.entries:
            self._arrive(entry.request.url.site, entry.key, [pack(entry)], change, touched, now)
        change.requeued += due.entries
        self._scheduled -= len(due.entries)
        self._next_revisit = _earlier(due.next_due, self._next_revisit_since)
        self._attend(touched, now)
        return change

    def release(self, leases: Sequence[Lease]) -> None:
        now = self._clock.monotonic()
        self._check_out(leases)
        touched: Touched = {}
        for lease in leases:
            self.claims.give_up(lease.token)
            self.bars.end(lease.token, None)
            touched[self._bench.release(lease.token, now)] = None
        self._attend(touched, now)

    def stir(self, now: float) -> None:
        """Queue the setbacks whose wait is over."""
        touched: Touched = {}
        due = self._retries.pop_due(now)
        for entry in due:
            self._arrive(entry.request.url.site, entry.key, [pack(entry)], self._pending, touched, now)
        self._pending.requeued += due
        if due:
            self._attend(touched, now)

    def take_pending(self) -> Change:
        """What is to be written before anything is read, or with whatever is written next."""
        pending, self._pending = self._pending, Change()
        return pending

    def counts(self) -> Counts:
        return Counts(
            known=len(self._discovery),
            queued=self._bench.queued + len(self._retries),
            leased=self._bench.leased,
            retrying=len(self._retries),
            sites=len(self._bench) + self.shelved + len(self._lone),
            settled=dict(self._settled),
            scheduled=self._scheduled,
            due_in_s=None if self._next_revisit is None else self._next_revisit - self._clock.wall(),
            traps=self.bars.traps,
        )

    @property
    def is_exhausted(self) -> bool:
        return not (self._bench.queued or self._bench.leased or self._retries)

    def retrying(self) -> Mapping[str, int]:
        return self._retries.sites()

    @property
    def next_due(self) -> float | None:
        """When the next setback may be tried again."""
        return self._retries.next_due

    def part(self) -> Change:
        """When the sites are due that ask for a gap: earlier than after a kill, since nobody is there."""
        now, change = self._clock.monotonic(), Change()
        for site in self._bench.asking():
            change.site(site.key).next_at = (site.safe_at if site.out else site.latest) + self._clock.wall() - now
        return change

    # -- one visit ---------------------------------------------------------------------------------------------------

    def _check_out(self, leases: Sequence[Lease]) -> None:
        """Before anything changes: all of a call, or nothing."""
        tokens: set[int] = set()
        for lease in leases:
            if not self._bench.is_out(lease.token) or lease.token in tokens:
                raise FrontierError(f"{lease.request.url} is not out on lease: it was settled or released before")
            tokens.add(lease.token)

    def _close(self, outcome: Outcome, entry: Entry, change: Change) -> None:
        digest = None
        if outcome.disposition is Disposition.FETCHED:
            digest = outcome.page.digest if outcome.page else None
            if claim := self.claims.settle(entry.row):
                change.claims.append(claim)
        elif outcome.disposition is Disposition.UNCHANGED:
            digest = entry.request.digest
        self.claims.give_up(entry.row)
        self._settled[outcome.disposition] = self._settled.get(outcome.disposition, 0) + 1
        self._leave_queue(entry, change)
        change.visits.append(Visit.of(outcome, entry, digest))
        self._schedule(outcome, entry, change)

    def _schedule(self, outcome: Outcome, entry: Entry, change: Change) -> None:
        """Another visit, if there is to be one; a page that is on schedule leaves it only when it is excluded."""
        wait_s, request = outcome.revisit_in_s, entry.request
        if request.visit > 1 and wait_s is None and outcome.disposition is not Disposition.EXCLUDED:
            wait_s = request.interval_s
        if wait_s is None:
            if request.visit > 1:
                change.schedules.append(Schedule(entry, None))
            return
        due = self._clock.wall() + wait_s
        again = replace(_known_now(outcome, request), attempt=1, visit=request.visit + 1, interval_s=wait_s)
        fingerprint = urls.fingerprint(request.url.text, self._discovery.key)
        change.schedules.append(Schedule(Entry(key(LAST, entry.row), again, entry.seed, entry.root), due, fingerprint))
        self._scheduled += 1
        self._next_revisit = _earlier(self._next_revisit, due)
        self._next_revisit_since = _earlier(self._next_revisit_since, due)

    def _defer(self, outcome: Outcome, entry: Entry, site: Site, change: Change, now: float) -> None:
        """Another attempt; without a reason the visit was none, and without a wait it is first when the turn comes."""
        self.claims.give_up(entry.row)
        if outcome.reason is None and not outcome.retry_in_s:
            self._bench.put_back(site, entry)
            return
        request = replace(entry.request, attempt=entry.request.attempt + (outcome.reason is not None))
        again = entry._replace(key=entry.place, request=request)
        wait_s = outcome.retry_in_s or 0.0
        self._leave_queue(entry, change)
        self._retries.add(again, now + wait_s)
        change.setbacks.append(Setback(again, self._clock.wall() + wait_s, outcome.reason))

    def _leave_queue(self, entry: Entry, change: Change) -> None:
        change.gone.append(entry)
        change.site(entry.request.url.site).queued -= 1

    def _note(self, touched: Iterable[Site], positions: Mapping[str, Position], change: Change, now: float) -> None:
        """What the transaction says beside its rows."""
        if change.claims:
            self.claims.add_settled(np.array(change.claims, np.uint64).reshape(-1, 2))
        self.positions.update(positions)
        change.positions = dict(self.positions)
        change.settled = {str(name): number for name, number in self._settled.items()}
        ahead = self._clock.wall() - now
        for site in touched:
            if site.latest > now:
                change.site(site.key).next_at = site.safe_at + ahead

    # -- arrivals ----------------------------------------------------------------------------------------------------

    def _queue(self, families: Sequence[Family], change: Change, touched: Touched, now: float) -> None:
        for family in families:
            self._arrive(family.site, family.key, family, change, touched, now)
        self._attend(touched, now)

    def _arrive(
        self, key: str, first: int, what: Family | Sequence[Packed], change: Change, touched: Touched, now: float
    ) -> None:
        """Newcomers of one site with keys from `first` on: into memory as far as they belong there."""
        number = len(what)
        noted = change.site(key)
        noted.queued += number
        self._bench.queued += number
        self._lone.discard(key)
        site = self._bench.site(key, now)
        if site is None:
            noted.is_shelved = self._is_shelf_fed = True
            if self.is_unshelving:
                self._late.setdefault(key, []).append((first, number))
            return
        site.queued += number
        fit = site.admit(first, number, self._bench.room)
        site.push(what.packed(fit) if isinstance(what, Family) else what[:fit])
        touched[site] = None

    def _attend(self, touched: Iterable[Site], now: float) -> None:
        self._bench.attend(touched, now)
        waiting = self._retries.sites()
        for site in touched if waiting else ():
            if site.key in waiting and not self._bench.holds(site) and not site.queued:
                self._lone.add(site.key)
        self.note_shelved()

    # -- the disk and back -------------------------------------------------------------------------------------------

    def note_shelved(self) -> None:
        """Sites that left the bench with work to do are found on the shelf from now on."""
        for site in self._bench.shelved:
            self._pending.site(site.key).is_shelved = self._is_shelf_fed = True
            self.shelved += 1
        self._bench.shelved.clear()

    def loaded(self, site: Site, load: Load) -> None:
        site.loaded(load.entries, load.was_all)
        if self._bench.holds(site):
            self._attend([site], self._clock.monotonic())

    def start_unshelving(self) -> None:
        self.is_unshelving, self._is_shelf_fed = True, False

    def unshelved(self, shelf: Shelf) -> None:
        """Sites come back to the bench; what went to them meanwhile is behind their horizon."""
        self.is_unshelving = False
        now = self._clock.monotonic()
        newcomers = [shelved for shelved in shelf.sites if shelved.load.entries]
        self._attend([site for shelved in newcomers if (site := self._set_up(shelved, now))], now)
        self.shelved = shelf.left
        self._bench.is_shelf_open = shelf.left > 0 or self._is_shelf_fed
        self._late.clear()

    def _set_up(self, shelved: Shelved, now: float) -> Site | None:
        key = Url(shelved.load.entries[0][1]).site
        if key in self._bench:
            return None
        site = Site(key, shelved.site_id, max(self._bench.opens_at, self._at(shelved.next_at, now)))
        site.queued, site.horizon = shelved.queued, -1
        site.start_loading()
        for first, number in self._late.pop(key, ()):
            site.queued += number
            site.admit(first, number, 0)
            self._pending.site(key).is_shelved = False  # the latecomers put it there once more
        site.loaded(shelved.load.entries, shelved.load.was_all)
        return self._bench.set_up(site, now)

    def _restore(self, state: State, rest_s: float) -> None:
        """Nothing of the queue stands in memory yet: all of it is on the shelf."""
        now = self._clock.monotonic()
        if len(state.seen):
            self._bench.opens_at = now + rest_s
        self._bench.queued = state.queued
        self._bench.is_shelf_open = state.shelved > 0
        for site_id, until in state.rests.items():
            self._bench.rest(site_id, max(self._bench.opens_at, self._at(until, now)))
        for entry, due in state.setbacks:
            self._retries.add(entry, self._at(due, now))
            self._lone.add(entry.request.url.site)

    def _at(self, stored: float, now: float) -> float:
        """When a time that was stored is on our clock; the other one may have been set since."""
        return max(0.0, now + min(stored - self._clock.wall(), self._longest_s))


def _known_now(outcome: Outcome, request: Request) -> Request:
    """The request with what its next visit can refer to: the content we had last."""
    response, page = outcome.response, outcome.page
    if outcome.disposition in (Disposition.FAILED, Disposition.EXCLUDED) or response is None:
        return request
    etag, last_modified = (_bounded(response.header(name)) for name in ("etag", "last-modified"))
    if outcome.disposition is Disposition.UNCHANGED and page is None:  # 304: it may leave out what did not change
        return replace(request, etag=etag or request.etag, last_modified=last_modified or request.last_modified)
    if page is None:
        return replace(request, etag="", last_modified="", digest=b"")
    return replace(request, etag=etag, last_modified=last_modified, digest=page.digest)


def _earlier(one: float | None, other: float | None) -> float | None:
    return min((due for due in (one, other) if due is not None), default=None)


def _hints(news: Links) -> Iterable[tuple[int, int]]:
    """What a sitemap says about the age of the pages it lists, where it says it."""
    modified = np.frombuffer(news.modified, "<u4")
    dated = np.flatnonzero(modified)
    return zip(np.frombuffer(news.fingerprints, "<u8")[dated].tolist(), modified[dated].tolist(), strict=True)


def _bounded(validator: str) -> str:
    return validator if len(validator) <= MOST_VALIDATOR else ""
