"""Reads the stored part of a shard: rows of PostgreSQL in, values of the frontier out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson

from ...frontier.order import LAST, ROW_BITS, Packed, key, rank_of, unpack
from ...frontier.store import Picked
from ...model import SAFE
from ...model.request import REQUISITES
from .columns import Family, unpack_family

Row = Any
"""A row of an answer: values by name and by place."""
EXTRAS = "SELECT id, sent, label, data FROM crawld.extra WHERE shard = $1 AND id = ANY($2::int8[])"

FACTS = """
SELECT q.id, q.rank, f.first, f.data, n.data AS nearer, t.attempt, t.due AS retry_due, t.reason AS setback,
       e.id AS revisit, e.due, e.etag, e.last_modified, e.digest, e.visit, e.interval_s,
       x.id AS reread, w.id AS extra, v.disposition, v.left_out, v.visited_at, k.name AS pattern
FROM ({candidates}) AS q
CROSS JOIN LATERAL (
    SELECT first, data FROM crawld.family WHERE shard = $1 AND first <= q.id ORDER BY first DESC LIMIT 1
) AS f
LEFT JOIN crawld.nearer n ON n.shard = $1 AND n.id = q.id
LEFT JOIN crawld.retry t ON t.shard = $1 AND t.id = q.id
LEFT JOIN crawld.revisit e ON e.shard = $1 AND e.id = q.id
LEFT JOIN crawld.reread x ON x.shard = $1 AND x.id = q.id
LEFT JOIN crawld.extra w ON w.shard = $1 AND w.id = q.id
LEFT JOIN crawld.visit v ON v.shard = $1 AND v.id = q.id
LEFT JOIN crawld.parked p ON p.shard = $1 AND p.id = q.id
LEFT JOIN crawld.parking k ON k.shard = $1 AND k.id = p.pattern
ORDER BY q.at
"""
"""All that is known of some rows. `candidates` yields id, rank and a number that orders them."""


def facts(candidates: str) -> str:
    return FACTS.replace("{candidates}", candidates)


_METHODS = ", ".join(f"'{method}'" for method in SAFE)
IS_SAFE = f"""NOT EXISTS (
    SELECT 1 FROM crawld.extra s WHERE s.shard = $1 AND s.id = v.id AND s.sent <> ''
        AND s.sent::json ->> 0 NOT IN ({_METHODS})
)"""
"""A request may be sent again on the crawl's own account."""
IDLE = """NOT EXISTS (
    SELECT 1 FROM crawld.revisit r WHERE r.shard = $1 AND r.id = v.id AND r.due IS NULL AND r.fingerprint IS NOT NULL
) AND NOT EXISTS (SELECT 1 FROM crawld.reread x WHERE x.shard = $1 AND x.id = v.id)"""
"""A page that is queued for a revisit needs no second look beside it."""
IDLE_WITHOUT_REVISITS = "NOT EXISTS (SELECT 1 FROM crawld.reread x WHERE x.shard = $1 AND x.id = v.id)"

FAMILIES = """
SELECT first, rank, n, data FROM crawld.family
WHERE shard = $1 AND site = $2 AND is_open AND rank >= $3 AND (rank > $3 OR first + n - 1 > $4)
    AND (rank, first) > ($5, $6)
ORDER BY rank, first LIMIT $7
"""
BACK = facts("""
    SELECT id, rank, rank::numeric * 1099511627776 + id AS at FROM crawld.back
    WHERE shard = $1 AND site = $2 AND (rank, id) > ($3, $4) ORDER BY rank, id LIMIT $5
""")
SHELF = """
SELECT id, queued, next_at FROM crawld.site
WHERE shard = $1 AND queued > 0 AND abs(epoch) < $2 ORDER BY next_at, id LIMIT $3
"""
UNSHELVE = "UPDATE crawld.site SET epoch = $2 WHERE shard = $1 AND abs(epoch) < $2 AND id = ANY($3::int8[])"
SHELVED = "SELECT count(*) FROM crawld.site WHERE shard = $1 AND queued > 0 AND abs(epoch) < $2"
SETBACKS = facts("SELECT id, rank, due AS at FROM crawld.retry WHERE shard = $1 AND due IS NOT NULL")
DUE = facts(f"""
    SELECT id, {LAST}::int8 AS rank, due AS at FROM crawld.revisit v
    WHERE shard = $1 AND due <= $2 AND {IDLE_WITHOUT_REVISITS} ORDER BY due LIMIT $3
""")
NEXT_DUE = f"SELECT min(due) FROM crawld.revisit v WHERE shard = $1 AND (due > $2 OR NOT {IDLE_WITHOUT_REVISITS})"
_ENDED = "disposition IN ('failed', 'excluded') AND reason = ANY($3::text[])"
PICK_ENDED = f"""
    SELECT id, 0::int8 AS rank, id AS at FROM crawld.visit v
    WHERE shard = $1 AND id > $2 AND {_ENDED} AND {{idle}} ORDER BY id LIMIT $4
"""
PICK_LEFT = f"""
    SELECT id, 0::int8 AS rank, id AS at FROM crawld.visit v
    WHERE shard = $1 AND id > $2 AND coalesce(left_out, 1023) & $3 <> 0 AND {{idle}}
        AND disposition IN ('fetched', 'duplicate', 'unchanged', 'redirected') AND {IS_SAFE} ORDER BY id LIMIT $4
"""
PICK_WAITING = """
    SELECT id, rank, id AS at FROM crawld.parked
    WHERE shard = $1 AND id > $2 AND (cardinality($3::int8[]) = 0 OR pattern = ANY($3)) ORDER BY id LIMIT $4
"""
PICK_ROWS = f"""
    SELECT v.id, 0::int8 AS rank, v.id AS at FROM unnest($2::int8[]) AS v(id)
    WHERE (EXISTS (SELECT 1 FROM crawld.parked p WHERE p.shard = $1 AND p.id = v.id) OR EXISTS (
            SELECT 1 FROM crawld.visit d WHERE d.shard = $1 AND d.id = v.id AND ($3::text[] IS NULL
                OR d.disposition IN ('failed', 'excluded') AND d.reason = ANY($3))
        )) AND {{idle}} AND (NOT $4::bool OR {IS_SAFE})
"""
BY_ROW = facts("SELECT o.id, 0::int8 AS rank, o.at FROM unnest($2::int8[]) WITH ORDINALITY AS o(id, at)")


class Entries:
    """Makes requests of the rows of `FACTS`. Texts that many have in common are in memory once."""

    def __init__(self) -> None:
        self._families: dict[int, Family] = {}
        self._once: dict[str | None, str | None] = {}

    def packed(self, row: Row) -> Packed:
        family = self._family(row["first"], row["data"])
        return self._pack(
            key(row["rank"], row["id"]), family, family.texts[row["id"] - row["first"]], row["nearer"],
            row["attempt"] or 1, _earlier(row),
        )  # fmt: skip

    def unpack_family(self, row: Row, wanted: Callable[[int], bool], nearer: Mapping[int, str]) -> Iterable[Packed]:
        """Yields the requests of a stored family as they were found, if they are wanted."""
        family, above = unpack_family(row["data"]), row["rank"] << ROW_BITS
        extras = set(family.extras)
        for at, text in enumerate(family.texts):
            number = row["first"] + at
            if wanted(above | number):
                earlier = ("", "", b"", 1, 0.0, False, True) if at in extras else None
                yield self._pack(above | number, family, text, nearer.get(number), 1, earlier)

    def _family(self, first: int, data: bytes) -> Family:
        found = self._families.get(first)
        if found is None:
            found = self._families[first] = unpack_family(data)
        return found

    def _pack(self, place: int, family: Family, text: str, nearer: str | None, attempt: int, earlier: Any) -> Packed:
        way = (family.depth, family.way, family.via, family.seed, family.root, 0, family.seed_row, family.root_row)
        depth, kind, via, seed, root, _, seed_row, root_row = orjson.loads(nearer) if nearer else way
        once = self._once
        return (
            place, text, depth, once.setdefault(via, via), once.setdefault(seed, seed), once.setdefault(root, root),
            attempt, family.priority, family.redirects, seed_row, root_row, kind, earlier,
        )  # fmt: skip

    def picked(self, row: Row, in_depth_order: bool, is_reread: bool) -> Picked:
        """Returns a request that is not queued, as it would be queued again."""
        found = unpack(self.packed(row))
        if row["pattern"] is not None:
            return Picked(found, row["pattern"])
        ranked, is_scheduled = rank_of(found.request, in_depth_order), row["due"] is not None
        visit = found.request.visit
        if is_reread:
            again = replace(found.request, attempt=1, is_reread=True, etag="", last_modified="", digest=b"")
        else:
            again = replace(found.request, attempt=1, visit=visit if is_scheduled else visit + 1)
        return Picked(found._replace(key=key(ranked, found.row), request=again), "", row["disposition"], is_scheduled)

    def via_of(self, row: Row) -> int:
        """Returns the row that led to this one: 0 is none, below zero one that was never queued."""
        if row["nearer"]:
            return int(orjson.loads(row["nearer"])[5])
        return self._family(row["first"], row["data"]).via_row


def _earlier(row: Row) -> Any:
    if row["revisit"] is None and row["reread"] is None and row["extra"] is None:
        return None
    is_reread = row["reread"] is not None
    if is_reread or row["revisit"] is None:
        said: tuple[str, str, bytes] = ("", "", b"")
    else:
        said = row["etag"] or "", row["last_modified"] or "", row["digest"] or b""
    return (*said, row["visit"] or 1, row["interval_s"] or 0.0, is_reread, row["extra"] is not None)


def numbers(blobs: Iterable[bytes]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Returns the numbers of packed columns, one behind the other."""
    return np.frombuffer(b"".join(blobs), "<u8")


def is_requisite(way: int) -> bool:
    return way > REQUISITES


def columns_of(rows: Sequence[Row], *names: str) -> tuple[np.ndarray[Any, np.dtype[np.int64]], ...]:
    """Returns columns of numbers."""
    return tuple(np.array([row[name] for row in rows], np.int64) for name in names)


class Asked:
    """One question about one shard: nothing comes between its statements."""

    def __init__(self, connection: Any, shard: int) -> None:
        self.connection = connection
        self._shard = shard

    async def fetch(self, statement: str, *arguments: object) -> list[Row]:
        rows: list[Row] = await self.connection.fetch(statement, self._shard, *arguments)
        return rows

    async def value(self, statement: str, *arguments: object) -> Any:
        return await self.connection.fetchval(statement, self._shard, *arguments)
