"""Makes the changes of every call, in memory at once and as rows for the store. Plain functions, no waiting."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from .. import urls
from ..errors import FrontierError
from ..model import Disposition, Lease, Outcome, Position, Reason, Request, Url
from ..policy.politeness import Wait
from ..standing import Counts
from .arrivals import Arrivals, Touched
from .change import (
    READ_AGAIN,
    Change,
    Parked,
    Reread,
    Schedule,
    Setback,
    ShorterWay,
    Visit,
    has_failed_again,
    hints,
    left_out,
    pairs,
)
from .claims import Claims
from .depths import NOT_VISITED
from .discovery import Added, Discovery, FoundLinks
from .extras import Extra, bare
from .fingerprints import U64
from .order import LAST, Entry, key
from .parking import Parkings
from .rereads import Rereads
from .retries import Retries
from .site import Site
from .site_table import SiteTable
from .state import State
from .store import Due, Picked
from .terms import Clock, Terms
from .validators import add_validators
from .visit_checks import VisitChecks

NO_WAY = Request(Url("http:///"))
"""The way to a seed: nothing led to it."""


class Ledger:
    """Holds the parts of a frontier together. Times are monotonic seconds, but for those that go to the store."""

    def __init__(self, discovery: Discovery, bench: SiteTable, clock: Clock, state: State, terms: Terms) -> None:
        self.claims: Claims = state.claims
        self.bars: VisitChecks = VisitChecks(terms, state.patterns, state.pages)
        self.positions: dict[str, Position] = dict(state.positions)
        self.notes: dict[str, object] = dict(state.notes)
        self.parkings: Parkings = Parkings(state.parkings)
        self.retries: Retries = Retries()
        self.arrivals: Arrivals = Arrivals(bench, clock, self.retries, state.shelved, terms.longest_s)
        self._discovery = discovery
        self._bench = bench
        self._clock = clock
        self.rereads: Rereads = Rereads(discovery, bench, self.arrivals)
        self._settled = {Disposition(name): number for name, number in state.settled.items()}
        self._keeps_fresh = terms.revisit_after_s is not None
        self._scheduled = state.scheduled
        self._next_revisit = state.next_due
        self._next_revisit_since: float | None = None
        """The first due time of pages settled while the store looks for due ones."""
        self._restore(state)

    # -- calls from outside ------------------------------------------------------------------------------------------

    def add(self, requests: Sequence[Request]) -> tuple[Added, Change]:
        change = self.arrivals.take_pending()
        now, touched = self._clock.monotonic(), Touched()
        added = self._discovery.add(requests, change)
        self.rereads.take_shorter_ways(added.nearer, change, touched, now)
        self.arrivals.queue(change.families, change, touched, now)
        return added, change

    def follow(self, read: Sequence[tuple[Outcome, Entry]]) -> Change:
        """Queues the URLs that pages lead to which were visited before."""
        change, touched, now = self.arrivals.take_pending(), Touched(), self._clock.monotonic()
        harvests, change.patterns = self.bars.sift(read)
        nearer = self._discovery.follow(harvests, read, change)
        change.outside = b"".join(pairs(outcome.page.outside, entry.row) for outcome, entry in read if outcome.page)
        self._park_links(change)
        self.rereads.take_shorter_ways(nearer, change, touched, now)
        self.arrivals.queue(change.families, change, touched, now)
        return change

    def receive(self, links: Sequence[FoundLinks], asked: Sequence[tuple[Sequence[Request], Entry | None]]) -> Change:
        """Queues URLs that pages of other shards lead to, and requests that were found there, with their parents."""
        change, touched, now = self.arrivals.take_pending(), Touched(), self._clock.monotonic()
        nearer = self._discovery.follow(links, (), change)
        for requests, parent in asked:
            nearer += self._discovery.add(requests, change, parent).nearer
        if self._keeps_fresh:
            change.hints += [hint for found in links for hint in hints(found.links)]
        self.rereads.take_shorter_ways(nearer, change, touched, now)
        self.arrivals.queue(change.families, change, touched, now)
        return change

    def settle(self, outcomes: Sequence[Outcome], positions: Mapping[str, Position]) -> Change:
        now = self._clock.monotonic()
        self.check_leases([outcome.lease for outcome in outcomes])
        change, touched = self.arrivals.take_pending(), Touched()
        pending = len(change.requeued)
        entries = (self._bench.entry(outcome.lease.token) for outcome in outcomes)
        visits = [
            (outcome, self._bench.shorter_ways.shorten(entry)) for outcome, entry in zip(outcomes, entries, strict=True)
        ]
        for outcome, entry in visits:
            site = self._bench.end(outcome, now)
            self.bars.end(entry.row, outcome)
            touched[site] = None
            if outcome.disposition is Disposition.PARKED:
                self._park(outcome, entry, change)
            elif not outcome.is_final:
                self._defer(outcome, entry, site, change, now)
            elif entry.request.is_reread:
                self._close_reread(outcome, entry, change)
            else:
                self._close(outcome, entry, change)
        harvests, change.patterns = self.bars.sift(visits)
        nearer = self._discovery.follow(harvests, visits, change)
        if self._keeps_fresh:
            change.hints += [hint for outcome in outcomes if outcome.page for hint in hints(outcome.page.news)]
        change.outside = b"".join(pairs(outcome.page.outside, entry.row) for outcome, entry in visits if outcome.page)
        self._write_totals(touched, positions, change, now)
        self._park_links(change)
        self.rereads.note_visits(visits, change, touched, now)
        self.rereads.take_shorter_ways(nearer, change, touched, now)
        change.stay(pending)
        self.arrivals.queue(change.families, change, touched, now)
        return change

    def start_revisiting(self) -> None:
        self._next_revisit_since = None

    def revisit(self, due: Due) -> Change:
        """Queues pages that are due for another visit, as if they were new."""
        change = self.arrivals.take_pending()
        self._requeue(due.entries, change)
        for entry in due.entries:
            self.rereads.stand(entry.row, NOT_VISITED)
        self._scheduled -= len(due.entries)
        self.expect_revisit(due)
        return change

    def expect_revisit(self, due: Due) -> None:
        """Notes when the first page is due of those that stay scheduled, by a look that `start_revisiting` began."""
        self._next_revisit = _earlier(due.next_due, self._next_revisit_since)

    def take_back(self, picked: Sequence[Picked], extras: Sequence[Extra] = ()) -> Change:
        """Queues again parked and failed URLs, and pages whose links were left out. `extras` replace theirs."""
        change, entries = self.arrivals.take_pending(), []
        change.extras += extras
        for one in picked:
            entries.append(one.entry)
            self.rereads.stand(one.entry.row, NOT_VISITED)
            if one.pattern:
                self.parkings.leave(one.pattern)
            elif one.entry.request.is_reread:
                change.rereads.append(one.entry.row)
            else:
                self.rereads.count_requisite(one.entry.row, is_one=False)
                ended = Disposition(one.disposition)  # maybe before this shard was taken: then the count is below zero
                self._settled[ended] = self._settled.get(ended, 0) - 1
                self._scheduled -= one.is_scheduled
                change.again.append(one.entry.row)
                change.schedules.append(Schedule(one.entry, None))
        self._requeue(entries, change)
        change.settled = self._settled_counts()
        return change

    def make_seeds(self, rows: Sequence[int]) -> Change | None:
        """Makes seeds of known URLs that a person asks for by name."""
        if not rows:
            return None
        change = self.arrivals.take_pending()
        ways = [ShorterWay(row, NO_WAY, 0, 0, 0) for row in rows]
        change.nearer += ways
        for way in ways:
            if self.rereads.awaits_visit(way.row):
                self._bench.shorter_ways.note(way)
        return change

    def note(self, name: str, value: object) -> Change:
        self.notes[name] = value
        return Change(notes={name: value})

    def release(self, leases: Sequence[Lease]) -> None:
        now = self._clock.monotonic()
        self.check_leases(leases)
        touched = Touched()
        for lease in leases:
            self.claims.give_up(lease.token)
            self.bars.end(lease.token, None)
            touched[self._bench.release(lease.token, now)] = None
        self.arrivals.attend(touched, now)

    def queue_due_setbacks(self, now: float) -> None:
        """Queues the setbacks whose wait is over."""
        if due := self.retries.pop_due(now):
            self._requeue(due, self.arrivals.pending)

    def counts(self) -> Counts:
        return Counts(
            known=len(self._discovery),
            queued=self._bench.queued + len(self.retries),
            leased=self._bench.leased,
            retrying=len(self.retries),
            sites=len(self._bench) + self.arrivals.shelved + len(self.arrivals.lone),
            settled=dict(self._settled),
            scheduled=self._scheduled,
            due_in_s=None if self._next_revisit is None else self._next_revisit - self._clock.wall(),
            parked=self.parkings.total,
            traps=self.parkings.combine(self.bars.traps),
            requisites=self.rereads.requisites,
        )

    def fingerprints(self, requests: Sequence[Request]) -> U64:
        return self._discovery.fingerprints(requests)

    def knows(self, url: Url) -> bool:
        """Returns whether the URL was ever queued."""
        return url in self._discovery

    @property
    def is_exhausted(self) -> bool:
        return not (self._bench.queued or self._bench.leased or self.retries)

    def wait(self, now: float) -> Wait:
        """Returns why nothing may be lent now."""
        if self.retries and not self._bench.queued:
            return Wait.DNS if self.retries.are_mostly(Reason.DNS) else Wait.RETRY
        return self._bench.wait(now)

    def retrying(self) -> Mapping[str, int]:
        return self.retries.sites()

    @property
    def next_due(self) -> float | None:
        """Time at which the next setback may be tried again."""
        return self.retries.next_due

    def note_turns(self) -> Change:
        """Returns the next turns of sites with a Crawl-delay, earlier than after a kill: no visit is under way."""
        now, change = self._clock.monotonic(), Change()
        for site in self._bench.asking():
            change.rest(site.key, (site.safe_at if site.out else site.latest) + self._clock.wall() - now)
        return change

    def _requeue(self, entries: Iterable[Entry], change: Change) -> None:
        now, touched = self._clock.monotonic(), Touched()
        self.arrivals.requeue(entries, change, touched, now)
        self.arrivals.attend(touched, now)

    # -- one visit ---------------------------------------------------------------------------------------------------

    def check_leases(self, leases: Sequence[Lease]) -> None:
        """Raises FrontierError for a lease that is not out, before anything changes."""
        tokens: set[int] = set()
        for lease in leases:
            if not self._bench.is_out(lease.token) or lease.token in tokens:
                raise FrontierError(f"{lease.request.url} is not out on lease: it was settled or released before")
            tokens.add(lease.token)

    def _close(self, outcome: Outcome, entry: Entry, change: Change) -> None:
        row = entry.row
        if outcome.disposition is Disposition.FETCHED:
            digest = outcome.page.digest if outcome.page else None
            self.rereads.count_requisite(row, is_one=entry.request.requisite > 0)
            if claim := self.claims.settle(row):
                change.claims.append(claim)
        else:
            self.claims.give_up(row)
            digest = entry.request.digest if outcome.disposition is Disposition.UNCHANGED else None
        self._settled[outcome.disposition] = self._settled.get(outcome.disposition, 0) + 1
        self._leave_queue(entry, change)
        change.visits.append(Visit.of(outcome, entry, digest))
        if outcome.revisit_in_s is not None or entry.request.visit > 1:
            self._schedule(outcome, entry, change)

    def _close_reread(self, outcome: Outcome, entry: Entry, change: Change) -> None:
        """Closes a reread: its links are known now, and the outcome of the page's own visit stays."""
        self.claims.give_up(entry.row)
        self._leave_queue(entry, change)
        change.reread.append(Reread(entry.row, None if has_failed_again(outcome) else left_out(outcome) | READ_AGAIN))

    def _park(self, outcome: Outcome, entry: Entry, change: Change) -> None:
        self.claims.give_up(entry.row)
        self._leave_queue(entry, change)
        change.parked.append(Parked(entry.row, entry.rank, outcome.pattern))
        self.parkings.add(outcome.pattern, outcome.reason or Reason.TRAP, [entry.request.url.text], change)

    def _park_links(self, change: Change) -> None:
        """Parks new links that are known to lead into a trap."""
        for family in change.families:
            if family.pattern:
                rows = range(family.first, family.first + len(family))
                change.parked += [Parked(row, family.rank, family.pattern) for row in rows]
                self.parkings.add(family.pattern, Reason.TRAP, family.texts, change)

    def _schedule(self, outcome: Outcome, entry: Entry, change: Change) -> None:
        """Schedules another visit, if there is to be one; a page leaves the schedule only when it is excluded."""
        request = entry.request
        wait_s = outcome.revisit_in_s if request.is_safe else None
        is_scheduled = request.visit > 1 and (self._keeps_fresh or request.interval_s) and request.is_safe
        if is_scheduled and wait_s is None and outcome.disposition is not Disposition.EXCLUDED:
            wait_s = request.interval_s
        if wait_s is None:
            if request.visit > 1:
                change.schedules.append(Schedule(entry, None, None))
            return
        due = self._clock.wall() + wait_s
        again = replace(add_validators(outcome, request), attempt=1, visit=request.visit + 1, interval_s=wait_s)
        fingerprint = urls.fingerprint(request.identity, self._discovery.key)
        change.schedules.append(Schedule(entry._replace(key=key(LAST, entry.row), request=again), due, fingerprint))
        self._scheduled += 1
        self._next_revisit = _earlier(self._next_revisit, due)
        self._next_revisit_since = _earlier(self._next_revisit_since, due)

    def _defer(self, outcome: Outcome, entry: Entry, site: Site, change: Change, now: float) -> None:
        """Queues another attempt.

        Without a reason the visit did not count; without a wait it is first at the next turn.
        """
        self.claims.give_up(entry.row)
        if outcome.reason is None and not outcome.retry_in_s:
            self._bench.put_back(site, entry)
            return
        request = replace(entry.request, attempt=entry.request.attempt + (outcome.reason is not None))
        again = bare(entry._replace(key=entry.place, request=request))
        wait_s = outcome.retry_in_s or 0.0
        self._leave_queue(entry, change)
        self.retries.add(again, now + wait_s, outcome.reason)
        change.setbacks.append(Setback(again, self._clock.wall() + wait_s, outcome.reason))

    def _leave_queue(self, entry: Entry, change: Change) -> None:
        change.gone.append(entry)
        change.grow(entry.request.url.site, -1)

    def _write_totals(
        self, touched: Iterable[Site], positions: Mapping[str, Position], change: Change, now: float
    ) -> None:
        """Writes the claims, positions, counts and turns of the transaction."""
        if change.claims:
            self.claims.add_settled(np.array(change.claims, np.uint64).reshape(-1, 2))
        self.positions.update(positions)
        change.positions = dict(self.positions)
        change.settled = self._settled_counts()
        ahead = self._clock.wall() - now
        for site in touched:
            if site.latest > now:
                change.rest(site.key, site.safe_at + ahead)

    def _settled_counts(self) -> dict[str, int]:
        return {str(name): number for name, number in self._settled.items()}

    def _restore(self, state: State) -> None:
        """Restores a stored state. Nothing of the queue is in memory yet: all of it is on the shelf."""
        now = self._clock.monotonic()
        opened_at = now if len(state.seen) else -math.inf
        self._bench.restore(state.queued, opened_at, is_shelf_open=state.shelved > 0)
        for site_id, until in state.rests.items():
            self._bench.keep_turn(site_id, self.arrivals.at(until, now))
        for entry, due in state.setbacks:
            self.retries.add(entry, self.arrivals.at(due, now))
            self.arrivals.note_lone(entry.request.url.site)


def _earlier(one: float | None, other: float | None) -> float | None:
    return min((due for due in (one, other) if due is not None), default=None)
