"""One node: the shards that it holds, its life in the backend, and what it exchanges with other nodes."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from ...errors import FrontierError
from ...model import Disposition, Position
from ...runtime.clock import monotonic
from ...standing import Instructions
from ..addresses import Addresses
from ..backend import Backend, Beat, Commit, Hold, Membership, Message, Standing, Wish
from ..site_table import SiteTable
from ..terms import Clock, Terms
from .allowances import Allowances
from .committing import Committer, ShardStore
from .holding import Holding, Part
from .parcels import Parcel, pack_parcel, unpack_parcel
from .shard import Shard

LOOK_S = 0.2
"""Seconds between two looks at the inbox, and between two questions whether the crawl is finished."""
MESSAGES_AT_ONCE = 500
FEW_NODES = 4
"""A node of so many holds a part of all shards, and each of these has its part of the memory for sites. Nodes that are
more hold fewer shards each, which then have more memory each,"""
MOST_PARTS = 8
"""but no more than so many times as much: the others may die."""


class Node:
    """The shards of one node, in memory, and its dealings with the backend."""

    def __init__(
        self, backend: Backend, member: Membership, terms: Terms, standing: Standing, clock: Clock, part: Part
    ) -> None:
        self.member: Membership = member
        self.backend = backend
        self.terms = terms
        self.clock = clock
        self._part = part
        self.notes: dict[str, object] = dict(standing.notes)
        self.positions: dict[str, Position] = dict(standing.positions)
        self.before: Counter[Disposition] = Counter(
            {Disposition(name): number for name, number in standing.settled.items()}
        )
        """Final visits of other nodes and earlier runs, as they were when this node joined, and those of shards that it
        gave up."""
        self.committer: Committer = Committer(backend, member)
        self._holding = Holding(backend, member, self, part, self.committer.fail)
        self.takes_all: bool = part.takes_all
        self.shards: dict[int, Shard] = {}
        self.leaving: frozenset[int] = frozenset()
        self._addresses = Addresses()
        self._valid_until = 0.0
        self.held: set[str] = set()
        self.changed: asyncio.Event = asyncio.Event()
        self._chores: list[Future[None]] = []
        """Beats and looks at the inbox, while it is open."""
        self._tell: Callable[[], None] = _tell_nobody
        self._show: Callable[[Beat], None] = _show_nobody
        self.control: str = "run"
        """The wish of the crawl's owner at the last beat: run, pause or stop."""
        self.instructions: Instructions = Instructions()
        """Those of the crawl's owner at the last beat."""
        self.allowances: Allowances = Allowances(
            self._addresses, lambda: self.committer.counted, lambda: self.committer.issued,
            lambda: sum(shard.leased for shard in self.shards.values()),
        )  # fmt: skip
        """The part of this node in the pages and addresses that all nodes share."""
        if not part.takes_all:
            self._addresses.allow({})
            self._addresses.wake_by(self._holding.hurry)

    # -- the life of the node ----------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Takes the shards of this node, and keeps them until `end`.

        Raises FrontierError where it is to hold all, and another node holds one.
        """
        await self._holding.beat()
        if not self.takes_all:
            await self._holding.beat()
        elif len(self.shards) < self.member.cut.shards:
            raise FrontierError("another process works on this crawl: stop it first")
        self._chores = [asyncio.ensure_future(self._holding.run()), asyncio.ensure_future(self._read_inbox())]

    async def end(self) -> None:
        """Gives everything up, once what was to be stored is stored."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        for shard in self.shards.values():
            if self.committer.trouble is None:
                shard.write_pending()
            shard.close()
        await self.committer.drain()
        if self.committer.trouble is None:
            await self.backend.leave(self.member)

    async def _read_inbox(self) -> None:
        """Takes in what other nodes found for shards of this one, until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                while await self._take_messages():
                    pass
            except Exception as error:  # noqa: BLE001 - a bug, too, is raised at the next call
                self.committer.fail(error)
                return

    async def _take_messages(self) -> bool:
        """Takes in some messages; returns whether there may be more."""
        mine = [shard for shard in self.shards if shard not in self.leaving]
        if not mine:
            return False
        messages = await self.backend.inbox(mine, MESSAGES_AT_ONCE)
        written: list[Awaitable[None]] = []
        for message in messages:
            if shard := self.shards.get(message.shard):
                written.append(shard.receive(unpack_parcel(message.data)))
                self.committer.draft.consume(message)
        for one in written[-1:]:
            await one
        return len(messages) == MESSAGES_AT_ONCE

    async def hand_over(self) -> None:
        """Gives all shards to other nodes, until `take_over`. Meanwhile it lends nothing and knows nothing."""
        self.before.update(self._own_settled())
        await self.end()
        self.committer.check()
        self.shards = {}

    async def take_over(self) -> None:
        """Takes the shards again, and reads what other nodes did. Raises FrontierError."""
        self.member = await self.backend.join(self.member.node, self.terms)
        standing = await self.backend.standing()
        self.notes, self.positions = dict(standing.notes), dict(standing.positions)
        self.before = Counter({Disposition(name): number for name, number in standing.settled.items()})
        self.committer.renew(self.member)
        self._holding.renew(self.member)
        await self.begin()

    def expect_change(self) -> None:
        """Notes changes from now on, for those who wait for `changed`."""
        self.changed.clear()

    def keep_positions(self, positions: Mapping[str, Position]) -> None:
        """Takes positions of sinks that are being stored."""
        self.positions.update(positions)

    def note(self, name: str, value: object) -> None:
        """Takes a note that is being stored."""
        self.notes[name] = value

    def lend_on(self, terms: Terms) -> None:
        """Lends on these terms from now on, also from shards that are taken later."""
        self.terms = terms
        for shard in self.shards.values():
            shard.limit_lending(
                per_site=terms.per_site, per_ip=terms.per_ip, rest_s=terms.rest_s, most_asked_s=terms.most_asked_s,
                most_held_s=terms.most_held_s, sites=terms.sites,
            )  # fmt: skip

    def hold(self, site: str) -> None:
        """Holds a site also in shards that are taken later."""
        self.held.add(site)

    def let_go(self, site: str) -> None:
        self.held.discard(site)

    async def settled_positions(self) -> Mapping[str, Position]:
        """Returns the positions of all sinks, of all nodes."""
        return (await self.backend.standing()).positions

    async def settled(self) -> Mapping[str, int]:
        """Returns the final visits of the whole crawl, by disposition."""
        return (await self.backend.standing()).settled

    async def forget(self, node: str) -> None:
        """Frees the shards of a node that is dead."""
        await self.backend.forget(node)

    async def store_positions(self, positions: Mapping[str, Position], forgotten: Sequence[str] = ()) -> None:
        """Keeps positions of sinks that no visit of this node wrote to, also while other nodes have the shards."""
        await self.backend.commit(self.member, Commit(positions=positions, forgotten=forgotten))
        kept = {**self.positions, **positions}
        self.positions = {name: position for name, position in kept.items() if name not in forgotten}

    def _own_settled(self) -> Counter[Disposition]:
        total = Counter[Disposition]()
        for shard in self.shards.values():
            total.update(shard.counts().settled)
        return total

    # -- what the holding asks for -----------------------------------------------------------------------------------

    @property
    def holds(self) -> Sequence[Hold]:
        return [shard.store.hold for shard in self.shards.values()]

    def is_free(self, shard: int) -> bool:
        return not self.shards[shard].is_busy and not self.committer.is_writing(shard)

    async def leave(self, shards: Iterable[int]) -> None:
        self.leaving = frozenset(shards)
        idle = [shard for number in self.leaving if not (shard := self.shards[number]).is_busy]
        for shard in idle:
            shard.write_pending()
        if idle:
            await self.committer.drain()

    async def take(self, hold: Hold) -> None:
        reader = self.backend.reader(self.member, hold)
        state = await reader.state(self.terms, self.clock.wall())
        parts = min(MOST_PARTS, max(1, len(self._holding.nodes) // FEW_NODES))
        held = max(1, self.member.cut.shards // (FEW_NODES * parts))
        bench = SiteTable(
            self.terms, self.member.cut.site_id, sites=max(1, self._part.most_sites // held),
            entries=max(1, self._part.most_entries // held), addresses=self._addresses,
        )  # fmt: skip
        store = ShardStore(self.committer, hold, reader)
        shard = Shard(self.member.key, self.terms, store, state, bench, self.clock, self.changed)
        for site in self.held:
            shard.hold(site)
        self.shards[hold.shard] = shard
        self.changed.set()

    def drop(self, shard: int) -> None:
        dropped = self.shards.pop(shard)
        self.before.update(dropped.counts().settled)
        dropped.close()

    def wish(self) -> Wish:
        wish = self.allowances.wish(sum(shard.queued for shard in self.shards.values()), self.terms.at_one_ip)
        return wish._replace(version=self.instructions.version)

    def note_beat(self, beat: Beat, wish: Wish, valid_until: float) -> None:
        self._valid_until = valid_until
        self.control, self.instructions = beat.control, beat.instructions or self.instructions
        if not self.takes_all:
            self.allowances.note(beat, wish)
            for ip in self._addresses.crowded:
                self._addresses.call(ip, self.terms.at_one_ip, self.clock.monotonic())
        self.changed.set()
        self._tell()
        self._show(beat)

    def show_beats_to(self, show: Callable[[Beat], None]) -> None:
        """Calls `show` with the answer to each beat."""
        self._show = show

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
    def is_valid(self) -> bool:
        """Whether this node holds its shards for sure. A node that was stopped for long does not."""
        return monotonic() < self._valid_until

    def send(self, shard: int, parcel: Parcel) -> Future[None]:
        draft = self.committer.draft
        draft.send(Message(shard, pack_parcel(parcel)))
        return draft.promise()


def _show_nobody(beat: Beat) -> None:
    """Does nothing: nobody looks at beats."""


def _tell_nobody() -> None:
    """Does nothing: nobody waits for a beat."""
