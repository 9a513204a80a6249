"""Forgets a node whose machine is lost with what it wrote: its visits are queued again, in one step.

The shards of these visits are taken from whoever holds them, so nodes that hold them join again and read what changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...frontier.backend import Commit, Hold, Membership
from ...frontier.change import Change
from ...standing import Rows
from .backend import RedisBackend

ROWS_AT_ONCE = 10_000


async def forget(backend: RedisBackend, member: Membership, node: str, lives: Sequence[int]) -> int:
    """Queues again what these lives of a node visited; returns how many visits."""
    shards = [shard for shard in range(member.cut.shards) if await _visited(backend, shard, lives)]
    holds = await backend.seize(member, shards) if shards else []
    found = [(hold, *await _find(backend, member, hold, lives)) for hold in holds]
    changes = [(hold, change) for hold, change, _ in found if change.requeued]
    sinks = [sink for sink in (await backend.standing()).positions if sink.startswith(f"{node}/")]
    void = [pair for _, _, digests in found for pair in digests]
    await backend.submit(member, Commit(changes, forgotten=sinks, holds=holds), lives, void)
    return sum(len(change.requeued) for _, change in changes)


async def _visited(backend: RedisBackend, shard: int, lives: Sequence[int]) -> list[tuple[int, bytes | None]]:
    """Returns the rows of a shard that these lives visited last, with the digests of their pages."""
    await backend.follow(shard)
    return await backend.mirror.visited_by(shard, lives)


async def _find(
    backend: RedisBackend, member: Membership, hold: Hold, lives: Sequence[int]
) -> tuple[Change, list[tuple[bytes, int]]]:
    """Returns the change that queues the lost visits of a shard again, and the contents of their pages."""
    reader, change = backend.reader(member, hold), Change()
    visits = await _visited(backend, hold.shard, lives)
    rows = [row for row, _ in visits]
    for at in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[at : at + ROWS_AT_ONCE]
        for picked in await reader.pick(Rows(tuple(part)), 0, len(part)):
            change.requeued.append(picked.entry)
            change.again.append(picked.entry.row)
            site = picked.entry.request.url.site
            change.grow(site, 1)
            change.shelve(site)
    return change, [(digest, row) for row, digest in visits if digest]
