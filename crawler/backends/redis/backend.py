"""The backend on a Redis or Valkey server, for nodes on any number of machines."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar

import orjson
from anyio import CancelScope

from ...errors import FrontierError
from ...frontier.backend import (
    Beat,
    Commit,
    ContentClaim,
    Fenced,
    Hold,
    Membership,
    Message,
    ShardReader,
    Standing,
    Wish,
)
from ...frontier.shards import Cut, shard_of_row
from ...frontier.sqlite.rows import NOTE
from ...frontier.terms import Terms
from ...frontier_protocols import Look
from ...model import Url, make_crawl_id
from ...standing import Instructions, Linking, Root
from ..engines import CrawlRow
from .commits import commit_words, mark_of
from .link import Link, run
from .mirror import Mirror, open_mirror
from .packing import Stamp
from .reader import FollowingReader

T = TypeVar("T")

LIVES_TO_ANSWER = 2.0
"""A node that got no answer for so many lives was taken for dead anyway: its connection leads nowhere."""
LEAST_ANSWER_S = 5.0
PATIENCE_S = 120.0
"""How long a server may be away: longer than several lives without a beat, for then all nodes are in the same boat."""
ENTRIES_AT_ONCE = 256
BYTES_AT_ONCE = 8 << 20
"""Most that one answer has of a log. While it is sent, the server does nothing else."""
LEAST_COPIED = 1 << 20
BYTES_A_ROW = 260
"""A log of more bytes, and of more bytes a known URL, is copied: its entries say again and again what later ones
change. An entry takes 60 to 130 bytes a URL."""
ROLLED_BACK = "the server came back without its last second"
ENGINE = "crawld"
"""The key of an engine; those of its crawls begin with it."""


def prefix_of(crawl: CrawlRow) -> str:
    """Returns the beginning of the names of a crawl's keys."""
    return f"{ENGINE}:{crawl.number}:"


@asynccontextmanager
async def open_backend(
    url: str, crawl: CrawlRow, *, ttl_s: float, clock: Callable[[], str] | None = None
) -> AsyncIterator[RedisBackend]:
    """Opens a crawl of an engine that is there. Raises ConfigError, FrontierError.

    `clock` returns the time in milliseconds, in place of the server's.
    """
    answer_s = max(LEAST_ANSWER_S, LIVES_TO_ANSWER * ttl_s)
    links = (Link(url, PATIENCE_S, answer_s), Link(url, PATIENCE_S, answer_s))
    async with open_mirror(Cut(crawl.shards, crawl.key), crawl.key) as mirror:
        backend = RedisBackend(*links, crawl, mirror, ttl_s)
        backend.take_time_from(clock or str)
        try:
            await backend.open()
            yield backend
        finally:
            with CancelScope(shield=True):
                await backend.close()


class RedisBackend:
    """A `Backend` over two connections: one for commits and what is read between them, one for beats and claims."""

    def __init__(self, link: Link, aside: Link, crawl: CrawlRow, mirror: Mirror, ttl_s: float) -> None:
        self._link = link
        self._aside = aside
        self._prefix = prefix_of(crawl)
        self._mirror = mirror
        self._ttl_s = ttl_s
        self._clock: Callable[[], str] = str
        self._commits: dict[int, int] = {}
        """By life: how many commits it made."""
        self._limited: set[int] = set()
        """Lives that may fetch only the pages that they are allowed."""
        self._written: Counter[Hold] = Counter()
        """Entries that this node wrote to the logs of shards."""
        self._read: dict[Hold, int] = {}
        """How many of these were there when the tables began to follow the log last: they have those at least."""
        self._following = asyncio.Lock()
        self._roots: list[Root] = []
        self.cut: Cut = Cut(crawl.shards, crawl.key)
        self.key: bytes = crawl.key

    def take_time_from(self, clock: Callable[[], str]) -> None:
        """Tells the server the time by this clock; empty: the server has its own."""
        self._clock = clock

    async def open(self) -> None:
        await self._link.open()
        await self._aside.open()

    async def close(self) -> None:
        await self._link.close()
        await self._aside.close()

    # -- lives -------------------------------------------------------------------------------------------------------

    async def join(self, node: str, terms: Terms) -> Membership:
        told, ways = await self._call("begin", node, self._milliseconds, int(terms.has_ways_out))
        await self._mirror.prepare(terms, has_ways=ways == b"1")
        life = int(told)
        self._commits[life] = 0
        return Membership(node, life, make_crawl_id(self.key), self.key, self.cut, self._ttl_s)

    @property
    def _milliseconds(self) -> int:
        return round(self._ttl_s * 1000)

    async def beat(self, member: Membership, wish: Wish) -> Beat:
        if wish.limit is not None:
            self._limited.add(member.incarnation)
        if wish.free:  # what was written to these shards before is stored before they are free
            await asyncio.sleep(0)
            await self._link.work(_nothing)
        told = orjson.loads(await self._call("beat", orjson.dumps(self._words(member.incarnation, wish))))
        held = sorted(Hold(int(shard), int(epoch)) for shard, epoch in told["held"].items())
        for hold in (self._read.keys() | self._written.keys()) - set(held):
            self._read.pop(hold, None)
            self._written.pop(hold, None)
        return Beat(
            sorted(told["nodes"]), held, told["control"],
            {name: int(number) for name, number in told["settled"].items() if int(number)}, told["fetched"],
            told["pages"], dict(told["addresses"]), sorted(told["wanted"]),
            Instructions.unpack(told["version"], told["said"]) if told.get("said") else None,
        )  # fmt: skip

    def _words(self, life: int, wish: Wish) -> dict[str, object]:
        return {
            "life": str(life), "made": self._commits.get(life, 0), "ttl": self._milliseconds,
            "free": [[str(shard), str(epoch)] for shard, epoch in wish.free], "take": list(map(str, wish.take)),
            "pages": wish.pages, "limit": wish.limit, "addresses": wish.addresses,
            "per_address": wish.per_address, "version": wish.version,
        }  # fmt: skip

    async def leave(self, member: Membership) -> None:
        await self._link.work(_nothing)  # all commits before are made
        await self._call("leave", member.incarnation)

    async def forget(self, node: str) -> None:
        await self._call("end", node)

    # -- shards ------------------------------------------------------------------------------------------------------

    def reader(self, member: Membership, hold: Hold) -> ShardReader:
        return FollowingReader(self._mirror.tables.reader_of(hold.shard), lambda: self._follow_held(member, hold))

    async def commit(self, member: Membership, batch: Commit) -> None:
        """Stores a batch durably, as one step. Raises Fenced if a shard of it is not held under its epoch."""
        await asyncio.shield(self.submit(member, batch))

    def submit(
        self, member: Membership, batch: Commit, lost: Sequence[int] = (), void: Sequence[tuple[bytes, int]] = ()
    ) -> Future[None]:
        """Stores a batch as `commit` does; it is under way when this returns.

        Visits of `lost` lives do not count any more. `void` are contents that the pages of these rows have no more.
        """
        return self._link.submit(_Committing(self, member.incarnation, batch, _Loss(lost, void)).make)

    async def inbox(self, shards: Sequence[int], limit: int) -> Sequence[Message]:
        found = await self._call("inbox", limit, *shards)
        messages = [Message(int(shard), data, int(number.partition(b"-")[0])) for shard, number, data in found]
        return sorted(messages, key=lambda message: message.number)[:limit]

    async def inboxes(self) -> Mapping[int, int]:
        found = await self._aside.ask("HGETALL", f"{self._prefix}mail")
        return {int(shard): int(number) for shard, number in found.items()}

    async def claim(self, member: Membership, claims: Sequence[ContentClaim]) -> Sequence[Url]:
        words = [word for one in claims for word in (mark_of(one.digest, self.key), one.row, one.url.text)]
        found = await self._call("claim", member.incarnation, *words)
        return [Url(text.decode()) if text else one.url for one, text in zip(claims, found, strict=True)]

    # -- the whole crawl ---------------------------------------------------------------------------------------------

    async def standing(self) -> Standing:
        told = orjson.loads(await self._call("standing"))
        return Standing(
            {name: orjson.loads(text) for name, text in told["notes"].items()},
            {name: orjson.loads(text) for name, text in told["positions"].items()},
            {name: int(number) for name, number in told["settled"].items() if int(number)}, int(told["pages"]),
        )  # fmt: skip

    async def roots(self, after: int, limit: int) -> Sequence[Root]:
        if not self._roots or after == 0 or self._roots[-1].row <= after:
            found = await self._aside.ask("HGETALL", f"{self._prefix}roots")
            told = sorted((int(row), orjson.loads(text)) for row, text in found.items())
            self._roots = [Root(row, Url(url), Url(seed) if seed else None) for row, (url, seed) in told]
        return [root for root in self._roots if root.row > after][:limit]

    async def linking(self, rows: Sequence[int], left_out: int) -> Sequence[Linking]:
        for shard in sorted({shard_of_row(row) for row in rows}):
            await self.follow(shard)
        return await self._mirror.linking(rows, left_out)

    async def ask(self, question: Callable[[Look], T]) -> T:
        """Returns the answer of `question`. Reads the logs of all shards, as far as they were not read before."""
        for shard in range(self.cut.shards):
            await self.follow(shard)
        standing = await self.standing()
        notes = {f"{NOTE}{name}": value for name, value in standing.notes.items()}
        await self._mirror.keep({**notes, "settled": standing.settled, "positions": standing.positions})
        return await self._mirror.ask(question)

    async def is_finished(self) -> bool:
        return bool(await self._call("is_finished"))

    # -- logs --------------------------------------------------------------------------------------------------------

    async def _follow_held(self, member: Membership, hold: Hold) -> None:
        """Brings the tables of a shard that is held to the end of its log."""
        written = self._written[hold]
        if self._read.get(hold) == written:
            return
        await self.follow(hold.shard, is_held=hold in self._read)
        self._read[hold] = written
        told = self._mirror.followed(hold.shard)
        if told.bytes > max(LEAST_COPIED, BYTES_A_ROW * told.rows):
            await self._link.work(lambda client: self._copy(client, member, hold))

    async def follow(self, shard: int, *, is_held: bool = False) -> None:
        """Brings the tables of a shard to the end of its log, as far as it is now."""
        async with self._following:
            while await self._link.work(lambda client: self._follow(client, shard, is_held)):
                pass
            await self._mirror.finish(shard)

    async def _follow(self, client: Any, shard: int, is_held: bool) -> bool:
        """Reads a part of a log; returns whether there is more."""
        told = self._mirror.followed(shard)
        known = (told.cut, told.entries, told.stamp, ENTRIES_AT_ONCE, BYTES_AT_ONCE)
        cut, start, length, entries = await run(client, "read", self._prefix, shard, *known)
        if start < 0 or (cut.decode() != told.cut and told.entries):
            if is_held:
                raise Fenced(ROLLED_BACK)
            await self._mirror.renew(shard, cut.decode())
            return True
        if cut.decode() != told.cut:
            await self._mirror.renew(shard, cut.decode())
        await self._mirror.take(shard, entries)
        return int(start) + len(entries) < int(length)

    async def _copy(self, client: Any, member: Membership, hold: Hold) -> None:
        """Puts a copy in place of a log. Meanwhile this node commits nothing, and nobody else writes to the log."""
        told = self._mirror.followed(hold.shard)
        if self._read.get(hold) != self._written[hold]:
            return
        entries = await self._mirror.copy(hold.shard, Stamp(member.incarnation, self._commits[member.incarnation]))
        who = (member.incarnation, hold.shard, hold.epoch)
        for number, entry in enumerate(entries):
            await run(client, "copy", self._prefix, *who, "more" if number else "first", 0, entry)
        if await run(client, "copy", self._prefix, *who, "last", told.entries):
            cut = await client.execute_command("HGET", f"{self._prefix}cut", hold.shard)
            told.begin_anew(cut.decode(), entries)

    # -- for commits -------------------------------------------------------------------------------------------------

    @property
    def prefix(self) -> str:
        return self._prefix

    @property
    def mirror(self) -> Mirror:
        return self._mirror

    def now(self) -> str:
        return self._clock()

    def begin_commit(self, life: int) -> int:
        """Returns how many commits a life has made."""
        if life not in self._commits:
            raise FrontierError("this node did not join here")
        return self._commits[life]

    def is_limited(self, life: int) -> bool:
        return life in self._limited

    def note_commit(self, life: int, batch: Commit) -> None:
        """Notes a commit that is made."""
        self._commits[life] += 1
        self._written.update([hold for hold, _ in batch.changes])

    async def seize(self, member: Membership, shards: Sequence[int]) -> list[Hold]:
        """Takes shards, whoever holds them."""
        epochs = await self._call("seize", member.incarnation, *shards)
        return [Hold(shard, int(epoch)) for shard, epoch in zip(shards, epochs, strict=True)]

    async def _call(self, name: str, *words: object) -> Any:
        return await self._aside.call(name, self._prefix, *words, now=self._clock())


class _Loss(NamedTuple):
    """The loss of a node's files."""

    lives: Sequence[int]
    void: Sequence[tuple[bytes, int]]


class _Committing:
    """One commit. It may be sent several times, until it is known to have been made once."""

    def __init__(self, backend: RedisBackend, life: int, batch: Commit, loss: _Loss) -> None:
        self._backend = backend
        self._life = life
        self._batch = batch
        self._loss = loss
        self._words: list[bytes] | None = None

    async def make(self, client: Any) -> None:
        backend = self._backend
        if self._words is None:
            stamp = Stamp(self._life, backend.begin_commit(self._life))
            document, blobs = commit_words(
                self._batch, stamp, backend.mirror.setting, backend.cut, backend.key, self._loss.void
            )
            document |= {"limited": backend.is_limited(self._life), "lost": list(map(str, self._loss.lives))}
            self._words = [orjson.dumps(document), *blobs]
        await run(client, "commit", backend.prefix, *self._words, now=backend.now())
        backend.note_commit(self._life, self._batch)


async def _nothing(client: Any) -> None:
    """Does nothing: when it is done, all that was asked before is."""
