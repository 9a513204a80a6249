"""The nodes of a simulated fleet: the real sharded frontier of a node, with visits to a web of numbers.

Each node has a file of records whose settled length the engine keeps, as real outputs have.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import fleet_time
from benchmarks.fleet_web import FleetWeb
from crawler.backends.node import NodeFrontier, position_of
from crawler.errors import FrontierError
from crawler.frontier import Clock, Terms
from crawler.frontier.backend import Beat, Commit, ContentClaim, Hold, Membership, Message, Standing, Wish
from crawler.frontier.sharded.holding import Part
from crawler.frontier.sharded.node import Node
from crawler.frontier.sharded.opening import MOST_ENTRIES, MOST_SITES
from crawler.model import Disposition, Lease, Outcome, Position, Url

ENGINE_S = 0.001
"""How long a call takes to the engine, and its answer back."""
COLLECTED_S = 0.25
"""How long a node collects outcomes for one transaction."""
OUTPUT, FILE = "out", "records"


class Line:
    """The way of one node to the engine: counts its calls, takes a moment, and may be cut."""

    def __init__(self, backend: Any, calls: Counter[str], note_beat: Callable[[Membership], None]) -> None:
        self._backend = backend
        self._calls = calls
        self._note_beat = note_beat
        self._is_open = asyncio.Event()
        self._is_open.set()

    def part(self) -> None:
        """Lets nothing through: packets that get lost on the way."""
        self._is_open.clear()

    def heal(self) -> None:
        self._is_open.set()

    async def _call(self, name: str, *arguments: Any) -> Any:
        self._calls[name] += 1
        await asyncio.sleep(ENGINE_S)
        await self._is_open.wait()
        if name == "beat":
            self._note_beat(arguments[0])
        answer = await getattr(self._backend, name)(*arguments)
        await asyncio.sleep(ENGINE_S)
        await self._is_open.wait()
        return answer

    async def join(self, node: str, terms: Terms) -> Membership:
        member: Membership = await self._call("join", node, terms)
        return member

    async def beat(self, member: Membership, wish: Wish) -> Beat:
        beat: Beat = await self._call("beat", member, wish)
        return beat

    async def leave(self, member: Membership) -> None:
        await self._call("leave", member)

    async def commit(self, member: Membership, batch: Commit) -> None:
        await self._call("commit", member, batch)

    async def inbox(self, shards: Sequence[int], limit: int) -> Sequence[Message]:
        messages: Sequence[Message] = await self._call("inbox", shards, limit)
        return messages

    async def claim(self, member: Membership, claims: Sequence[ContentClaim]) -> Sequence[Url]:
        first: Sequence[Url] = await self._call("claim", member, claims)
        return first

    async def standing(self) -> Standing:
        standing: Standing = await self._call("standing")
        return standing

    async def is_finished(self) -> bool:
        return bool(await self._call("is_finished"))

    def reader(self, member: Membership, hold: Hold) -> Any:
        return _CountedReader(self._backend.reader(member, hold), self._calls)


class _CountedReader:
    """A shard's reader whose questions are counted."""

    def __init__(self, reader: Any, calls: Counter[str]) -> None:
        self._reader = reader
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        self._calls[name] += 1
        return getattr(self._reader, name)


class Defiant(Node):
    """A planted fault: a node that goes on though its lease may be over."""

    @property
    def is_valid(self) -> bool:
        return True


class FleetNode:
    """One process of the fleet, which can be killed, stopped, parted from the engine, and told to leave."""

    def __init__(self, number: int, line: Line, web: FleetWeb, terms: Terms, places: int, kind: type[Node]) -> None:
        self.name = f"n{number}"
        self.number = number
        self.line = line
        self.records: list[int] = []
        """Pages that it wrote down, of which a part is settled."""
        self.in_hand: dict[int, Lease] = {}
        """Visits under way, by their number."""
        self.lives = 0
        self.has_ended = self.is_killed = False
        self._web = web
        self._terms = terms
        self._places = places
        self._kind = kind
        self._loop = fleet_time.current()
        self._context = fleet_time.context_of(number)
        self._done: list[Outcome] = []
        self._settling = 0
        self._began = self._life = 0
        self._drains = False
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._turn: asyncio.Task[bool] | None = None
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = self._loop.create_task(self._live(), context=self._context)

    def drain(self) -> None:
        """Asks it to finish what it has under way, and to leave."""
        self._loop.call_soon(self._begin_draining, context=self._context)

    def kill(self) -> None:
        """Ends it as `kill -9` does: its connections close, and nothing of it is called any more."""
        self.is_killed = True
        if not self._loop.is_stopped(self.number):
            self._loop.stop_process(self.number)
        self._break_off()

    def _begin_draining(self) -> None:
        self._drains = True
        self._changed.set()
        if self._turn is not None:
            self._turn.cancel()

    # -- its life ----------------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        while True:
            try:
                await self._live_once()
                break
            except FrontierError:  # it was taken for dead
                self._break_off()
        self.has_ended = True

    async def _live_once(self) -> None:
        self.lives += 1
        self._done.clear()
        self._settling = 0
        member = await self.line.join(self.name, self._terms)
        self._life = member.incarnation
        clock = Clock(self._loop.time, self._loop.wall)
        standing = await self.line.standing()
        node = self._kind(
            self.line, member, self._terms, standing, clock, Part(False, (), MOST_SITES, MOST_ENTRIES)  # type: ignore[arg-type]
        )  # fmt: skip
        frontier = NodeFrontier(node)
        self._cut_back(await frontier.positions())
        settling = asyncio.create_task(self._settle(frontier))
        try:
            await node.begin()
            await self._lend(frontier)
            while self.in_hand or self._done or self._settling:
                await self._pause()
                frontier.node.committer.check()
        finally:
            settling.cancel()
            await asyncio.gather(settling, return_exceptions=True)
            await node.end()

    def _cut_back(self, positions: Mapping[str, Position]) -> None:
        """Takes away the records that were not settled."""
        del self.records[int(positions.get(OUTPUT, {}).get(FILE, 0)) :]

    async def _lend(self, frontier: NodeFrontier) -> None:
        """Begins visits until the crawl is finished, or until it is to leave."""
        while not self._drains:
            room = self._places - len(self.in_hand)
            if room <= 0:
                await self._pause()
                continue
            leases = await frontier.lease(room)
            for lease in leases:
                self._begin(frontier, lease)
            if not leases and not await self._wait(frontier):
                return

    async def _wait(self, frontier: NodeFrontier) -> bool:
        """Waits for a turn of a site; returns whether anything is left to do."""
        self._turn = asyncio.create_task(frontier.wait())
        await asyncio.wait([self._turn])
        return self._turn.cancelled() or self._turn.result()

    async def _pause(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    # -- visits ------------------------------------------------------------------------------------------------------

    def _begin(self, frontier: NodeFrontier, lease: Lease) -> None:
        if bar := frontier.bar(lease):
            if bar.reason is None:
                self._loop.call_soon(self._give_back, frontier, lease)
                return
            self._web.account.barred += 1
            parked = Outcome(lease, Disposition.PARKED, bar.reason, bar.detail, pattern=bar.pattern)
            self._loop.call_soon(self._take, parked)
            return
        self._began += 1
        self.in_hand[self._began] = lease
        answer_s = self._web.begin_for(self._life, lease, self._loop.time())
        fleet_time.context_of(0).run(self._loop.call_later, answer_s, self._answer, self._began, lease, self._life)

    def _give_back(self, frontier: NodeFrontier, lease: Lease) -> None:
        self._loop.create_task(frontier.release([lease]))

    def _answer(self, number: int, lease: Lease, life: int) -> None:
        """Ends a visit as the web sees it; the node hears of it when it is called."""
        if self.in_hand.get(number) is lease:
            outcome = self._web.end_for(life, lease, self._loop.time())
            self._loop.call_soon(self._hear, number, outcome, context=self._context)

    def _hear(self, number: int, outcome: Outcome) -> None:
        if self.in_hand.pop(number, None) is not None:
            self._take(outcome)

    def _take(self, outcome: Outcome) -> None:
        self._done.append(outcome)
        self._changed.set()
        self._ended.set()

    def _break_off(self) -> None:
        """Closes the connections of all visits under way."""
        for lease in self.in_hand.values():
            self._web.break_off(lease, self._loop.time())
        self.in_hand.clear()

    async def _settle(self, frontier: NodeFrontier) -> None:
        while True:
            await self._ended.wait()
            await asyncio.sleep(COLLECTED_S)
            self._ended.clear()
            batch, self._done = self._done, []
            self._settling = len(batch)
            written = [one for one in batch if one.disposition is not Disposition.DEFERRED]
            self.records += [self._web.number(one.lease.request.url.text) for one in written]
            try:
                await frontier.settle(batch, {OUTPUT: {FILE: len(self.records)}})
            except FrontierError:  # the next call of the frontier says so
                self._changed.set()
                return
            for outcome in batch:
                self._web.note_stored(outcome)
            self._settling = 0
            self._changed.set()


def settled_records(node: FleetNode, standing: Standing) -> list[int]:
    """Returns the pages that a node wrote down, as far as they are settled."""
    position = standing.positions.get(position_of(node.name, OUTPUT), {})
    return node.records[: int(position.get(FILE, 0))]
