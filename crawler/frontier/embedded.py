"""The frontier of one process: memory decides at once, a store keeps, and only durability takes waiting."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from ..frontier_protocols import DurableFrontier, PerSite
from ..model import Bar, Lease, LeftOut, Outcome, Position, Reason, Request, Url
from ..policy.politeness import Wait
from ..policy.redirects import Hop
from ..standing import Counts, Pick, Rows, SiteView, Visited, Waiting
from .discovery import Discovery
from .extras import Extra, complete_leases
from .fingerprints import U64
from .ledger import Ledger
from .second_looks import TAKEN_BACK_AT_ONCE, SecondLooks, renew
from .site_table import SiteTable
from .state import State
from .store import Picked, Store
from .terms import Clock, Terms

T = TypeVar("T")

REVISITED_AT_ONCE = 256
"""Pages that are queued again in one transaction."""
ADDED_AT_ONCE = 256
"""Requests added before other tasks of the loop run: about two milliseconds."""
LOOKED_UP_AT_ONCE = 2000
UNSHELVED_AT_ONCE = 256
"""Sites brought into memory by one look at the shelf."""
FEW = UNSHELVED_AT_ONCE // 4
"""No more sites than these, where thousands are in memory, wait for others or for LOOK_S: each look has its price."""
LOOK_S = 1.0
"""Seconds between two looks at the shelf while the bench has no room, or room for a few sites only."""
LEAST_WAIT_S = 0.001
"""Timers fire up to this much early; a shorter wait would repeat without end."""
MOST_WAIT_S = 3600.0


class EmbeddedFrontier:
    """A `Frontier` for one event loop. `frontier_protocols` says what its methods promise."""

    def __init__(self, key: bytes, terms: Terms, store: Store, state: State, bench: SiteTable, clock: Clock) -> None:
        self.key = key
        self._store = store
        self._in_depth_order = terms.in_depth_order
        self._clock = clock
        self._bench = bench
        discovery = Discovery(key, terms.in_depth_order, state.seen, state.names, state.depths, state.base)
        self._ledger = Ledger(discovery, bench, clock, state, terms)
        self._coming: set[Future[Any]] = set()
        """Answers that are on their way from the disk."""
        self._looked_at = 0.0
        self._looks = SecondLooks(store, self._ledger, bench, self._await_answer)
        """Looks for requests to queue again while visits go on; the first look is under way."""
        self._given_again: list[U64] = []
        """Fingerprints of known URLs that `add` was given as new."""
        self._changed = asyncio.Event()
        bench.wake_by(self._changed.set)
        self._picking = asyncio.Lock()
        """Held between reading what is not queued and queuing it, so that nothing is queued twice."""

    @property
    def durable(self) -> DurableFrontier | None:
        return None

    # -- the door ----------------------------------------------------------------------------------------------------

    async def add(self, requests: Iterable[Request]) -> int:
        left, total = iter(requests), 0
        while part := list(islice(left, ADDED_AT_ONCE)):
            self._store.check()
            added, written = self._take_in(part)
            await written
            await asyncio.sleep(0)
            total += added
        return total

    def _take_in(self, part: Sequence[Request]) -> tuple[int, Awaitable[None]]:
        """Queues the new ones of these requests; returns their number, and a future for when that is durable."""
        added, change = self._ledger.add(part)
        written = self._store.write(change)
        self._looks.begin(())
        self._move_on()
        if len(added.known):
            self._given_again.append(added.known)
        return added.number, written

    async def revive(self, reasons: Iterable[str]) -> int:
        given, self._given_again = self._given_again, []
        if not given:
            return 0
        self._store.check()
        rows = (await self._store.rows_of(np.concatenate(given))).tolist()
        wanted, total = tuple(reasons), 0
        for start in range(0, len(rows), LOOKED_UP_AT_ONCE):
            part = tuple(rows[start : start + LOOKED_UP_AT_ONCE])
            async with self._picking:
                if change := self._ledger.make_seeds(await self._store.no_seeds(part)):
                    await self._store.write(change)
                picked = await self._store.pick(Rows(part, reasons=wanted), 0, len(part))
                total += await self._take_back(
                    [one for one in picked if not one.is_scheduled]
                )  # a scheduled page has its own time
        return total

    async def add_again(self, requests: Sequence[Request]) -> int:
        fingerprints = []
        for start in range(0, len(requests), ADDED_AT_ONCE):
            fingerprints.append(self._ledger.fingerprints(requests[start : start + ADDED_AT_ONCE]))
            await asyncio.sleep(0)
        if not fingerprints:
            return 0
        self._store.check()
        self._write_pending()
        rows = (await self._store.row_of_each(np.concatenate(fingerprints))).tolist()
        total, known = 0, {row: request for row, request in zip(rows, requests, strict=True) if row}
        given = iter(known.items())
        while part := dict(islice(given, TAKEN_BACK_AT_ONCE)):
            total += await self._fetch_anew(part)
        return total + await self.add([request for row, request in zip(rows, requests, strict=True) if not row])

    async def _fetch_anew(self, given: Mapping[int, Request]) -> int:
        """Queues these known requests once more, if they are neither queued nor out; returns how many it queued."""
        rows = tuple(given)
        async with self._picking:
            if change := self._ledger.make_seeds(await self._store.no_seeds(rows)):
                await self._store.write(change)
            picked, extras = renew(await self._store.pick(Rows(rows), 0, len(rows)), given, self._in_depth_order)
            return await self._take_back(picked, extras)

    async def take_back(self, pick: Pick, but: Container[int] = ()) -> int:
        total, after = 0, 0
        while True:
            self._store.check()
            self._write_pending()
            async with self._picking:
                picked = await self._store.pick(pick, after, TAKEN_BACK_AT_ONCE)
                if not picked:
                    return total
                after = max(one.entry.row for one in picked)
                total += await self._take_back([one for one in picked if one.entry.row not in but])

    async def unpark(self, patterns: Sequence[str] = ()) -> int:
        for pattern in self._ledger.parkings.names(Reason.TRAP):
            if not patterns or pattern in patterns:
                self._ledger.bars.trust(pattern)
        return await self.take_back(Waiting(tuple(patterns)))

    async def reread_links_to(self, places: Sequence[int], after: int, done: set[int]) -> tuple[int, int]:
        self._store.check()
        self._write_pending()
        found, mark = await self._store.linking_to(np.array(places, np.uint64), after)
        rows = [row for row in found if row not in done]
        done.update(rows)
        total = 0
        for start in range(0, len(rows), TAKEN_BACK_AT_ONCE):
            part = tuple(rows[start : start + TAKEN_BACK_AT_ONCE])
            async with self._picking:
                total += await self._take_back(await self._store.pick(Rows(part, is_reread=True), 0, len(part)))
        return total, mark

    async def visited(self, after: int, limit: int) -> Sequence[Visited]:
        self._write_pending()
        return await self._store.visited(after, limit)

    async def left_out(self) -> Mapping[LeftOut, int]:
        found = Counter[LeftOut]()
        for bits, number in (await self._store.left_out()).items():
            found.update({rule: number for rule in LeftOut if bits & rule})
        return found

    async def notes(self) -> Mapping[str, object]:
        return dict(self._ledger.notes)

    async def note(self, name: str, value: object) -> None:
        await self._store.write(self._ledger.note(name, value))

    async def parked(self, reason: Reason) -> list[str]:
        return self._ledger.parkings.names(reason)

    async def revisit(self, due: float) -> int:
        async with self._picking:
            self._store.check()
            self._ledger.start_revisiting()
            found = await self._store.due(due, REVISITED_AT_ONCE)
            written = self._store.write(self._ledger.revisit(found))
            self._move_on()
            await written
        return len(found.entries)

    async def lease(self, limit: int) -> Sequence[Lease]:
        while True:
            self._store.check()
            leases = self._lend(limit, self._clock.monotonic())
            if leases or limit <= 0 or not self._coming:
                return await self._complete(leases) if self._bench.incomplete else leases
            await asyncio.wait(self._coming, return_when=asyncio.FIRST_COMPLETED)

    def _lend(self, limit: int, now: float) -> list[Lease]:
        """Lends what is due and in memory, and asks for what memory needs next."""
        self._ledger.queue_due_setbacks(now)
        leases = self._bench.lend(limit, now)
        self._ledger.arrivals.note_shelved()
        self._feed(now)
        return leases

    async def _complete(self, leases: list[Lease]) -> list[Lease]:
        """Returns the leases with what the store alone knows of them."""
        rows = self._bench.take_incomplete()
        if not rows:
            return leases
        leases = complete_leases(leases, await self._store.extras(rows), self.key)
        for lease in leases:
            self._bench.complete(lease)
        return leases

    async def wait(self) -> bool:
        while True:
            self._store.check()
            now = self._clock.monotonic()
            self._ledger.queue_due_setbacks(now)
            self._feed(now)
            if self._ledger.is_exhausted and not self._looks:
                return False
            turn = self._bench.next_turn()
            if turn is not None and turn <= now:
                return True
            await self._change_before(min(turn or now + MOST_WAIT_S, self._ledger.next_due or now + MOST_WAIT_S) - now)

    async def settle(self, outcomes: Sequence[Outcome], positions: Mapping[str, Position]) -> None:
        self._store.check()
        for _ in self._ledger.bars.sift_ahead(outcomes):
            await asyncio.sleep(0)
            self._store.check()
        written = self._store.write(self._ledger.settle(outcomes, positions))
        self._looks.begin(outcomes)
        self._move_on()
        await written

    async def release(self, leases: Sequence[Lease]) -> None:
        if not self._store.is_usable:
            return
        self._ledger.release(leases)
        self._move_on()

    def bar(self, lease: Lease) -> Bar | None:
        return self._ledger.bars.bar(lease)

    def knows_well(self, url: Url) -> bool:
        return self._ledger.bars.knows_well(url)

    async def claim(self, digest: bytes, lease: Lease) -> Url:
        claims = self._ledger.claims
        first = claims.under_way(digest)
        if first is None and (row := claims.candidate(digest)) is not None:
            url, whole = await self._store.first(row)
            if whole == digest:
                return url
            first = claims.under_way(digest)
        if first is None:
            claims.claim(digest, first := lease)
        return first.request.url

    async def way(self, start: Url, lease: Lease) -> Sequence[Hop]:
        if not lease.request.redirects or not self._ledger.knows(start):
            return ()
        hops = await self._store.came_by(lease.token, lease.request)
        first = next((n for n, hop in enumerate(hops) if hop.url == start), -1)
        return hops[first::-1] if first >= 0 else ()

    async def positions(self) -> Mapping[str, Position]:
        return dict(self._ledger.positions)

    def counts(self) -> Counts:
        return self._ledger.counts()

    def busiest(self, limit: int) -> Sequence[SiteView]:
        return self._bench.busiest(limit, self._clock.monotonic())

    def why_wait(self) -> Wait:
        return self._ledger.wait(self._clock.monotonic())

    def retrying(self) -> Mapping[str, int]:
        return self._ledger.retrying()

    # -- what its owner changes --------------------------------------------------------------------------------------

    def hold(self, site: str) -> None:
        self._bench.hold(site)

    def let_go(self, site: str) -> None:
        self._bench.let_go(site, self._clock.monotonic())
        self._changed.set()

    @property
    def held(self) -> frozenset[str]:
        return frozenset(self._bench.held)

    def limit_lending(
        self, *, per_site: int, per_ip: int, rest_s: float, most_asked_s: float, most_held_s: float, sites: PerSite
    ) -> None:
        self._bench.limit_lending(
            self._clock.monotonic(), per_site=per_site, per_ip=per_ip, rest_s=rest_s, most_asked_s=most_asked_s,
            most_held_s=most_held_s, sites=sites,
        )  # fmt: skip
        self._changed.set()

    def close(self) -> None:
        """Gives up its part in the turns that frontiers share."""
        self._bench.close(self._clock.monotonic())

    # -- second looks ------------------------------------------------------------------------------------------------

    async def _take_back(self, picked: Sequence[Picked], extras: Sequence[Extra] = ()) -> int:
        if not picked:
            return 0
        had_times = any(one.is_scheduled for one in picked)
        if had_times:
            self._ledger.start_revisiting()
        written = self._store.write(self._ledger.take_back(picked, extras))
        self._move_on()
        await written
        if had_times:  # another page is now the first that is due
            self._ledger.expect_revisit(await self._store.due(0.0, 0))
        return len(picked)

    # -- waiting -----------------------------------------------------------------------------------------------------

    def _move_on(self) -> None:
        self._feed(self._clock.monotonic())
        self._changed.set()

    async def _change_before(self, seconds: float) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(max(seconds, LEAST_WAIT_S)):
                await self._changed.wait()
        except TimeoutError:
            pass

    # -- bringing in from disk ---------------------------------------------------------------------------------------

    def _feed(self, now: float) -> None:
        """Asks for the requests that memory needs next, before they are missing."""
        if not self._store.is_usable:
            return
        while site := self._bench.next_hungry():
            self._write_pending()
            load = self._store.load(site.id, site.start_loading(), int(self._bench.room) - len(site.heap))
            self._await_answer(load, partial(self._ledger.arrivals.take_load, site))
        if self._bench.is_shelf_open and not self._ledger.arrivals.is_unshelving:
            self._look_at_shelf(now)

    def _look_at_shelf(self, now: float) -> None:
        limit = int(min(UNSHELVED_AT_ONCE, self._bench.vacancies))
        if limit <= min(FEW, len(self._bench) // UNSHELVED_AT_ONCE) and now < self._looked_at + LOOK_S:
            return
        self._looked_at = now
        self._write_pending()
        self._ledger.arrivals.start_unshelving()
        self._await_answer(self._store.unshelve(limit, int(self._bench.room)), self._ledger.arrivals.take_shelf)

    def _write_pending(self) -> None:
        if pending := self._ledger.arrivals.take_pending():
            self._store.write(pending)

    def _await_answer(
        self, coming: Future[T], then: Callable[[T], None], otherwise: Callable[[], None] | None = None
    ) -> None:
        self._coming.add(coming)
        coming.add_done_callback(partial(self._take_answer, then, otherwise))

    def _take_answer(self, then: Callable[[T], None], otherwise: Callable[[], None] | None, coming: Future[T]) -> None:
        """Takes in an answer from the disk. What went wrong, a bug too, is raised at the next call of the frontier.

        If it were not, a run would wait for ever for an answer that cannot come.
        """
        self._coming.discard(coming)
        try:
            if otherwise and (coming.cancelled() or coming.exception()):
                otherwise()
            elif not coming.cancelled():
                then(coming.result())
        except Exception as error:  # noqa: BLE001
            self._store.fail(error)
        self._move_on()
