"""One engine in PostgreSQL: its crawls by name, and their nodes."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import orjson
from anyio import CancelScope

from ...errors import FrontierError
from ...model import Position
from ...proof import HistoryEvent, SettingChange
from ...settings.loading import project_version
from ...standing import CrawlStanding, Instructions, Paper
from ..engines import CrawlRow, NodeRow
from . import lives, losses
from .backend import IS_FINISHED, PostgresBackend, open_backend
from .link import Link
from .schema import LAYOUT, LOCK, TABLES

KEY_BYTES = 16
PAUSE_S = 0.1
PATIENCE_S = 0.0
"""A command that looks or changes a little waits for no server."""


class PostgresEngine:
    """An engine that is there."""

    def __init__(self, url: str, link: Link) -> None:
        self._url = url
        self._link = link
        self.place: str = link.place

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[PostgresEngine]:
        """Opens the engine in a database; makes its tables where there are none. Raises ConfigError, FrontierError."""
        link = Link(url, PATIENCE_S)
        try:
            await link.open()
            await make_engine(link)
            yield cls(url, link)
        finally:
            with CancelScope(shield=True):
                await link.close()

    async def check_safety(self, durability: str) -> None:
        """Does nothing: the server keeps what it said that it would, whatever a crawl has to survive."""

    async def find_crawl(self, name: str) -> CrawlRow | None:
        """Returns the crawl of this name; None: there is none."""
        return await find_crawl(self._link, name)

    async def make_crawl(self, name: str, shards: int) -> CrawlRow:
        """Returns the crawl of this name, made if there is none."""
        return await make_crawl(self._link, name, shards)

    def open_backend(self, crawl: CrawlRow, *, ttl_s: float) -> AbstractAsyncContextManager[PostgresBackend]:
        return open_backend(self._url, crawl, ttl_s=ttl_s)

    async def agree(self, crawl: CrawlRow, settings: str, seeds: str) -> tuple[str, str]:
        """Keeps the settings and the seeds of a crawl, if nobody did before; returns those that are kept."""
        statement = "UPDATE crawld.crawl SET settings = $2, seeds = $3 WHERE id = $1 AND settings = ''"
        await self._link.fetch(statement, crawl.number, settings, seeds)
        [row] = await self._link.fetch("SELECT settings, seeds FROM crawld.crawl WHERE id = $1", crawl.number)
        return row["settings"], row["seeds"]

    async def crawls(self) -> Sequence[str]:
        """Returns the names of all crawls, in the order in which they were made."""
        return [row["name"] for row in await self._link.fetch("SELECT name FROM crawld.crawl ORDER BY id")]

    async def standings(self, name: str = "") -> Sequence[CrawlStanding]:
        """Returns where all crawls stand whose settings are agreed, or the one of this name, in the order of making."""
        rows = await self._link.fetch(_STANDINGS, name)
        settled: dict[int, Counter[str]] = {}
        parts = "SELECT crawl, settled FROM crawld.node WHERE crawl = ANY($1::int4[])"
        for row in await self._link.fetch(parts, [row["id"] for row in rows]):
            settled.setdefault(row["crawl"], Counter()).update(orjson.loads(row["settled"]))
        return [_standing(row, settled.get(row["id"], {})) for row in rows]

    async def mark_seeded(self, crawl: CrawlRow) -> None:
        """Notes that all seeds are stored, once those that are on their way now have come to their shards."""
        last = await self._link.value(_LAST_MESSAGE, crawl.number)
        while True:
            are_under_way = await self._link.value(_EARLIER_MESSAGES, crawl.number, last or 0)
            if not are_under_way:
                break
            await asyncio.sleep(PAUSE_S)
        await self._link.fetch("UPDATE crawld.crawl SET is_seeded = true WHERE id = $1", crawl.number)

    async def nodes(self, crawl: CrawlRow) -> Sequence[NodeRow]:
        """Returns the nodes of a crawl, by name."""
        rows = await self._link.fetch(_NODES, crawl.number)
        settled: dict[str, dict[str, int]] = {}
        for row in rows:
            told = settled.setdefault(row["name"], {})
            for name, number in orjson.loads(row["settled"]).items():
                told[name] = told.get(name, 0) + number
        last = {row["name"]: row for row in rows}
        return [
            NodeRow(
                name, row["is_alive"], row["joined_at"].timestamp(), row["beat_s"], row["held"], settled[name],
                row["drains"],
            ) for name, row in sorted(last.items())
        ]  # fmt: skip

    async def positions(self, crawl: CrawlRow) -> Mapping[str, Position]:
        """Returns what the outputs of all nodes had durably written, by `position_of`."""
        rows = await self._link.fetch("SELECT sink, value FROM crawld.position WHERE crawl = $1", crawl.number)
        return {row["sink"]: orjson.loads(row["value"]) for row in rows}

    async def settled(self, crawl: CrawlRow) -> Mapping[str, int]:
        """Returns the final visits of a crawl, by disposition."""
        return await self._link.transact(lambda asked: lives.settled(asked, crawl.number))

    async def is_finished(self, crawl: CrawlRow) -> bool:
        """Returns whether nothing is left to do."""
        return bool(await self._link.value(IS_FINISHED, crawl.number))

    async def instructions(self, crawl: CrawlRow) -> Instructions:
        """Returns what its owner asks of all nodes, those that join later included."""
        rows = await self._link.fetch(_INSTRUCTIONS, crawl.number)
        return Instructions.unpack(rows[0]["version"], rows[0]["text"]) if rows else Instructions()

    async def instruct(
        self, crawl: CrawlRow, wanted: Instructions, changes: Sequence[SettingChange], control: str = ""
    ) -> bool:
        """Keeps instructions of the next version, with what they change, and the word for all nodes if there is one.

        Returns False if somebody else was faster with that version: then nothing is kept.
        """

        async def keep(asked: Any) -> bool:
            told = orjson.dumps([one._asdict() for one in changes], default=str).decode()
            text = wanted.pack()
            if await asked.fetchval(_INSTRUCT, crawl.number, wanted.version, wanted.who, text, told) is None:
                return False
            if control:
                await asked.execute("UPDATE crawld.crawl SET control = $2 WHERE id = $1", crawl.number, control)
            return True

        return await self._link.transact(keep)

    async def history(self, crawl: CrawlRow) -> Sequence[HistoryEvent]:
        """Returns what was asked of all nodes, in order: when, by whom, old and new."""
        rows = await self._link.fetch(_HISTORY, crawl.number)
        return [
            HistoryEvent(row["at"].timestamp(), "change", row["who"], {},
                         tuple(SettingChange(**one) for one in orjson.loads(row["changes"])))
            for row in rows
        ]  # fmt: skip

    async def now(self) -> float:
        """Returns the server's time (Unix seconds)."""
        return float(await self._link.value("SELECT extract(epoch FROM crawld.clock())::float8"))

    async def papers(self, prefix: str) -> Mapping[str, Paper]:
        """Returns the texts of control planes whose names begin so."""
        rows = await self._link.fetch("SELECT * FROM crawld.paper WHERE starts_with(name, $1) ORDER BY name", prefix)
        return {row["name"]: Paper(row["version"], row["text"]) for row in rows}

    async def keep_paper(self, name: str, after: int, text: str | None) -> bool:
        """Keeps or drops a text. Returns False if its version is another one by now."""
        if text is None:
            statement, values = "DELETE FROM crawld.paper WHERE name = $1 AND version = $2 RETURNING 1", [name, after]
        elif after == 0:
            statement = "INSERT INTO crawld.paper VALUES ($1, 1, $2) ON CONFLICT DO NOTHING RETURNING 1"
            values = [name, text]
        else:
            statement = (
                "UPDATE crawld.paper SET version = version + 1, text = $3 WHERE name = $1 AND version = $2 RETURNING 1"
            )
            values = [name, after, text]
        return bool(await self._link.fetch(statement, *values))

    async def forget(self, crawl: CrawlRow, node: str) -> int:
        """Queues again what a lost node visited; returns how many visits. Raises FrontierError if it is alive."""
        return await self._link.transact(lambda asked: losses.forget(asked, crawl.number, node))

    async def drain(self, crawl: CrawlRow, node: str) -> None:
        """Asks a node to finish what it has under way, and to leave."""
        await self._link.fetch(
            "UPDATE crawld.node SET drains = true WHERE crawl = $1 AND name = $2 AND NOT is_over", crawl.number, node
        )


_INSTRUCTIONS = "SELECT version, text FROM crawld.instruction WHERE crawl = $1 ORDER BY version DESC LIMIT 1"
_INSTRUCT = """
INSERT INTO crawld.instruction (crawl, version, who, text, changes) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING version
"""
_HISTORY = "SELECT at, who, changes FROM crawld.instruction WHERE crawl = $1 ORDER BY version"
_LAST_MESSAGE = "SELECT max(i.id) FROM crawld.inbox i JOIN crawld.shard s ON s.id = i.shard WHERE s.crawl = $1"
_EARLIER_MESSAGES = """
SELECT EXISTS (SELECT 1 FROM crawld.inbox i JOIN crawld.shard s ON s.id = i.shard WHERE s.crawl = $1 AND i.id <= $2)
"""
_STANDINGS = f"""
SELECT c.id, c.name, c.settings, c.control, c.is_seeded, c.made_at, i.version, i.text,
    (SELECT coalesce(sum(queued), 0)::int8 FROM crawld.shard WHERE crawl = c.id)
        + (SELECT count(*) FROM crawld.retry r JOIN crawld.shard s ON s.id = r.shard
           WHERE s.crawl = c.id AND r.due IS NOT NULL) AS queued,
    (SELECT coalesce(sum(known), 0)::int8 FROM crawld.shard WHERE crawl = c.id) AS known,
    (SELECT count(*) FROM crawld.node WHERE crawl = c.id AND NOT is_over AND lives_until > crawld.clock()) AS nodes,
    ({IS_FINISHED.replace("$1", "c.id")}) AS is_finished
FROM crawld.crawl c LEFT JOIN LATERAL (
    SELECT version, text FROM crawld.instruction WHERE crawl = c.id ORDER BY version DESC LIMIT 1
) i ON true WHERE c.settings <> '' AND ($1 = '' OR c.name = $1) ORDER BY c.id
"""
_NODES = """
SELECT n.name, NOT n.is_over AND n.lives_until > crawld.clock() AS is_alive, n.joined_at, n.drains, n.settled,
    extract(epoch FROM crawld.clock() - n.beat_at)::float8 AS beat_s,
    (SELECT count(*) FROM crawld.shard s WHERE s.node = n.id) AS held
FROM crawld.node n WHERE n.crawl = $1 ORDER BY n.id
"""


def _standing(row: Any, settled: Mapping[str, int]) -> CrawlStanding:
    said = Instructions.unpack(row["version"], row["text"]) if row["version"] else Instructions()
    return CrawlStanding(
        row["name"], {**orjson.loads(row["settings"]), **said.settings}, row["control"], row["is_seeded"],
        row["is_finished"], row["queued"], row["known"], row["nodes"],
        {word: number for word, number in settled.items() if number}, row["made_at"].timestamp(), said.held,
        said.version,
    )  # fmt: skip


async def make_engine(link: Link) -> None:
    """Makes the tables of an engine where there are none. Raises FrontierError for tables of another crawld."""
    await link.transact(lambda asked: _make_tables(asked, link.place))


async def _make_tables(asked: Any, place: str) -> None:
    await asked.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    if await asked.fetchval("SELECT to_regnamespace('crawld')") is None:
        await asked.execute(TABLES.format(version=project_version()))
        return
    if await asked.fetchval("SELECT to_regclass('crawld.engine')") is None:
        raise FrontierError(f"{place} has a schema `crawld` of another program: give the engine a database of its own")
    layout, version = await asked.fetchrow("SELECT layout, version FROM crawld.engine")
    if layout != LAYOUT:
        raise FrontierError(
            f"{place} has the tables of crawld {version} (layout {layout}), and this is layout {LAYOUT}: use that"
            " version on all nodes, or another database"
        )


async def find_crawl(link: Link, name: str) -> CrawlRow | None:
    """Returns the crawl of this name; None: there is none."""
    rows = await link.fetch("SELECT id, name, key, shards FROM crawld.crawl WHERE name = $1", name)
    return CrawlRow(*rows[0]) if rows else None


async def make_crawl(link: Link, name: str, shards: int) -> CrawlRow:
    """Returns the crawl of this name, made if there is none."""

    async def make(asked: Any) -> None:
        number = await asked.fetchval(
            "INSERT INTO crawld.crawl (name, key, shards, settings) VALUES ($1, $2, $3, '')"
            " ON CONFLICT DO NOTHING RETURNING id",
            name, secrets.token_bytes(KEY_BYTES), shards,
        )  # fmt: skip
        if number is not None:
            await asked.execute(
                "INSERT INTO crawld.shard (crawl, number) SELECT $1, n FROM generate_series(0, $2::int4 - 1) AS n",
                number, shards,
            )  # fmt: skip

    await link.transact(make)
    found = await find_crawl(link, name)
    assert found is not None
    return found
