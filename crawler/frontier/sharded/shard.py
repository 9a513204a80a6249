"""One shard that this node holds: the frontier of its sites, as part of the node's one."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ...model import Lease, Outcome, Position, Request, Url
from ...policy.redirects import Hop
from ...standing import Linking
from ..change import JudgedPage, left_out
from ..embedded import EmbeddedFrontier
from ..order import Entry
from ..retries import Retries
from ..site_table import SiteTable
from ..state import State
from ..terms import Clock, Terms
from .committing import ShardStore
from .parcels import Parcel


class Shard(EmbeddedFrontier):
    """The frontier of one shard. Its owner lends for all shards, and settles them in one transaction."""

    def __init__(
        self, key: bytes, terms: Terms, store: ShardStore, state: State, bench: SiteTable, clock: Clock,
        changed: asyncio.Event,
    ) -> None:  # fmt: skip
        super().__init__(key, terms, store, state, bench, clock)
        self._changed = changed
        self._users = 0
        bench.wake_by(changed.set)
        self.store = store
        store.count_requisites_by(lambda: self._ledger.rereads.requisites)

    # -- lending -----------------------------------------------------------------------------------------------------

    def stir(self, now: float) -> None:
        """Queues what fell due and asks for what memory needs next."""
        self._ledger.queue_due_setbacks(now)
        self._feed(now)

    @property
    def place(self) -> tuple[float, int] | None:
        """When its next site may lend, and since when that stands in line."""
        return self._bench.next_place()

    def lend(self, now: float) -> list[Lease]:
        """Lends one request, if one is due."""
        return self._lend(1, now)

    async def complete(self, leases: list[Lease]) -> list[Lease]:
        return await self._complete(leases)

    @property
    def coming(self) -> set[Future[Any]]:
        """Answers that are on their way from the backend."""
        return self._coming

    @property
    def next_due(self) -> float | None:
        return self._ledger.next_due

    @property
    def queued(self) -> int:
        """Requests that wait for the turn of their site."""
        return self._bench.queued

    @property
    def leased(self) -> int:
        return self._bench.leased

    @property
    def retries(self) -> Retries:
        return self._ledger.retries

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing is left to do here."""
        return self._ledger.is_exhausted and not self._looks

    @property
    def is_busy(self) -> bool:
        """Whether it cannot be given up now: visits or answers are under way."""
        return bool(self._bench.leased or self._coming or self._looks or self._picking.locked() or self._users)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keeps it from being given up until the block ends."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1

    # -- what comes back ---------------------------------------------------------------------------------------------

    def check_leases(self, leases: Sequence[Lease]) -> None:
        """Raises FrontierError for a lease that is not out."""
        self._ledger.check_leases(leases)

    def sift_ahead(self, outcomes: Sequence[Outcome]) -> Any:
        return self._ledger.bars.sift_ahead(outcomes)

    def entry_of(self, lease: Lease) -> Entry:
        """Returns the request of a lease that is out, by the shortest way that is known."""
        return self._bench.shorter_ways.shorten(self._bench.entry(lease.token))

    def close_visits(self, outcomes: Sequence[Outcome]) -> Awaitable[None]:
        """Settles outcomes in memory; returns a future for when that is stored."""
        no_positions: Mapping[str, Position] = {}
        written = self._store.write(self._ledger.settle(outcomes, no_positions))
        self._looks.begin(outcomes)
        self._move_on()
        return written

    def receive(self, parcel: Parcel) -> Awaitable[None]:
        """Queues what was found elsewhere; returns a future for when that is stored."""
        written = self._store.write(self._ledger.receive(parcel.links, parcel.asked))
        self._looks.begin(())
        self._move_on()
        return written

    def take_in(self, part: Sequence[Request]) -> tuple[int, Awaitable[None]]:
        return self._take_in(part)

    def give_back(self, leases: Sequence[Lease]) -> None:
        self._ledger.release(leases)
        self._move_on()

    async def find_way(self, start: Url, lease: Lease, *, is_here: bool) -> Sequence[Hop]:
        """Returns the redirects that lead from `start`, a URL of this shard or of another one, to the lease's URL."""
        if not lease.request.redirects or (is_here and not self._ledger.knows(start)):
            return ()
        hops = await self._store.came_by(lease.token, lease.request)
        first = next((n for n, hop in enumerate(hops) if hop.url == start), -1)
        return hops[first::-1] if first >= 0 else ()

    # -- what earlier runs did ---------------------------------------------------------------------------------------

    def brought(self, url: Url) -> int:
        return self._ledger.bars.earlier_news(url)

    def judge(self, read: Sequence[tuple[Outcome, Linking]]) -> Awaitable[None]:
        """Queues the URLs that pages lead to, and keeps which links are left out now."""
        entries = [(outcome, Entry(page.row, page.request, page.seed_row, page.root_row)) for outcome, page in read]
        change = self._ledger.follow(entries)
        change.judged += [
            JudgedPage(page.row, page.left_out, left_out(outcome), page.visited_at) for outcome, page in read
        ]
        written = self._store.write(change)
        self._move_on()
        return written

    async def row_of_each(self, fingerprints: Any) -> Any:
        self._write_pending()
        return await self._store.row_of_each(fingerprints)

    def write_pending(self) -> None:
        """Writes what may otherwise wait for the next change, before the shard is given up."""
        self._write_pending()
        if self._store.is_usable and (change := self._ledger.note_turns()):
            self._store.write(change)

    def close(self) -> None:
        super().close()
        self.store.close()
