"""The crawls of an engine: made once, found by name, told apart from others of the same name."""

from __future__ import annotations

import secrets
from typing import Any

import asyncpg

from ...errors import FrontierError
from ...settings.loading import project_version
from .backend import CrawlRow
from .link import Link
from .schema import LAYOUT, LOCK, TABLES

KEY_BYTES = 16


async def make_engine(link: Link) -> None:
    """Makes the tables of an engine where there are none. Raises FrontierError for tables of another crawld."""
    await link.transact(lambda asked: _make_tables(asked, link.place))


async def _make_tables(asked: Any, place: str) -> None:
    await asked.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    if await asked.fetchval("SELECT to_regclass('crawld.engine')") is None:
        await asked.execute(TABLES.format(version=project_version()))
        return
    try:
        layout, version = await asked.fetchrow("SELECT layout, version FROM crawld.engine")
    except asyncpg.UndefinedColumnError:
        raise FrontierError(
            f"{place} has a schema `crawld` of another program: give the engine a database of its own"
        ) from None
    if layout != LAYOUT:
        raise FrontierError(
            f"{place} has the tables of crawld {version} (layout {layout}), and this is layout {LAYOUT}: use that"
            " version on all nodes, or another database"
        )


async def find_crawl(link: Link, name: str) -> CrawlRow | None:
    """Returns the crawl of this name; None: there is none."""
    rows = await link.fetch("SELECT id, name, key, shards FROM crawld.crawl WHERE name = $1", name)
    return CrawlRow(*rows[0]) if rows else None


async def make_crawl(link: Link, name: str, shards: int, settings: str = "{}", key: bytes | None = None) -> CrawlRow:
    """Returns the crawl of this name, made if there is none."""

    async def make(asked: Any) -> None:
        number = await asked.fetchval(
            "INSERT INTO crawld.crawl (name, key, shards, settings) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT DO NOTHING RETURNING id",
            name, key or secrets.token_bytes(KEY_BYTES), shards, settings,
        )  # fmt: skip
        if number is not None:
            await asked.execute(
                "INSERT INTO crawld.shard (crawl, number) SELECT $1, n FROM generate_series(0, $2 - 1) AS n",
                number, shards,
            )  # fmt: skip

    await link.transact(make)
    found = await find_crawl(link, name)
    assert found is not None
    return found
