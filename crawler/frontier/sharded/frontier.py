"""The frontier of one node: the door, over all shards that it holds."""

from __future__ import annotations

import asyncio
import heapq
import time
from asyncio import Future
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import FrontierError
from ...frontier_protocols import DurableFrontier, Look, PerSite
from ...model import Bar, Disposition, Lease, LeftOut, Outcome, Position, Reason, Request, Url
from ...policy.politeness import Wait
from ...standing import Counts, Linking, Pick, Root, Rows, SiteView, Trap, Visited
from ..addresses import Addresses
from ..backend import Backend, Beat, Commit, ContentClaim, Hold, Membership, Message, Standing, Wish
from ..embedded import ADDED_AT_ONCE, LEAST_WAIT_S, MOST_WAIT_S, REVISITED_AT_ONCE
from ..fingerprints import U64
from ..shards import shard_of_row
from ..site_table import SiteTable
from ..terms import Clock, Terms
from .allowances import Allowances
from .committing import Committer, ShardStore
from .holding import Holding
from .parcels import Parcel, Parcels, pack_parcel, put_requests, split_outcome, unpack_parcel
from .shard import Shard

T = TypeVar("T")

LOOK_S = 0.2
"""Seconds between two looks at the inbox, and between two questions whether the crawl is finished."""
MESSAGES_AT_ONCE = 500


class ShardedFrontier:
    """A `Frontier` over the shards of one node. `frontier_protocols` says what its methods promise."""

    def __init__(
        self, backend: Backend, member: Membership, terms: Terms, standing: Standing, clock: Clock, *,
        takes_all: bool, most_sites: int, most_entries: int,
    ) -> None:  # fmt: skip
        self.key = member.key
        self.member = member
        self._backend = backend
        self._terms = terms
        self._clock = clock
        self._shard_of = member.cut.shard_of
        self._most_sites = max(1, 4 * most_sites // member.cut.shards)
        self._most_entries = max(1, 4 * most_entries // member.cut.shards)
        self._notes = dict(standing.notes)
        self._positions = dict(standing.positions)
        self._before: Counter[Disposition] = Counter(
            {Disposition(name): number for name, number in standing.settled.items()}
        )
        """Final visits of other nodes and earlier runs, as they were when this node joined, and those of shards that it
        gave up."""
        self._committer = Committer(backend, member)
        self._holding = Holding(backend, member, self, takes_all=takes_all, fail=self._committer.fail)
        self._takes_all = takes_all
        self._shards: dict[int, Shard] = {}
        self._leaving: frozenset[int] = frozenset()
        self._addresses = Addresses()
        self._valid_until = 0.0
        self._held: set[str] = set()
        self._claims: dict[int, tuple[bytes, Url]] = {}
        """Contents that visits under way asked about, and who had them first, by lease."""
        self._changed = asyncio.Event()
        self._asked_at = 0.0
        self._chores: list[Future[None]] = []
        """Beats and looks at the inbox, while it is open."""
        self._tell: Callable[[], None] = _tell_nobody
        self.allowances = Allowances(
            self._addresses, lambda: self._committer.counted, lambda: self._committer.issued,
            lambda: sum(shard.leased for shard in self._shards.values()),
        )  # fmt: skip
        """The part of this node in the pages and addresses that all nodes share."""
        if not takes_all:
            self._addresses.allow({})
            self._addresses.wake_by(self._holding.hurry)

    # -- the life of the node ----------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Takes the shards of this node, and keeps them until `end`.

        Raises FrontierError where it is to hold all, and another node holds one.
        """
        await self._holding.beat()
        if not self._takes_all:
            await self._holding.beat()
        elif len(self._shards) < self.member.cut.shards:
            raise FrontierError("another process works on this crawl: stop it first")
        self._chores = [asyncio.ensure_future(self._holding.run()), asyncio.ensure_future(self._read_inbox())]

    async def end(self) -> None:
        """Gives everything up, once what was to be stored is stored."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        for shard in self._shards.values():
            if self._committer.trouble is None:
                shard.write_pending()
            shard.close()
        await self._committer.drain()
        if self._committer.trouble is None:
            await self._backend.leave(self.member)

    async def _read_inbox(self) -> None:
        """Takes in what other nodes found for shards of this one, until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                while await self._take_messages():
                    pass
            except Exception as error:  # noqa: BLE001 - a bug, too, is raised at the next call
                self._committer.fail(error)
                return

    async def _take_messages(self) -> bool:
        """Takes in some messages; returns whether there may be more."""
        mine = [shard for shard in self._shards if shard not in self._leaving]
        if not mine:
            return False
        messages = await self._backend.inbox(mine, MESSAGES_AT_ONCE)
        written: list[Awaitable[None]] = []
        for message in messages:
            if shard := self._shards.get(message.shard):
                written.append(shard.receive(unpack_parcel(message.data)))
                self._committer.draft.consumed.append(message)
        for one in written[-1:]:
            await one
        return len(messages) == MESSAGES_AT_ONCE

    async def hand_over(self) -> None:
        """Gives all shards to other nodes, until `take_over`. Meanwhile it lends nothing and knows nothing."""
        self._before.update(self._own_settled())
        await self.end()
        self._committer.check()
        self._shards = {}

    async def take_over(self) -> None:
        """Takes the shards again, and reads what other nodes did. Raises FrontierError."""
        self.member = await self._backend.join(self.member.node, self._terms)
        standing = await self._backend.standing()
        self._notes, self._positions = dict(standing.notes), dict(standing.positions)
        self._before = Counter({Disposition(name): number for name, number in standing.settled.items()})
        self._committer.renew(self.member)
        self._holding.renew(self.member)
        await self.begin()

    async def settled_positions(self) -> Mapping[str, Position]:
        """Returns the positions of all sinks, of all nodes."""
        return (await self._backend.standing()).positions

    async def settled(self) -> Mapping[str, int]:
        """Returns the final visits of the whole crawl, by disposition."""
        return (await self._backend.standing()).settled

    async def forget(self, node: str) -> None:
        """Frees the shards of a node that is dead."""
        await self._backend.forget(node)

    async def store_positions(self, positions: Mapping[str, Position], forgotten: Sequence[str] = ()) -> None:
        """Keeps positions of sinks that no visit of this node wrote to, also while other nodes have the shards."""
        await self._backend.commit(self.member, Commit(positions=positions, forgotten=forgotten))
        kept = {**self._positions, **positions}
        self._positions = {name: position for name, position in kept.items() if name not in forgotten}

    def _own_settled(self) -> Counter[Disposition]:
        total = Counter[Disposition]()
        for shard in self._shards.values():
            total.update(shard.counts().settled)
        return total

    # -- what the holding asks for -----------------------------------------------------------------------------------

    @property
    def holds(self) -> Sequence[Hold]:
        return [shard.store.hold for shard in self._shards.values()]

    def is_free(self, shard: int) -> bool:
        return not self._shards[shard].is_busy and not self._committer.is_writing(shard)

    async def leave(self, shards: Iterable[int]) -> None:
        self._leaving = frozenset(shards)
        idle = [shard for number in self._leaving if not (shard := self._shards[number]).is_busy]
        for shard in idle:
            shard.write_pending()
        if idle:
            await self._committer.drain()

    async def take(self, hold: Hold) -> None:
        reader = self._backend.reader(self.member, hold)
        state = await reader.state(self._terms, self._clock.wall())
        bench = SiteTable(
            self._terms, self.member.cut.site_id, sites=self._most_sites, entries=self._most_entries,
            addresses=self._addresses,
        )  # fmt: skip
        store = ShardStore(self._committer, hold, reader)
        shard = Shard(self.key, self._terms, store, state, bench, self._clock, self._changed)
        for site in self._held:
            shard.hold(site)
        self._shards[hold.shard] = shard
        self._changed.set()

    def drop(self, shard: int) -> None:
        dropped = self._shards.pop(shard)
        self._before.update(dropped.counts().settled)
        dropped.close()

    async def store(self) -> None:
        await self._committer.store()

    def wish(self) -> Wish:
        return self.allowances.wish(sum(shard.queued for shard in self._shards.values()), self._terms.at_one_ip)

    def note_beat(self, beat: Beat, wish: Wish, valid_until: float) -> None:
        self._valid_until = valid_until
        if not self._takes_all:
            self.allowances.note(beat, wish)
            for ip in self._addresses.crowded:
                self._addresses.call(ip, self._terms.at_one_ip, self._clock.monotonic())
        self._changed.set()
        self._tell()

    def tell_by(self, tell: Callable[[], None]) -> None:
        """Calls `tell` after each beat: more may be allowed by then."""
        self._tell = tell

    def pages_left(self, out: int) -> int:
        """Returns how many visits may begin beside those under way; asks for more where there are none."""
        left = self.allowances.left() - out
        if left <= 0:
            self._holding.hurry()
        return max(0, left)

    def hurry(self) -> None:
        """Beats soon, since more is wanted."""
        self._holding.hurry()

    @property
    def _is_valid(self) -> bool:
        """Whether this node holds its shards for sure. A node that was stopped for long does not."""
        return time.monotonic() < self._valid_until

    @property
    def durable(self) -> DurableFrontier | None:
        return self

    # -- lending -----------------------------------------------------------------------------------------------------

    async def add(self, requests: Iterable[Request]) -> int:
        left, total = iter(requests), 0
        while part := list(islice(left, ADDED_AT_ONCE)):
            self._committer.check()
            parcels: Parcels = {}
            put_requests(part, None, self._shard_of, parcels)
            written = []
            for number, parcel in parcels.items():
                if shard := self._shards.get(number):
                    added, done = shard.take_in([one for group, _ in parcel.asked for one in group])
                    total += added
                    written.append(done)
                else:
                    written.append(self._send(number, parcel))
            for one in written:
                await one
            await asyncio.sleep(0)
        return total

    async def revisit(self, due: float) -> int:
        total = 0
        for shard in self._all():
            if total < REVISITED_AT_ONCE:
                total += await shard.revisit(due)
        return total

    async def lease(self, limit: int) -> Sequence[Lease]:
        while True:
            self._committer.check()
            leases = self._lend(limit, self._clock.monotonic()) if self._is_valid else []
            coming = {answer for shard in self._shards.values() for answer in shard.coming}
            if leases or limit <= 0 or not coming:
                return await self._complete(leases)
            await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)

    def _lend(self, limit: int, now: float) -> list[Lease]:
        """Lends what is due, sites of all shards in one line."""
        line = []
        for number, shard in self._shards.items():
            shard.stir(now)
            if number not in self._leaving and (place := shard.place):
                line.append((place, number))
        heapq.heapify(line)
        leases: list[Lease] = []
        while line and len(leases) < limit and line[0][0][0] <= now:
            shard = self._shards[line[0][1]]
            lent = shard.lend(now)
            leases += lent
            place = shard.place
            if place is None or (not lent and place == line[0][0]):
                heapq.heappop(line)
            else:
                heapq.heapreplace(line, (place, line[0][1]))
        return leases

    async def _complete(self, leases: list[Lease]) -> list[Lease]:
        by_shard = _group(leases, lambda lease: lease.token)
        if len(by_shard) == 1:
            return await self._shards[next(iter(by_shard))].complete(leases)
        whole = {lease.token: lease for number, some in by_shard.items()
                 for lease in await self._shards[number].complete(some)}  # fmt: skip
        return [whole[lease.token] for lease in leases]

    async def wait(self) -> bool:
        while True:
            self._committer.check()
            now = self._clock.monotonic()
            for shard in self._shards.values():
                shard.stir(now)
            self._changed.clear()
            if all(shard.is_exhausted for shard in self._shards.values()):
                if await self._is_over():
                    return False
                if self._changed.is_set():
                    continue
            lending = [shard for number, shard in self._shards.items() if number not in self._leaving]
            turn = min((place[0] for shard in lending if (place := shard.place)), default=None)
            if turn is not None and turn <= now and self._is_valid:
                return True
            due = min((due for shard in self._shards.values() if (due := shard.next_due) is not None), default=None)
            await self._change_before(min(turn or now + MOST_WAIT_S, due or now + MOST_WAIT_S) - now)

    async def _is_over(self) -> bool:
        """Returns whether nothing is left to do, here or at any other node."""
        await self._committer.drain()
        self._committer.check()
        if self._changed.is_set():
            return False
        now = time.monotonic()
        if not self._takes_all and now < self._asked_at + LOOK_S:
            return False
        self._asked_at = now
        return await self._backend.is_finished() and all(shard.is_exhausted for shard in self._shards.values())

    async def _change_before(self, seconds: float) -> None:
        alone = self._takes_all and len(self._shards) == self.member.cut.shards
        wait_s = max(seconds if alone else min(seconds, LOOK_S), LEAST_WAIT_S)
        try:
            async with asyncio.timeout(wait_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def settle(self, outcomes: Sequence[Outcome], positions: Mapping[str, Position]) -> None:
        self._committer.check()
        by_shard = _group(outcomes, lambda outcome: outcome.lease.token)
        for number, some in by_shard.items():
            for _ in self._shard(number).sift_ahead(some):
                await asyncio.sleep(0)
                self._committer.check()
        for number, some in by_shard.items():
            self._shard(number).check_leases([outcome.lease for outcome in some])
        await self._settle(by_shard, positions)

    def _settle(self, by_shard: Mapping[int, list[Outcome]], positions: Mapping[str, Position]) -> Awaitable[None]:
        """Settles in memory, without a wait between, so that all of it is in one transaction."""
        parcels: Parcels = {}
        draft = self._committer.draft
        for number, some in by_shard.items():
            shard = self._shards[number]
            kept = [split_outcome(one, shard.entry_of(one.lease), number, self._shard_of, parcels) for one in some]
            shard.close_visits(kept)
            for outcome in some:
                self._end_claim(outcome.lease, outcome.disposition)
        for number, parcel in parcels.items():
            if shard_here := self._shards.get(number):
                shard_here.receive(parcel)
            else:
                self._send(number, parcel)
        draft.positions.update(positions)
        self._positions.update(positions)
        return asyncio.shield(draft.done)

    def _send(self, shard: int, parcel: Parcel) -> Future[None]:
        draft = self._committer.draft
        draft.messages.append(Message(shard, pack_parcel(parcel)))
        return asyncio.shield(draft.done)

    async def release(self, leases: Sequence[Lease]) -> None:
        if self._committer.trouble:
            return
        by_shard = _group(leases, lambda lease: lease.token)
        for number, some in by_shard.items():
            self._shard(number).check_leases(some)
        for number, some in by_shard.items():
            self._shards[number].give_back(some)
            for lease in some:
                self._end_claim(lease, None)

    async def positions(self) -> Mapping[str, Position]:
        return dict(self._positions)

    def counts(self) -> Counts:
        parts = [shard.counts() for shard in self._shards.values()]
        settled = self._before.copy()
        for part in parts:
            settled.update(part.settled)
        dues = [part.due_in_s for part in parts if part.due_in_s is not None]
        return Counts(
            known=sum(part.known for part in parts),
            queued=sum(part.queued for part in parts),
            leased=sum(part.leased for part in parts),
            retrying=sum(part.retrying for part in parts),
            sites=sum(part.sites for part in parts),
            settled=dict(settled),
            scheduled=sum(part.scheduled for part in parts),
            due_in_s=min(dues, default=None),
            parked=sum(part.parked for part in parts),
            traps=tuple(sorted((trap for part in parts for trap in part.traps), key=_by_cost)),
            requisites=sum(part.requisites for part in parts),
        )  # fmt: skip

    def why_wait(self) -> Wait:
        shards = self._shards.values()
        if not any(shard.queued for shard in shards) and (retries := sum(len(shard.retries) for shard in shards)):
            names = sum(shard.retries.number(Reason.DNS) for shard in shards)
            return Wait.DNS if 2 * names > retries else Wait.RETRY
        in_line = [(place, shard) for shard in shards if (place := shard.place)]
        if in_line:
            return min(in_line, key=itemgetter(0))[1].why_wait()
        busy = [shard for shard in shards if shard.leased] or [shard for shard in shards if shard.queued]
        return busy[0].why_wait() if busy else Wait.BUSY

    # -- judging -----------------------------------------------------------------------------------------------------

    def bar(self, lease: Lease) -> Bar | None:
        if not self._is_valid:
            return Bar(None)
        return self._shard(shard_of_row(lease.token)).bar(lease)

    def knows_well(self, url: Url) -> bool:
        shard = self._shards.get(self._shard_of(url.text))
        return shard is not None and shard.knows_well(url)

    async def claim(self, digest: bytes, lease: Lease) -> Url:
        asked = self._claims.get(lease.token)
        if asked == (digest, lease.request.url):
            return lease.request.url
        if self._committer.gives_up_claims:
            await self._committer.drain()
        [first] = await self._backend.claim(self.member, [ContentClaim(digest, lease.token, lease.request.url)])
        self._claims[lease.token] = digest, first
        return first

    def _end_claim(self, lease: Lease, how: Disposition | None) -> None:
        asked = self._claims.pop(lease.token, None)
        if asked and asked[1] == lease.request.url:
            rows = self._committer.draft
            (rows.claimed if how is Disposition.FETCHED else rows.unclaimed).append(lease.token)

    async def way(self, start: Url, lease: Lease) -> Sequence[tuple[int, Url]]:
        here = shard_of_row(lease.token)
        return await self._shard(here).find_way(start, lease, is_here=self._shard_of(start.text) == here)

    # -- watching ----------------------------------------------------------------------------------------------------

    def busiest(self, limit: int) -> Sequence[SiteView]:
        views = [view for shard in self._shards.values() for view in shard.busiest(limit)]
        return heapq.nlargest(limit, views, key=lambda view: (view.queued + view.leased, view.site))

    def retrying(self) -> Mapping[str, int]:
        return {site: number for shard in self._shards.values() for site, number in shard.retrying().items()}

    async def left_out(self) -> Mapping[LeftOut, int]:
        total = Counter[LeftOut]()
        for shard in self._all():
            total.update(await shard.left_out())
        return total

    # -- steering ----------------------------------------------------------------------------------------------------

    def hold(self, site: str) -> None:
        self._held.add(site)
        if shard := self._shards.get(self._shard_of(site)):
            shard.hold(site)

    def let_go(self, site: str) -> None:
        self._held.discard(site)
        if shard := self._shards.get(self._shard_of(site)):
            shard.let_go(site)

    @property
    def held(self) -> frozenset[str]:
        return frozenset(self._held)

    def limit_lending(
        self, *, per_site: int, per_ip: int, rest_s: float, most_asked_s: float, most_held_s: float, sites: PerSite
    ) -> None:
        for shard in self._shards.values():
            shard.limit_lending(
                per_site=per_site, per_ip=per_ip, rest_s=rest_s, most_asked_s=most_asked_s, most_held_s=most_held_s,
                sites=sites,
            )  # fmt: skip

    # -- recalling ---------------------------------------------------------------------------------------------------

    async def add_again(self, requests: Sequence[Request]) -> int:
        total = 0
        for number, some in _group_by(requests, lambda one: self._shard_of(one.url.text)).items():
            total += await self._shard(number).add_again(some)
        return total

    async def revive(self, reasons: Iterable[str]) -> int:
        wanted = tuple(reasons)
        return sum([await shard.revive(wanted) for shard in self._all()])

    async def take_back(self, pick: Pick, but: Container[int] = ()) -> int:
        if isinstance(pick, Rows):
            parts = _group_by(pick.rows, shard_of_row)
            return sum([await self._shard(number).take_back(pick._replace(rows=tuple(rows)), but)
                        for number, rows in parts.items()])  # fmt: skip
        return sum([await shard.take_back(pick, but) for shard in self._all()])

    async def unpark(self, patterns: Sequence[str] = ()) -> int:
        return sum([await shard.unpark(patterns) for shard in self._all()])

    async def parked(self, reason: Reason) -> list[str]:
        return [name for shard in self._all() for name in await shard.parked(reason)]

    async def reread_links_to(self, places: Sequence[int], after: int, done: set[int]) -> tuple[int, int]:
        """Looks through the pages of all shards, whatever the mark: `done` says which of them were found before."""
        total = 0
        for shard in self._all():
            total += (await shard.reread_links_to(places, 0, done))[0]
        return total, 0

    async def visited(self, after: int, limit: int) -> Sequence[Visited]:
        found: list[Visited] = []
        for number in sorted(self._shards):
            if number >= shard_of_row(after) and len(found) < limit:
                found += await self._shards[number].visited(after, limit - len(found))
        return found

    async def notes(self) -> Mapping[str, object]:
        return dict(self._notes)

    async def note(self, name: str, value: object) -> None:
        self._committer.check()
        self._notes[name] = value
        draft = self._committer.draft
        draft.notes[name] = value
        await asyncio.shield(draft.done)

    # -- what earlier runs did ---------------------------------------------------------------------------------------

    @property
    def owed(self) -> Mapping[int, Sequence[str]]:
        return {}

    def brought(self, url: Url) -> int:
        shard = self._shards.get(self._shard_of(url.text))
        return shard.brought(url) if shard else 0

    async def roots(self, after: int, limit: int) -> Sequence[Root]:
        await self._committer.drain()
        return await self._backend.roots(after, limit)

    async def row_of_each(self, fingerprints: U64) -> NDArray[np.int64]:
        found = np.zeros(len(fingerprints), np.int64)
        for shard in self._all():
            found = np.maximum(found, await shard.row_of_each(fingerprints))
        return found

    async def linking(self, rows: Sequence[int], left_out: int) -> Sequence[Linking]:
        await self._committer.drain()
        return await self._backend.linking(rows, left_out)

    async def judge(self, read: Sequence[tuple[Outcome, Linking]]) -> None:
        self._committer.check()
        for number, some in _group_by(read, lambda one: shard_of_row(one[1].row)).items():
            await self._shard(number).judge(some)

    async def ask(self, question: Callable[[Look], T]) -> T:
        await self._committer.drain()
        return await self._backend.ask(question)

    # -- shards ------------------------------------------------------------------------------------------------------

    def _all(self) -> Iterator[Shard]:
        """Yields the shards of this node, each one held as long as the caller works with it."""
        self._committer.check()
        for number in list(self._shards):
            if shard := self._shards.get(number):
                with shard.in_use():
                    yield shard

    def _shard(self, number: int) -> Shard:
        shard = self._shards.get(number)
        if shard is None:
            raise FrontierError(f"shard {number} is not held by this node: not out on lease")
        return shard


def _group(items: Iterable[T], row: Callable[[T], int]) -> dict[int, list[T]]:
    return _group_by(items, lambda item: shard_of_row(row(item)))


def _group_by(items: Iterable[T], number: Callable[[T], int]) -> dict[int, list[T]]:
    groups: dict[int, list[T]] = {}
    for item in items:
        groups.setdefault(number(item), []).append(item)
    return groups


def _tell_nobody() -> None:
    """Does nothing: nobody waits for a beat."""


def _by_cost(trap: Trap) -> tuple[int, str]:
    return -trap.parked - trap.fetched, trap.pattern
