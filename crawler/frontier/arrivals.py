"""Brings new requests into memory or onto the shelf of sites on disk, and back from there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..model import Url
from .change import Change, RequestGroup
from .order import TEXT, Entry, Packed, pack
from .retries import Retries
from .site import Site
from .site_table import SiteTable
from .store import Load, Shelf, Shelved
from .terms import Clock

Touched = dict[Site, None]
"""The sites that a call changed, in the order of their changes."""


class Arrivals:
    """Decides where new requests go, in plain functions.

    Times are monotonic seconds, but for times from the store.
    """

    def __init__(self, bench: SiteTable, clock: Clock, retries: Retries, shelved: int, longest_s: float) -> None:
        self.pending: Change = Change()
        """Changes that may wait for the next transaction: a restart would make them again."""
        self.shelved: int = shelved
        """Sites on the shelf at the last look, and those that went there since."""
        self.lone: set[str] = set()
        """Sites that have only setbacks."""
        self.is_unshelving: bool = False
        self._bench = bench
        self._clock = clock
        self._retries = retries
        self._longest_s = longest_s
        self._late: dict[str, list[tuple[int, int]]] = {}
        """While sites come from the shelf: key and number of the requests that went there meanwhile."""
        self._is_shelf_fed = False
        """Whether anything went to the shelf since then."""

    def take_pending(self) -> Change:
        """Returns the changes to write before anything is read, or with the next write."""
        pending, self.pending = self.pending, Change()
        return pending

    def note_lone(self, site: str) -> None:
        """Notes a site that has only setbacks."""
        self.lone.add(site)

    # -- newcomers ---------------------------------------------------------------------------------------------------

    def queue(self, families: Sequence[RequestGroup], change: Change, touched: Touched, now: float) -> None:
        for family in families:
            if not family.pattern:
                self._arrive(family.site, family.key, family, change, touched, now)
        self.attend(touched, now)

    def requeue(self, entries: Iterable[Entry], change: Change, touched: Touched, now: float) -> None:
        """Queues requests that have a row already.

        The caller attends to the sites once all are there: an idle one leaves.
        """
        for entry in entries:
            self._arrive(entry.request.url.site, entry.key, [pack(entry)], change, touched, now)
            change.requeued.append(entry)

    def attend(self, touched: Iterable[Site], now: float) -> None:
        self._bench.attend(touched, now)
        waiting = self._retries.sites()
        for site in touched if waiting else ():
            if site.key in waiting and not self._bench.holds(site) and not site.queued:
                self.lone.add(site.key)
        self.note_shelved()

    def _arrive(
        self, key: str, first: int, what: RequestGroup | Sequence[Packed], change: Change, touched: Touched, now: float
    ) -> None:
        """Takes new requests of one site, with keys from `first` on, into memory as far as they belong there."""
        number = len(what)
        change.grow(key, number)
        self.lone.discard(key)
        site = self._bench.expect(key, number, now)
        if site is None:
            change.shelve(key)
            self._is_shelf_fed = True
            if self.is_unshelving:
                self._late.setdefault(key, []).append((first, number))
            return
        fit = site.admit(first, number, self._bench.room)
        site.push(what.packed(fit) if isinstance(what, RequestGroup) else what[:fit])
        touched[site] = None

    # -- the disk and back -------------------------------------------------------------------------------------------

    def note_shelved(self) -> None:
        """Notes the sites that left the bench with work to do: from now on the shelf holds them."""
        for site in self._bench.take_shelved():
            self.pending.shelve(site.key)
            self._is_shelf_fed = True
            self.shelved += 1

    def take_load(self, site: Site, load: Load) -> None:
        site.take_load(load.entries, load.was_all)
        if self._bench.holds(site):
            self.attend([site], self._clock.monotonic())

    def start_unshelving(self) -> None:
        self.is_unshelving, self._is_shelf_fed = True, False

    def take_shelf(self, shelf: Shelf) -> None:
        """Takes sites back to the bench; requests that went to them meanwhile are beyond their horizon."""
        self.is_unshelving = False
        now = self._clock.monotonic()
        newcomers = [shelved for shelved in shelf.sites if shelved.load.entries]
        self.attend([site for shelved in newcomers if (site := self._restore_site(shelved, now))], now)
        self.shelved = shelf.left
        self._bench.open_shelf(is_open=shelf.left > 0 or self._is_shelf_fed)
        if not self._bench.is_shelf_open:
            self.attend(self._bench.take_passed_over(), now)
        self._late.clear()

    def at(self, stored: float, now: float) -> float:
        """Returns a stored time on our clock; the other clock may have been set since."""
        return max(0.0, now + min(stored - self._clock.wall(), self._longest_s))

    def _restore_site(self, shelved: Shelved, now: float) -> Site | None:
        key = Url(shelved.load.entries[0][TEXT]).site
        if key in self._bench:
            return None
        site = Site(key, shelved.site_id, max(self._bench.opens_at(key), self.at(shelved.next_at, now)))
        site.shelve(shelved.queued)
        site.start_loading()
        for first, number in self._late.pop(key, ()):
            site.admit(first, number, 0)
            self.pending.shelve(key, is_shelved=False)  # the late requests put it on the shelf once more
        site.take_load(shelved.load.entries, shelved.load.was_all)
        return self._bench.set_up(site, now)
