"""The frontier of one node: the door, over all shards that it holds."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import FrontierError
from ...frontier_protocols import DurableFrontier, Look, PerSite
from ...model import Bar, Disposition, Lease, LeftOut, Outcome, Position, Reason, Request, Url
from ...policy.politeness import Wait
from ...runtime.clock import monotonic
from ...standing import Counts, Linking, Pick, Root, Rows, SiteView, Visited
from ..backend import ContentClaim
from ..embedded import ADDED_AT_ONCE, LEAST_WAIT_S, MOST_WAIT_S, REVISITED_AT_ONCE
from ..fingerprints import U64
from ..shards import shard_of_row
from .adding import add_counts, find_reason
from .admitting import RootsAbove
from .node import LOOK_S, Node
from .parcels import Parcels, put_requests, split_outcome
from .shard import Shard

T = TypeVar("T")


class ShardedFrontier:
    """A `Frontier` over the shards of one node. `frontier_protocols` says what its methods promise."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.key: bytes = node.member.key
        self._shard_of = node.member.cut.shard_of
        self._claims: dict[int, tuple[bytes, Url]] = {}
        """Contents that visits under way asked about, and who had them first, by lease."""
        self._asked_at = 0.0
        self._roots = RootsAbove()

    @property
    def durable(self) -> DurableFrontier | None:
        return self

    def admit_by(self, admit: Callable[[Url, Url], object]) -> None:
        self._roots.admit_by(admit)

    # -- lending -----------------------------------------------------------------------------------------------------

    async def add(self, requests: Iterable[Request]) -> int:
        left, total = iter(requests), 0
        while part := list(islice(left, ADDED_AT_ONCE)):
            self.node.committer.check()
            parcels = Parcels()
            put_requests(part, None, self._shard_of, parcels)
            written = []
            for number, parcel in parcels.items():
                if shard := self.node.shards.get(number):
                    added, done = shard.take_in([one for group, _ in parcel.asked for one in group])
                    total += added
                    written.append(done)
                else:
                    written.append(self.node.send(number, parcel))
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
            self.node.committer.check()
            leases = self._lend(limit, self.node.clock.monotonic()) if self.node.is_valid else []
            coming = {answer for shard in self.node.shards.values() for answer in shard.coming}
            if leases or limit <= 0 or not coming:
                return await self._complete(leases)
            await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)

    def _lend(self, limit: int, now: float) -> list[Lease]:
        """Lends what is due, sites of all shards in one line."""
        line = []
        for number, shard in self.node.shards.items():
            shard.stir(now)
            if number not in self.node.leaving and (place := shard.place):
                line.append((place, number))
        heapq.heapify(line)
        leases: list[Lease] = []
        while line and len(leases) < limit and line[0][0][0] <= now:
            shard = self.node.shards[line[0][1]]
            lent = shard.lend(now)
            leases += lent
            place = shard.place
            if place is None or (not lent and place == line[0][0]):
                heapq.heappop(line)
            else:
                heapq.heapreplace(line, (place, line[0][1]))
        return leases

    async def _complete(self, leases: list[Lease]) -> list[Lease]:
        self._roots.note(leases)
        by_shard = _group(leases, lambda lease: lease.token)
        if len(by_shard) == 1:
            return await self.node.shards[next(iter(by_shard))].complete(leases)
        whole = {lease.token: lease for number, some in by_shard.items()
                 for lease in await self.node.shards[number].complete(some)}  # fmt: skip
        return [whole[lease.token] for lease in leases]

    async def wait(self) -> bool:
        while True:
            self.node.committer.check()
            now = self.node.clock.monotonic()
            for shard in self.node.shards.values():
                shard.stir(now)
            self.node.expect_change()
            if all(shard.is_exhausted for shard in self.node.shards.values()):
                if await self._is_over():
                    return False
                if self.node.changed.is_set():
                    continue
            lending = [shard for number, shard in self.node.shards.items() if number not in self.node.leaving]
            turn = min((place[0] for shard in lending if (place := shard.place)), default=None)
            if turn is not None and turn <= now and self.node.is_valid:
                return True
            due = min((due for shard in self.node.shards.values() if (due := shard.next_due) is not None), default=None)
            await self._change_before(min(turn or now + MOST_WAIT_S, due or now + MOST_WAIT_S) - now)

    async def _is_over(self) -> bool:
        """Returns whether nothing is left to do, here or at any other node."""
        await self.node.committer.drain()
        self.node.committer.check()
        if self.node.changed.is_set():
            return False
        now = monotonic()
        if not self.node.takes_all and now < self._asked_at + LOOK_S:
            return False
        self._asked_at = now
        return await self.node.backend.is_finished() and all(shard.is_exhausted for shard in self.node.shards.values())

    async def _change_before(self, seconds: float) -> None:
        alone = self.node.takes_all and len(self.node.shards) == self.node.member.cut.shards
        wait_s = max(seconds if alone else min(seconds, LOOK_S), LEAST_WAIT_S)
        try:
            async with asyncio.timeout(wait_s):
                await self.node.changed.wait()
        except TimeoutError:
            pass

    async def settle(self, outcomes: Sequence[Outcome], positions: Mapping[str, Position]) -> None:
        self.node.committer.check()
        by_shard = _group(outcomes, lambda outcome: outcome.lease.token)
        for number, some in by_shard.items():
            for _ in self._shard(number).sift_ahead(some):
                await asyncio.sleep(0)
                self.node.committer.check()
        for number, some in by_shard.items():
            self._shard(number).check_leases([outcome.lease for outcome in some])
        await self._settle(by_shard, positions)

    def _settle(self, by_shard: Mapping[int, list[Outcome]], positions: Mapping[str, Position]) -> Awaitable[None]:
        """Settles in memory, without a wait between, so that all of it is in one transaction."""
        parcels = Parcels()
        draft = self.node.committer.draft
        for number, some in by_shard.items():
            shard = self.node.shards[number]
            kept = [split_outcome(one, shard.entry_of(one.lease), number, self._shard_of, parcels) for one in some]
            shard.close_visits(kept)
            for outcome in some:
                self._end_claim(outcome.lease, outcome.disposition)
        for number, parcel in parcels.items():
            if shard_here := self.node.shards.get(number):
                shard_here.receive(parcel)
            else:
                self.node.send(number, parcel)
        draft.keep_positions(positions)
        self.node.keep_positions(positions)
        return draft.promise()

    async def release(self, leases: Sequence[Lease]) -> None:
        if self.node.committer.trouble:
            return
        by_shard = _group(leases, lambda lease: lease.token)
        for number, some in by_shard.items():
            self._shard(number).check_leases(some)
        for number, some in by_shard.items():
            self.node.shards[number].give_back(some)
            for lease in some:
                self._end_claim(lease, None)

    async def positions(self) -> Mapping[str, Position]:
        return dict(self.node.positions)

    def counts(self) -> Counts:
        return add_counts([shard.counts() for shard in self.node.shards.values()], self.node.before)

    def why_wait(self) -> Wait:
        return find_reason(list(self.node.shards.values()))

    # -- judging -----------------------------------------------------------------------------------------------------

    def bar(self, lease: Lease) -> Bar | None:
        if not self.node.is_valid:
            return Bar(None)
        return self._shard(shard_of_row(lease.token)).bar(lease)

    def knows_well(self, url: Url) -> bool:
        shard = self.node.shards.get(self._shard_of(url.text))
        return shard is not None and shard.knows_well(url)

    async def claim(self, digest: bytes, lease: Lease) -> Url:
        asked = self._claims.get(lease.token)
        if asked == (digest, lease.request.url):
            return lease.request.url
        if self.node.committer.gives_up_claims:
            await self.node.committer.drain()
        [first] = await self.node.backend.claim(
            self.node.member, [ContentClaim(digest, lease.token, lease.request.url)]
        )
        self._claims[lease.token] = digest, first
        return first

    def _end_claim(self, lease: Lease, how: Disposition | None) -> None:
        asked = self._claims.pop(lease.token, None)
        if asked and asked[1] == lease.request.url:
            self.node.committer.draft.end_claim(lease.token, is_settled=how is Disposition.FETCHED)

    async def way(self, start: Url, lease: Lease) -> Sequence[tuple[int, Url]]:
        here = shard_of_row(lease.token)
        return await self._shard(here).find_way(start, lease, is_here=self._shard_of(start.text) == here)

    # -- watching ----------------------------------------------------------------------------------------------------

    def busiest(self, limit: int) -> Sequence[SiteView]:
        views = [view for shard in self.node.shards.values() for view in shard.busiest(limit)]
        return heapq.nlargest(limit, views, key=lambda view: (view.queued + view.leased, view.site))

    def retrying(self) -> Mapping[str, int]:
        return {site: number for shard in self.node.shards.values() for site, number in shard.retrying().items()}

    async def left_out(self) -> Mapping[LeftOut, int]:
        total = Counter[LeftOut]()
        for shard in self._all():
            total.update(await shard.left_out())
        return total

    # -- steering ----------------------------------------------------------------------------------------------------

    def hold(self, site: str) -> None:
        self.node.hold(site)
        if shard := self.node.shards.get(self._shard_of(site)):
            shard.hold(site)

    def let_go(self, site: str) -> None:
        self.node.let_go(site)
        if shard := self.node.shards.get(self._shard_of(site)):
            shard.let_go(site)

    @property
    def held(self) -> frozenset[str]:
        return frozenset(self.node.held)

    def limit_lending(
        self, *, per_site: int, per_ip: int, rest_s: float, most_asked_s: float, most_held_s: float, sites: PerSite
    ) -> None:
        self.node.lend_on(
            replace(
                self.node.terms, per_site=per_site, per_ip=per_ip, rest_s=rest_s, most_asked_s=most_asked_s,
                most_held_s=most_held_s, sites=sites,
            )
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
        for number in sorted(self.node.shards):
            if number >= shard_of_row(after) and len(found) < limit:
                found += await self.node.shards[number].visited(after, limit - len(found))
        return found

    async def notes(self) -> Mapping[str, object]:
        return dict(self.node.notes)

    async def note(self, name: str, value: object) -> None:
        self.node.committer.check()
        self.node.note(name, value)
        draft = self.node.committer.draft
        draft.note(name, value)
        await draft.promise()

    # -- what earlier runs did ---------------------------------------------------------------------------------------

    @property
    def owed(self) -> Mapping[int, Sequence[str]]:
        return {}

    def brought(self, url: Url) -> int:
        shard = self.node.shards.get(self._shard_of(url.text))
        return shard.brought(url) if shard else 0

    async def roots(self, after: int, limit: int) -> Sequence[Root]:
        await self.node.committer.drain()
        return await self.node.backend.roots(after, limit)

    async def row_of_each(self, fingerprints: U64) -> NDArray[np.int64]:
        found = np.zeros(len(fingerprints), np.int64)
        for shard in self._all():
            found = np.maximum(found, await shard.row_of_each(fingerprints))
        return found

    async def linking(self, rows: Sequence[int], left_out: int) -> Sequence[Linking]:
        await self.node.committer.drain()
        return await self.node.backend.linking(rows, left_out)

    async def judge(self, read: Sequence[tuple[Outcome, Linking]]) -> None:
        self.node.committer.check()
        for number, some in _group_by(read, lambda one: shard_of_row(one[1].row)).items():
            await self._shard(number).judge(some)

    async def ask(self, question: Callable[[Look], T]) -> T:
        await self.node.committer.drain()
        return await self.node.backend.ask(question)

    # -- shards ------------------------------------------------------------------------------------------------------

    def _all(self) -> Iterator[Shard]:
        """Yields the shards of this node, each one held as long as the caller works with it."""
        self.node.committer.check()
        for number in list(self.node.shards):
            if shard := self.node.shards.get(number):
                with shard.in_use():
                    yield shard

    def _shard(self, number: int) -> Shard:
        shard = self.node.shards.get(number)
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
