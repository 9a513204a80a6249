"""Forgets a node whose machine is lost with what it wrote: its visits are queued again, in one transaction.

The shards of these visits get another epoch, so nodes that hold them now join again and read what changed.
"""

from __future__ import annotations

from typing import Any

from ...errors import FrontierError
from . import lives

_LIVES = """
SELECT id, NOT is_over AND lives_until > crawld.clock() AS is_alive FROM crawld.node WHERE crawl = $1 AND name = $2
"""
_FENCE = """
UPDATE crawld.shard SET node = NULL, epoch = epoch + 1
WHERE crawl = $1 AND id IN (SELECT DISTINCT shard FROM crawld.visit WHERE segment = ANY($2::int8[])) RETURNING id
"""
_QUEUE = """
WITH lost AS (
    DELETE FROM crawld.visit WHERE shard = ANY($1::int4[]) AND segment = ANY($2::int8[]) RETURNING shard, id
), queued AS (
    INSERT INTO crawld.back
    SELECT l.shard, f.site, f.rank, l.id FROM lost l CROSS JOIN LATERAL (
        SELECT site, rank FROM crawld.family WHERE shard = l.shard AND first <= l.id ORDER BY first DESC LIMIT 1
    ) f ON CONFLICT DO NOTHING RETURNING shard, site
), sites AS (
    UPDATE crawld.site s SET queued = s.queued + q.n, epoch = 0
    FROM (SELECT shard, site, count(*) AS n FROM queued GROUP BY 1, 2) q WHERE s.shard = q.shard AND s.id = q.site
), shards AS (
    UPDATE crawld.shard s SET queued = s.queued + q.n FROM (SELECT shard, count(*) AS n FROM queued GROUP BY 1) q
    WHERE s.id = q.shard
), claims AS (
    DELETE FROM crawld.content c USING lost l JOIN crawld.shard s ON s.id = l.shard
    WHERE c.crawl = s.crawl AND c.id = l.id AND c.node IS NULL
), schedule AS (
    UPDATE crawld.revisit r SET due = NULL FROM lost l WHERE r.shard = l.shard AND r.id = l.id
)
SELECT count(*) FROM queued
"""
_CLEAR = "UPDATE crawld.node SET settled = '{}', fetched = 0 WHERE id = ANY($1::int8[])"
_UNLIST = "DELETE FROM crawld.position WHERE crawl = $1 AND starts_with(sink, $2)"


async def forget(asked: Any, crawl: int, node: str) -> int:
    """Queues again what a node visited, in all its lives; returns how many visits. Raises FrontierError if it lives."""
    rows = await asked.fetch(_LIVES, crawl, node)
    if any(row["is_alive"] for row in rows):
        raise FrontierError(f"the node {node} is alive: end its process, or drain it; what it wrote is not lost")
    lost = [row["id"] for row in rows]
    for life in lost:
        await lives.bury(asked, life)
    shards = [row["id"] for row in await asked.fetch(_FENCE, crawl, lost)]
    number = await asked.fetchval(_QUEUE, shards, lost)
    await asked.execute(_CLEAR, lost)
    await asked.execute(_UNLIST, crawl, f"{node}/")
    return int(number)
