"""Adds up what the shards of one node say of themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter

from ...model import Disposition, Reason
from ...policy.politeness import Wait
from ...standing import Counts, Trap
from .shard import Shard


def add_counts(parts: Sequence[Counts], before: Mapping[Disposition, int]) -> Counts:
    """Returns the counts of all shards. `before` has final visits that none of them counts."""
    settled = Counter(before)
    for part in parts:
        settled.update(part.settled)
    dues = [part.due_in_s for part in parts if part.due_in_s is not None]
    return Counts(
        known=sum(part.known for part in parts),
        queued=sum(part.queued for part in parts),
        leased=sum(part.leased for part in parts),
        retrying=sum(part.retrying for part in parts),
        sites=sum(part.sites for part in parts),
        settled=dict(settled),
        scheduled=sum(part.scheduled for part in parts),
        due_in_s=min(dues, default=None),
        parked=sum(part.parked for part in parts),
        traps=tuple(sorted((trap for part in parts for trap in part.traps), key=_by_cost)),
        requisites=sum(part.requisites for part in parts),
    )


def find_reason(shards: Sequence[Shard]) -> Wait:
    """Returns why nothing may be lent now: by the shard with the first turn, or by those that have no turn yet."""
    if not any(shard.queued for shard in shards) and (retries := sum(len(shard.retries) for shard in shards)):
        names = sum(shard.retries.number(Reason.DNS) for shard in shards)
        return Wait.DNS if 2 * names > retries else Wait.RETRY
    in_line = [(place, shard) for shard in shards if (place := shard.place)]
    if in_line:
        return min(in_line, key=itemgetter(0))[1].why_wait()
    busy = [shard for shard in shards if shard.leased] or [shard for shard in shards if shard.queued]
    return busy[0].why_wait() if busy else Wait.BUSY


def _by_cost(trap: Trap) -> tuple[int, str]:
    return -trap.parked - trap.fetched, trap.pattern
