"""The backend in a PostgreSQL database, for nodes on any number of machines."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

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
from ...frontier.terms import Terms
from ...frontier_protocols import Look
from ...model import Url, make_crawl_id
from ...standing import Linking, Root
from ..engines import CrawlRow
from . import lives
from .columns import Columns, dumps
from .link import Link
from .look import PostgresLook, read_linking, read_roots
from .reader import ShardReader as Reader

T = TypeVar("T")

LIVES_TO_ANSWER = 2.0
"""A node that got no answer for so many lives was taken for dead anyway: its connection leads nowhere."""
LEAST_ANSWER_S = 5.0
PATIENCE_S = 120.0
"""How long a server may be away: longer than several lives without a beat, for then all nodes are in the same boat."""

_FENCE = """
UPDATE crawld.shard s SET queued = s.queued + o.queued, known = s.known + o.known
FROM unnest($2::int4[], $3::int8[], $4::int8[], $5::int8[]) AS o(id, epoch, queued, known)
WHERE s.id = o.id AND s.epoch = o.epoch AND s.node = $1
"""
_COUNT = """
UPDATE crawld.node SET commits = commits + 1, settled = $2, fetched = fetched + $3, pages = pages - greatest($3, 0)
WHERE id = $1 AND NOT is_over AND ($3 <= 0 OR NOT $4 OR pages >= $3)
"""
_CLAIM = """
INSERT INTO crawld.content AS c VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (crawl, digest) DO UPDATE SET id = excluded.id, url = excluded.url, node = excluded.node
WHERE CASE WHEN c.node IS NULL THEN c.id <> excluded.id AND NOT EXISTS (
    SELECT 1 FROM crawld.visit v JOIN crawld.shard s ON s.crawl = $1 AND s.number = c.id >> 28
    WHERE v.shard = s.id AND v.id = c.id AND v.digest = $2
) ELSE c.id = excluded.id OR NOT EXISTS (
    SELECT 1 FROM crawld.node n WHERE n.id = c.node AND NOT n.is_over AND n.lives_until > crawld.clock()
) END
"""
IS_FINISHED = """
SELECT NOT EXISTS (SELECT 1 FROM crawld.shard WHERE crawl = $1 AND queued > 0)
    AND NOT EXISTS (
        SELECT 1 FROM crawld.retry r JOIN crawld.shard s ON s.id = r.shard WHERE s.crawl = $1 AND r.due IS NOT NULL
    )
    AND NOT EXISTS (SELECT 1 FROM crawld.inbox i JOIN crawld.shard s ON s.id = i.shard WHERE s.crawl = $1)
"""


@asynccontextmanager
async def open_backend(url: str, crawl: CrawlRow, *, ttl_s: float) -> AsyncIterator[PostgresBackend]:
    """Opens a crawl of an engine that is there. Raises ConfigError, FrontierError."""
    answer_s = max(LEAST_ANSWER_S, LIVES_TO_ANSWER * ttl_s)
    links = (Link(url, PATIENCE_S, answer_s), Link(url, PATIENCE_S, answer_s))
    backend = PostgresBackend(*links, crawl, ttl_s)
    try:
        await backend.open()
        yield backend
    finally:
        with CancelScope(shield=True):
            await backend.close()


class PostgresBackend:
    """A `Backend` over two connections: one for commits and what is read between them, one for beats and claims."""

    def __init__(self, link: Link, aside: Link, crawl: CrawlRow, ttl_s: float) -> None:
        self._link = link
        self._aside = aside
        self._crawl = crawl
        self._ttl_s = ttl_s
        self._shards: list[int] = []
        """The ids of the crawl's shards, by their numbers."""
        self._readers: dict[Hold, Reader] = {}
        self._settled: dict[int, dict[str, int]] = {}
        """By life: its part of the final visits."""
        self._commits: dict[int, int] = {}
        """By life: how many transactions it made."""
        self._limited: set[int] = set()
        """Lives that may fetch only the pages that they are allowed."""
        self.cut: Cut = Cut(crawl.shards, crawl.key)
        self.key: bytes = crawl.key

    async def open(self) -> None:
        await self._link.open()
        await self._aside.open()
        rows = await self._link.fetch(
            "SELECT id FROM crawld.shard WHERE crawl = $1 ORDER BY number", self._crawl.number
        )
        self._shards = [row["id"] for row in rows]

    async def close(self) -> None:
        await self._link.close()
        await self._aside.close()

    # -- lives -------------------------------------------------------------------------------------------------------

    async def join(self, node: str, terms: Terms) -> Membership:
        number = await self._aside.transact(lambda asked: lives.begin(asked, self._crawl.number, node, self._ttl_s))
        self._settled[number], self._commits[number] = {}, 0
        return Membership(node, number, make_crawl_id(self.key), self.key, self.cut, self._ttl_s)

    async def beat(self, member: Membership, wish: Wish) -> Beat:
        if wish.limit is not None:
            self._limited.add(member.incarnation)
        life = lives.Life(self._crawl.number, member.incarnation, self._ttl_s, self._shards)
        if wish.free:  # what was written to these shards before is stored before they are free
            await asyncio.sleep(0)
            await self._link.work(_nothing)
        beat = await self._aside.transact(lambda asked: lives.beat(asked, life, wish))
        kept = {hold for hold in self._readers if hold in beat.held}
        for hold in set(self._readers) - kept:
            del self._readers[hold]
        return beat

    async def leave(self, member: Membership) -> None:
        await self._link.work(_nothing)  # all commits before are made
        await self._aside.transact(lambda asked: lives.bury(asked, member.incarnation))

    async def forget(self, node: str) -> None:
        await self._aside.transact(lambda asked: lives.end(asked, self._crawl.number, node))

    # -- shards ------------------------------------------------------------------------------------------------------

    def reader(self, member: Membership, hold: Hold) -> ShardReader:
        return self.reader_of(hold)

    async def commit(self, member: Membership, batch: Commit) -> None:
        """Stores a batch durably, as one transaction. Raises Fenced if a shard of it is not held under its epoch."""
        await asyncio.shield(self.submit(member, batch))

    def submit(self, member: Membership, batch: Commit) -> Future[None]:
        """Stores a batch as `commit` does; it is under way when this returns."""
        return self._link.submit(_Committing(self, member.incarnation, batch).make)

    async def inbox(self, shards: Sequence[int], limit: int) -> Sequence[Message]:
        numbers = {self._shards[shard]: shard for shard in shards}
        rows = await self._aside.fetch(
            "SELECT id, shard, data FROM crawld.inbox WHERE shard = ANY($1::int4[]) ORDER BY id LIMIT $2",
            list(numbers), limit,
        )  # fmt: skip
        return [Message(numbers[row["shard"]], row["data"], row["id"]) for row in rows]

    async def inboxes(self) -> Mapping[int, int]:
        rows = await self._aside.fetch(
            "SELECT s.number, count(*) AS n FROM crawld.inbox i JOIN crawld.shard s ON s.id = i.shard"
            " WHERE s.crawl = $1 GROUP BY 1",
            self._crawl.number,
        )
        return {row["number"]: row["n"] for row in rows}

    async def claim(self, member: Membership, claims: Sequence[ContentClaim]) -> Sequence[Url]:
        return await self._aside.transact(lambda asked: self._claim(asked, member.incarnation, claims))

    async def _claim(self, asked: Any, node: int, claims: Sequence[ContentClaim]) -> list[Url]:
        crawl, found = self._crawl.number, list[Url]()
        for one in sorted(claims, key=lambda one: one.digest):  # in one order everywhere: no two wait for each other
            await asked.execute(
                "DELETE FROM crawld.content WHERE node = $1 AND id = $2 AND digest <> $3", node, one.row, one.digest
            )
            await asked.execute(_CLAIM, crawl, one.digest, one.row, one.url.text, node)
        for one in claims:
            row = await asked.fetchrow(
                "SELECT id, url FROM crawld.content WHERE crawl = $1 AND digest = $2", crawl, one.digest
            )
            found.append(one.url if row is None or row["id"] == one.row else Url(row["url"]))
        return found

    # -- the whole crawl ---------------------------------------------------------------------------------------------

    async def standing(self) -> Standing:
        crawl = self._crawl.number
        notes = await self._aside.fetch("SELECT name, value FROM crawld.remark WHERE crawl = $1", crawl)
        positions = await self._aside.fetch("SELECT sink, value FROM crawld.position WHERE crawl = $1", crawl)
        settled = await self._aside.transact(lambda asked: lives.settled(asked, crawl))
        fetched = await self._aside.value(
            "SELECT coalesce(sum(fetched), 0)::int8 FROM crawld.node WHERE crawl = $1", crawl
        )
        return Standing(
            {row["name"]: orjson.loads(row["value"]) for row in notes},
            {row["sink"]: orjson.loads(row["value"]) for row in positions},
            settled,
            fetched,
        )

    async def roots(self, after: int, limit: int) -> Sequence[Root]:
        return await read_roots(self._aside, self._crawl.number, after, limit)

    async def linking(self, rows: Sequence[int], left_out: int) -> Sequence[Linking]:
        return await read_linking(self._aside, lambda row: self._shards[shard_of_row(row)], rows, left_out)

    async def ask(self, question: Callable[[Look], T]) -> T:
        crawl, loop = self._crawl.number, asyncio.get_running_loop()
        look = PostgresLook(loop, self._aside, crawl, self._shards, self.cut, self.key)
        return await asyncio.to_thread(question, look)

    async def is_finished(self) -> bool:
        return bool(await self._aside.value(IS_FINISHED, self._crawl.number))

    # -- for commits -------------------------------------------------------------------------------------------------

    def reader_of(self, hold: Hold) -> Reader:
        """Returns the reader of a shard that is held."""
        reader = self._readers.get(hold)
        if reader is None:
            reader = self._readers[hold] = Reader(self._link, self._shards[hold.shard], hold, self.cut, self.key)
        return reader

    def shard(self, number: int) -> int:
        return self._shards[number]

    @property
    def crawl(self) -> int:
        return self._crawl.number

    def begin_commit(self, node: int) -> int:
        """Returns how many transactions a life has made."""
        if node not in self._commits:
            raise FrontierError("this node did not join here")
        return self._commits[node]

    def settled_with(self, node: int, grown: Mapping[str, int]) -> dict[str, int]:
        """Returns a life's part of the final visits, with these."""
        told = dict(self._settled[node])
        for name, number in grown.items():
            told[str(name)] = told.get(str(name), 0) + number
        return {name: number for name, number in told.items() if number}

    def note_commit(self, node: int, settled: dict[str, int]) -> None:
        self._commits[node] += 1
        self._settled[node] = settled

    def is_limited(self, node: int) -> bool:
        return node in self._limited


class _Committing:
    """One commit. It may be made several times, until it is known to have been made once."""

    def __init__(self, backend: PostgresBackend, node: int, batch: Commit) -> None:
        self._backend = backend
        self._node = node
        self._batch = batch
        self._rounds: Sequence[Columns] | None = None
        """The rows to write: in each round at most one change of a shard."""

    async def make(self, connection: Any) -> None:
        backend, node = self._backend, self._node
        made = backend.begin_commit(node)
        settled = backend.settled_with(node, self._batch.settled)
        async with connection.transaction():
            await self._fence(connection)
            if await self._read_commits(connection) == made:
                await self._write(connection, settled)
        backend.note_commit(node, settled)

    async def _read_commits(self, connection: Any) -> int:
        """Returns how many transactions the life has made. Waits for one that a broken connection left behind."""
        lock = "" if self._holds() else " FOR UPDATE"
        made = await connection.fetchval(
            f"SELECT commits FROM crawld.node WHERE id = $1 AND NOT is_over{lock}", self._node
        )
        if made is None:
            raise Fenced("this node was taken for dead: its shards may have another holder by now")
        return int(made)

    def _holds(self) -> list[Hold]:
        return sorted({*(hold for hold, _ in self._batch.changes), *self._batch.holds})

    async def _fence(self, connection: Any) -> None:
        """Raises Fenced unless all shards are held. Until the end of the transaction nobody can take them."""
        queued, known = Counter[Hold](), Counter[Hold]()
        for hold, change in self._batch.changes:
            queued[hold] += sum(site.queued for site in change.sites.values())
            known[hold] += sum(map(len, change.families))
        rows = [(self._backend.shard(hold.shard), hold.epoch, queued[hold], known[hold]) for hold in self._holds()]
        if not rows:
            return
        columns = [list(column) for column in zip(*rows, strict=True)]
        said = await connection.execute(_FENCE, self._node, *columns)
        if said != f"UPDATE {len(rows)}":
            raise Fenced("a shard has another holder by now: nothing of this was stored")

    async def _write(self, connection: Any, settled: Mapping[str, int]) -> None:
        batch, backend = self._batch, self._backend
        if self._rounds is None:  # the index of a shard takes a change in once
            self._rounds = await self._fill(connection)
        for columns in self._rounds:
            await columns.copy(connection)
            for statement, arguments in columns.statements():
                await connection.execute(statement, *arguments)
        await self._write_messages(connection)
        await self._write_totals(connection)
        said = await connection.execute(_COUNT, self._node, dumps(settled), batch.pages, backend.is_limited(self._node))
        if said != "UPDATE 1":
            raise Fenced("this node may fetch no more pages: it was silent for too long")

    async def _fill(self, connection: Any) -> list[Columns]:
        rounds: list[Columns] = []
        number: Counter[Hold] = Counter()
        for hold, change in self._batch.changes:
            if number[hold] == len(rounds):
                rounds.append(Columns())
            place = await self._backend.reader_of(hold).find_place(connection)
            rounds[number[hold]].fill(place, change, self._node)
            number[hold] += 1
        return rounds

    async def _write_messages(self, connection: Any) -> None:
        batch, backend = self._batch, self._backend
        if batch.messages:
            await connection.execute(
                "INSERT INTO crawld.inbox (shard, data) SELECT * FROM unnest($1::int4[], $2::bytea[])",
                [backend.shard(one.shard) for one in batch.messages], [one.data for one in batch.messages],
            )  # fmt: skip
        if batch.consumed:
            numbers = [one.number for one in batch.consumed]
            await connection.execute("DELETE FROM crawld.inbox WHERE id = ANY($1::int8[])", numbers)

    async def _write_totals(self, connection: Any) -> None:
        batch, crawl = self._batch, self._backend.crawl
        if batch.claimed:
            await connection.execute(
                "UPDATE crawld.content SET node = NULL WHERE node = $1 AND id = ANY($2::int8[])",
                self._node, list(batch.claimed),
            )  # fmt: skip
        if batch.unclaimed:
            await connection.execute(
                "DELETE FROM crawld.content WHERE node = $1 AND id = ANY($2::int8[])", self._node, list(batch.unclaimed)
            )
        await _keep(connection, "position", "sink", crawl, batch.positions.items())
        if batch.forgotten:
            gone = "DELETE FROM crawld.position WHERE crawl = $1 AND sink = ANY($2::text[])"
            await connection.execute(gone, crawl, list(batch.forgotten))
        notes = {name: value for _, change in batch.changes for name, value in change.notes.items()}
        await _keep(connection, "remark", "name", crawl, [*notes.items(), *batch.notes.items()])


async def _keep(connection: Any, table: str, name: str, crawl: int, values: Iterable[tuple[str, object]]) -> None:
    """Keeps values by name."""
    rows = [(name, dumps(value)) for name, value in values]
    if rows:
        await connection.execute(
            f"INSERT INTO crawld.{table} SELECT $1, * FROM unnest($2::text[], $3::text[])"
            f" ON CONFLICT (crawl, {name}) DO UPDATE SET value = excluded.value",
            crawl, [name for name, _ in rows], [value for _, value in rows],
        )  # fmt: skip


async def _nothing(connection: Any) -> None:
    """Does nothing: when it is done, all that was asked before is."""
