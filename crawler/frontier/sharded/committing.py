"""Collects what the shards of one node want stored, and commits it in order, one transaction after another."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field
from typing import TypeVar

from numpy.typing import NDArray

from ...dataclass import dataclass
from ...errors import FrontierError
from ...model import Disposition, Position, Request, Url
from ...policy.redirects import Hop
from ...standing import Pick, Visited
from ..backend import Backend, Commit, Hold, Membership, Message, ShardReader
from ..change import Change
from ..extras import Extra
from ..fingerprints import U64
from ..store import Due, Load, Picked, Shelf

import numpy as np  # isort: skip

T = TypeVar("T")


@dataclass(slots=True)
class Draft:
    """The next commit, and a future for those who wait for it."""

    done: Future[None]
    changes: list[tuple[Hold, Change]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    consumed: list[Message] = field(default_factory=list)
    positions: dict[str, Position] = field(default_factory=dict)
    notes: dict[str, object] = field(default_factory=dict)
    settled: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    claimed: list[int] = field(default_factory=list)
    unclaimed: list[int] = field(default_factory=list)

    def promise(self) -> Future[None]:
        """Returns a future for when it is stored. Whoever does not wait for it is told of a failure by `check`."""
        promised = asyncio.shield(self.done)
        promised.add_done_callback(_mark_seen)
        return promised

    def add_change(self, hold: Hold, change: Change) -> None:
        self.changes.append((hold, change))

    def add_settled(self, grown: Mapping[str, int]) -> None:
        """Counts final visits."""
        self.settled.update(grown)

    def add_pages(self, pages: int) -> None:
        self.pages += pages

    def send(self, message: Message) -> None:
        self.messages.append(message)

    def consume(self, message: Message) -> None:
        """Takes a message out of the inbox, for its requests are in the changes."""
        self.consumed.append(message)

    def keep_positions(self, positions: Mapping[str, Position]) -> None:
        self.positions.update(positions)

    def note(self, name: str, value: object) -> None:
        self.notes[name] = value

    def end_claim(self, row: int, *, is_settled: bool) -> None:
        """Settles the claim of a row, or gives it up."""
        (self.claimed if is_settled else self.unclaimed).append(row)

    def commit(self) -> Commit:
        return Commit(
            self.changes, self.messages, self.consumed, self.positions, (),
            {name: number for name, number in self.settled.items() if number}, self.pages, self.notes,
            self.claimed, self.unclaimed,
        )  # fmt: skip


class Committer:
    """Commits drafts. What is put into one between two waits of the loop is in one transaction.

    After a failure it stores nothing further: memory is ahead of the backend then.
    """

    def __init__(self, backend: Backend, member: Membership) -> None:
        self._backend = backend
        self._member = member
        self._draft: Draft | None = None
        self._committing: Draft | None = None
        self._flushing: asyncio.Task[None] | None = None
        self.trouble: Exception | None = None
        self.counted: int = 0
        """Pages of all drafts so far."""
        self.issued: int = 0
        """Pages of the commits that are under way or made."""

    def renew(self, member: Membership) -> None:
        """Commits for another life of the node from now on."""
        self._member = member

    def count_pages(self, draft: Draft, pages: int) -> None:
        """Counts pages that were fetched."""
        draft.add_pages(pages)
        self.counted += pages

    def site_id(self, site: str) -> int:
        return self._member.cut.site_id(site)

    def check(self) -> None:
        if self.trouble:
            raise self.trouble

    def fail(self, error: Exception) -> None:
        self.trouble = self.trouble or error

    @property
    def draft(self) -> Draft:
        """The draft of the next commit, which will be made once this turn of the loop is over."""
        if self._draft is None:
            self._draft = Draft(asyncio.get_running_loop().create_future())
            self._draft.done.add_done_callback(_mark_seen)
            if self._flushing is None or self._flushing.done():
                self._flushing = asyncio.ensure_future(self._flush())
        return self._draft

    @property
    def gives_up_claims(self) -> bool:
        """Whether the next commit gives up claims that others may want."""
        return self._draft is not None and bool(self._draft.unclaimed)

    def is_writing(self, shard: int) -> bool:
        """Whether changes of a shard are still to be stored."""
        drafts = (self._draft, self._committing)
        return any(hold.shard == shard for draft in drafts if draft for hold, _ in draft.changes)

    async def drain(self) -> None:
        """Waits until all that was put into drafts is stored, or cannot be."""
        while self._flushing is not None and not self._flushing.done():
            await asyncio.wait([self._flushing])

    async def _flush(self) -> None:
        await asyncio.sleep(0)
        while (draft := self._draft) is not None:
            self._draft, self._committing = None, draft
            try:
                self.check()
                self.issued += draft.pages
                await self._backend.commit(self._member, draft.commit())
            except Exception as error:  # noqa: BLE001 - a bug, too, is raised at the next call
                self.fail(error)
                draft.done.set_exception(error)
            else:
                draft.done.set_result(None)
            finally:
                self._committing = None


class ShardStore:
    """A `Store` of one shard: it reads from the backend, and all that it writes goes into the node's commits."""

    def __init__(self, committer: Committer, hold: Hold, reader: ShardReader) -> None:
        self.hold = hold
        self._committer = committer
        self._reader = reader
        self._is_closed = False
        self._late: Counter[int] | None = None
        """By how much the queues of sites grew since the shelf was asked for; None: it is not asked for."""
        self._settled: Mapping[str, int] = {}
        """The final visits of the shard since this node took it, as they were at the last write."""
        self._requisites = 0
        self._count_requisites: Callable[[], int] = int

    def count_requisites_by(self, count: Callable[[], int]) -> None:
        """Asks `count` for the requisites that were fetched in this shard."""
        self._count_requisites = count
        self._requisites = count()

    def close(self) -> None:
        self._is_closed = True

    # -- the door ----------------------------------------------------------------------------------------------------

    @property
    def is_usable(self) -> bool:
        return self._committer.trouble is None and not self._is_closed

    def check(self) -> None:
        self._committer.check()
        if self._is_closed:
            raise FrontierError("this shard was given up")

    def fail(self, error: Exception) -> None:
        self._committer.fail(error)

    def write(self, change: Change) -> Awaitable[None]:
        draft = self._committer.draft
        draft.add_change(self.hold, change)
        if self._late is not None:
            for site, grown in change.sites.items():
                self._late[self._committer.site_id(site)] += grown.queued
        if change.settled is not None:
            self._count(draft, change.settled)
        return draft.promise()

    def _count(self, draft: Draft, settled: Mapping[str, int]) -> None:
        grown = {name: number - self._settled.get(name, 0) for name, number in settled.items()}
        requisites = self._count_requisites()
        draft.add_settled(grown)
        pages = grown.get(Disposition.FETCHED, 0) - (requisites - self._requisites)
        self._committer.count_pages(draft, pages)
        self._settled, self._requisites = dict(settled), requisites

    def load(self, site_id: int, behind: int, limit: int) -> Future[Load]:
        return self._ask(lambda: self._reader.load(site_id, behind, limit))

    def unshelve(self, limit: int, room: int) -> Future[Shelf]:
        asked: Future[Shelf] = asyncio.ensure_future(self._unshelve(limit, room))
        asked.add_done_callback(_mark_seen)
        return asked

    async def _unshelve(self, limit: int, room: int) -> Shelf:
        """Takes sites from the shelf, as they were when it was asked: the mind counts in itself what came since."""
        late = self._late = Counter[int]()
        await self._committer.drain()
        self._late = None
        shelf = await self._reader.unshelve(limit, room)
        return shelf._replace(sites=[one._replace(queued=one.queued - late[one.site_id]) for one in shelf.sites])

    async def due(self, until: float, limit: int) -> Due:
        return await self._ask(lambda: self._reader.due(until, limit))

    async def extras(self, rows: Sequence[int]) -> Mapping[int, Extra]:
        return await self._ask(lambda: self._reader.extras(rows))

    async def first(self, row: int) -> tuple[Url, bytes | None]:
        return await self._ask(lambda: self._reader.first(row))

    async def came_by(self, row: int, request: Request) -> list[Hop]:
        return await self._ask(lambda: self._reader.came_by(row, request))

    def pick(self, pick: Pick, after: int, limit: int) -> Future[list[Picked]]:
        return self._ask(lambda: self._reader.pick(pick, after, limit))

    async def rows_of(self, fingerprints: U64) -> NDArray[np.int64]:
        return await self._ask(lambda: self._reader.rows_of(fingerprints))

    async def row_of_each(self, fingerprints: U64) -> NDArray[np.int64]:
        return await self._ask(lambda: self._reader.row_of_each(fingerprints))

    async def no_seeds(self, rows: Sequence[int]) -> list[int]:
        return await self._ask(lambda: self._reader.no_seeds(rows))

    async def linking_to(self, places: U64, after: int) -> tuple[list[int], int]:
        return await self._ask(lambda: self._reader.linking_to(places, after))

    async def visited(self, after: int, limit: int) -> list[Visited]:
        return await self._ask(lambda: self._reader.visited(after, limit))

    async def left_out(self) -> Mapping[int, int]:
        return await self._ask(self._reader.left_out)

    def _ask(self, question: Callable[[], Awaitable[T]]) -> Future[T]:
        """Asks once all that was written before is stored."""
        asked: Future[T] = asyncio.ensure_future(self._ask_in_turn(question))
        asked.add_done_callback(_mark_seen)
        return asked

    async def _ask_in_turn(self, question: Callable[[], Awaitable[T]]) -> T:
        await self._committer.drain()
        return await question()


def _mark_seen(done: Future[T]) -> None:
    """Marks a failure as seen, even if nobody waits for it: `check` raises it at the next call."""
    if not done.cancelled():
        done.exception()
