"""Keeps the lives of nodes: who holds which shards, and which pages and addresses are allowed to whom.

All times are the server's. Beats of one crawl that share out pages or addresses go one after another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from ...frontier.backend import Beat, Fenced, Hold, Wish
from ...standing import Instructions

_LIVES = "NOT is_over AND lives_until > crawld.clock()"
_DEAD = f"NOT EXISTS (SELECT 1 FROM crawld.node n WHERE n.id = s.node AND {_LIVES})"
_TAKE = f"""
UPDATE crawld.shard SET node = $1, epoch = epoch + 1 WHERE id IN (
    SELECT id FROM crawld.shard s WHERE id = ANY($2::int4[]) AND (node IS NULL OR {_DEAD})
    ORDER BY id FOR UPDATE SKIP LOCKED
)
"""
_FREE = """
UPDATE crawld.shard s SET node = NULL FROM unnest($2::int4[], $3::int8[]) AS o(id, epoch)
WHERE s.id = o.id AND s.epoch = o.epoch AND s.node = $1
"""
_LEFT = f"""
SELECT $2::int8 - coalesce(sum(fetched), 0)::int8 - coalesce(sum(pages) FILTER (WHERE id <> $3 AND {_LIVES}), 0)::int8
FROM crawld.node WHERE crawl = $1
"""
_OTHERS = f"""
SELECT ip, sum(slots)::int8 AS slots FROM crawld.address a JOIN crawld.node n ON n.id = a.node
WHERE a.crawl = $1 AND ip = ANY($2::text[]) AND n.id <> $3 AND {_LIVES} GROUP BY ip
"""
_WANTED = f"""
SELECT DISTINCT a.ip FROM crawld.address a JOIN crawld.node n ON n.id = a.node AND {_LIVES}
JOIN crawld.address mine ON mine.crawl = a.crawl AND mine.ip = a.ip AND mine.node = $2 AND mine.slots > 0
WHERE a.crawl = $1 AND a.node <> $2 AND a.wanted > a.slots
"""


_FETCHED = "SELECT coalesce(sum(fetched), 0)::int8 FROM crawld.node WHERE crawl = $1"
_OWNER = """
SELECT c.control, i.version, i.text FROM crawld.crawl c LEFT JOIN LATERAL (
    SELECT version, text FROM crawld.instruction WHERE crawl = c.id AND version > $2 ORDER BY version DESC LIMIT 1
) i ON true WHERE c.id = $1
"""


class Life(NamedTuple):
    """A life of a node."""

    crawl: int
    node: int
    ttl_s: float
    shards: Sequence[int]
    """The ids of the crawl's shards, by their numbers."""


async def begin(asked: Any, crawl: int, name: str, ttl_s: float) -> int:
    """Begins a life of a node and returns its number; an earlier life of the same name ends."""
    await end(asked, crawl, name)
    statement = """
        INSERT INTO crawld.node (crawl, name, lives_until)
        VALUES ($1, $2, crawld.clock() + $3 * interval '1 second') RETURNING id
    """
    return int(await asked.fetchval(statement, crawl, name, ttl_s))


async def end(asked: Any, crawl: int, name: str) -> None:
    """Ends the life of a node, if there is one."""
    for row in await asked.fetch(
        "SELECT id FROM crawld.node WHERE crawl = $1 AND name = $2 AND NOT is_over", crawl, name
    ):
        await bury(asked, row["id"])


async def bury(asked: Any, node: int) -> None:
    """Frees all that a life had: shards, pages, addresses, open claims. Waits for a transaction of it that is open."""
    await asked.execute("UPDATE crawld.shard SET node = NULL WHERE node = $1", node)
    await asked.execute("DELETE FROM crawld.address WHERE node = $1", node)
    await asked.execute("DELETE FROM crawld.content WHERE node = $1", node)
    await asked.execute("UPDATE crawld.node SET is_over = true, pages = 0 WHERE id = $1", node)


async def beat(asked: Any, life: Life, wish: Wish) -> Beat:
    """Renews a life and grants what can be granted of its wish. Raises Fenced if the life has ended."""
    crawl, node = life.crawl, life.node
    if wish.limit is not None or wish.addresses:
        await asked.execute("SELECT 1 FROM crawld.crawl WHERE id = $1 FOR UPDATE", crawl)
    row = await asked.fetchrow(
        "UPDATE crawld.node SET beat_at = crawld.clock(), lives_until = crawld.clock() + $2 * interval '1 second'"
        " WHERE id = $1 AND NOT is_over RETURNING drains",
        node, life.ttl_s,
    )  # fmt: skip
    if row is None:
        raise Fenced("this node was taken for dead: its shards may have another holder by now")
    if wish.free:
        ids, epochs = [life.shards[hold.shard] for hold in wish.free], [hold.epoch for hold in wish.free]
        await asked.execute(_FREE, node, ids, epochs)
    if wish.take:
        await asked.execute(_TAKE, node, [life.shards[shard] for shard in wish.take])
    held = await asked.fetch("SELECT number, epoch FROM crawld.shard WHERE node = $1 ORDER BY number", node)
    owner = await asked.fetchrow(_OWNER, crawl, wish.version)
    names = await asked.fetch(f"SELECT name FROM crawld.node WHERE crawl = $1 AND {_LIVES} ORDER BY name", crawl)
    return Beat(
        nodes=[row["name"] for row in names],
        held=[Hold(row["number"], row["epoch"]) for row in held],
        control="stop" if row["drains"] else owner["control"],
        settled=await settled(asked, crawl),
        fetched=await asked.fetchval(_FETCHED, crawl),
        pages=await _allow_pages(asked, life, wish),
        addresses=await _allow_slots(asked, life, wish),
        wanted=[row["ip"] for row in await asked.fetch(_WANTED, crawl, node)] if wish.addresses else (),
        instructions=Instructions.unpack(owner["version"], owner["text"]) if owner["version"] else None,
    )


async def settled(asked: Any, crawl: int) -> dict[str, int]:
    """Returns the final visits of a crawl, by disposition."""
    total: Counter[str] = Counter()
    for row in await asked.fetch("SELECT settled FROM crawld.node WHERE crawl = $1", crawl):
        total.update(orjson.loads(row["settled"]))
    return {name: number for name, number in total.items() if number}


async def _allow_pages(asked: Any, life: Life, wish: Wish) -> int:
    if wish.limit is None:
        return 0
    dead = "crawl = $1 AND pages > 0 AND lives_until <= crawld.clock()"
    await asked.execute(
        f"UPDATE crawld.node SET pages = 0 WHERE {dead}", life.crawl
    )  # they cannot commit these any more
    left = await asked.fetchval(_LEFT, life.crawl, wish.limit, life.node)
    allowed = max(0, min(wish.pages, int(left)))
    await asked.execute("UPDATE crawld.node SET pages = $2 WHERE id = $1", life.node, allowed)
    return allowed


async def _allow_slots(asked: Any, life: Life, wish: Wish) -> dict[str, int]:
    """Shares out the addresses of the wish; those that are not in it any more are given back."""
    crawl, node, wanted = life.crawl, life.node, wish.addresses
    await asked.execute("DELETE FROM crawld.address WHERE node = $1 AND NOT ip = ANY($2::text[])", node, list(wanted))
    if not wanted:
        return {}
    others = {row["ip"]: row["slots"] for row in await asked.fetch(_OTHERS, crawl, list(wanted), node)}
    allowed = {ip: max(0, min(number, wish.per_address - others.get(ip, 0))) for ip, number in wanted.items()}
    await asked.execute(
        "INSERT INTO crawld.address SELECT $1, o.ip, $2, o.slots, o.wanted"
        " FROM unnest($3::text[], $4::int4[], $5::int4[]) AS o(ip, slots, wanted)"
        " ON CONFLICT (crawl, ip, node) DO UPDATE SET slots = excluded.slots, wanted = excluded.wanted",
        crawl, node, list(allowed), list(allowed.values()), list(wanted.values()),
    )  # fmt: skip
    return allowed
