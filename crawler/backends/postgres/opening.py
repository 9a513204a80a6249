"""Reads the state of a shard for memory, when a node takes the shard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import orjson

from ... import urls
from ...frontier.change import Parking
from ...frontier.claims import Claims
from ...frontier.depths import REFUSED, WITH_LINKS, WITHOUT_LINKS, Depths
from ...frontier.extras import Extra, complete
from ...frontier.fingerprints import Fingerprints
from ...frontier.order import key, unpack
from ...frontier.state import State
from ...frontier.terms import Terms
from ...policy.traps import MOST_PATTERNS, StoredPattern
from . import reading
from .columns import SIGN, dumps
from .reading import EXTRAS, Asked, Entries, Row
from .shard_index import ShardIndex

ROWS_AT_ONCE = 10_000
SEEN = "SELECT first, prints, sizes FROM crawld.seen WHERE shard = $1 ORDER BY first"
SIZES = "SELECT sizes FROM crawld.seen WHERE shard = $1 ORDER BY first"
SWAP_ORDER = "SET rank = ((rank & 1048575) << 20) | (rank >> 20) WHERE shard = $1"
NOTE = "INSERT INTO crawld.note VALUES ($1, $2, $3) ON CONFLICT (shard, name) DO UPDATE SET value = excluded.value"
REVISITS_ON = "true"


async def restore_index(ask: Asked, base: int) -> ShardIndex:
    """Returns what the owner of a shard has in memory of its queue."""
    gone = await ask.fetch("SELECT rows FROM crawld.gone WHERE shard = $1")
    back = await ask.fetch("SELECT rank, id FROM crawld.back WHERE shard = $1")
    nearer = await ask.fetch("SELECT id FROM crawld.nearer WHERE shard = $1")
    sizes = np.frombuffer(b"".join(row["sizes"] for row in await ask.fetch(SIZES)), "<u4")
    places = [key(row["rank"], row["id"]) for row in back]
    index = ShardIndex.restore(base, sizes, reading.numbers(row["rows"] for row in gone), places)
    index.nearer.update(row["id"] for row in nearer)
    return index


class Opening:
    """The state of one shard, read in one question."""

    def __init__(self, ask: Asked, key: bytes, base: int, terms: Terms) -> None:
        self._ask = ask
        self._key = key
        self._base = base
        self._terms = terms
        self._has_revisits = terms.revisit_after_s is not None

    async def state(self, now: float) -> State:
        """Returns the state for memory; `now` in Unix seconds."""
        ask, terms = self._ask, self._terms
        notes = {row["name"]: row["value"] for row in await ask.fetch("SELECT * FROM crawld.note WHERE shard = $1")}
        await self._set_order("depth" if terms.in_depth_order else "priority", notes)
        keeps_ways = terms.keeps_ways or "ways" in notes
        if terms.has_ways_out and "ways" not in notes:
            await self._note("ways", True)
        await self._set_revisits(notes)
        sums = "SELECT coalesce(sum(queued), 0)::int8 AS queued, count(*) FILTER (WHERE queued > 0) AS shelved"
        [[queued, shelved]] = await ask.fetch(f"{sums} FROM crawld.site WHERE shard = $1")
        rests = "SELECT id, next_at FROM crawld.site WHERE shard = $1 AND queued = 0 AND next_at > $2"
        scheduled, next_due = await self._schedule(now)
        entries = Entries()
        return State(
            Claims(self._key),
            base=self._base,
            seen=await self._seen(with_rows=keeps_ways),
            queued=queued,
            shelved=shelved,
            setbacks=[(unpack(entries.packed(row)), row["retry_due"]) for row in await ask.fetch(reading.SETBACKS)],
            rests={row["id"] + SIGN: row["next_at"] for row in await ask.fetch(rests, now)},
            scheduled=scheduled,
            next_due=next_due,
            patterns=await self._patterns() if terms.traps != "off" else (),
            pages=await self._pages() if terms.bounds_pages else {},
            parkings=await self._parkings(),
            depths=await self._depths(terms.in_depth_order) if keeps_ways else None,
        )

    async def _seen(self, *, with_rows: bool) -> Fingerprints:
        """Returns the set of known URLs; with rows, each carries its row."""
        seen = await self._ask.fetch(SEEN)
        known = sum(len(row["prints"]) for row in seen) // 8
        if with_rows:
            return self._with_rows(seen, known)
        parts = (np.frombuffer(row["prints"], "<u8") for row in seen)
        return Fingerprints.build(parts, known + known // 8, with_values=False)

    async def _schedule(self, now: float) -> tuple[int, float | None]:
        """Returns how many pages are on the schedule, and when the first one is due. A page that was visited in a
        future, which the clock came back from, is due one interval from now."""
        if not self._has_revisits:
            return 0, None
        statement = "UPDATE crawld.revisit SET due = $2 + interval_s WHERE shard = $1 AND due > $2 + interval_s"
        await self._ask.fetch(statement, now)
        counted = "SELECT count(*) AS n, min(due) AS due FROM crawld.revisit WHERE shard = $1 AND due IS NOT NULL"
        [[number, due]] = await self._ask.fetch(counted)
        return number, due

    def _with_rows(self, seen: Sequence[Row], known: int) -> Fingerprints:
        """Returns the set of known URLs, whose values are their rows."""
        prints = Fingerprints(with_values=True, room=known)
        for row in seen:
            part = np.frombuffer(row["prints"], "<u8")
            prints.add_many(part, np.arange(row["first"], row["first"] + len(part), dtype=np.uint64))
        return prints

    async def _set_order(self, name: str, notes: Mapping[str, str]) -> None:
        """Sets the order of ranks, which hold priority and depth one behind the other. Swaps them for another order."""
        if (before := notes.get("order")) == name:
            return
        async with self._ask.connection.transaction():
            if before is not None:
                for table in ("family", "back", "retry", "parked"):
                    await self._ask.fetch(f"UPDATE crawld.{table} {SWAP_ORDER}")
            await self._ask.fetch(NOTE, "order", name)

    async def _set_revisits(self, notes: Mapping[str, str]) -> None:
        """Turns revisits on or off. On: pages that were settled meanwhile go on the schedule, too."""
        if (notes.get("revisits") == REVISITS_ON) is self._has_revisits:
            return
        if self._terms.revisit_after_s is not None:
            await self._schedule_all(self._terms.revisit_after_s)
        await self._note("revisits", self._has_revisits)

    async def _schedule_all(self, after_s: float) -> None:
        """Schedules the pages that are on no schedule. Done twice, it changes nothing."""
        statement = reading.facts(f"""
            SELECT id, 0::int8 AS rank, id AS at FROM crawld.visit v WHERE shard = $1 AND id > $2 AND {reading.IS_SAFE}
                AND (disposition <> 'excluded' OR reason = 'robots')
                AND NOT EXISTS (SELECT 1 FROM crawld.revisit e WHERE e.shard = $1 AND e.id = v.id)
            ORDER BY id LIMIT $3
        """)
        after, entries = 0, Entries()
        while rows := await self._ask.fetch(statement, after, ROWS_AT_ONCE):
            after = rows[-1]["id"]
            extras = {
                row["id"]: Extra(*row)
                for row in await self._ask.fetch(EXTRAS, [row["id"] for row in rows if row["extra"] is not None])
            }
            requests = [unpack(entries.packed(row)).request for row in rows]
            whole = [
                complete(request, extras[row["id"]]) if row["id"] in extras else request
                for request, row in zip(requests, rows, strict=True)
            ]
            marks = [urls.fingerprint(request.identity, self._key) - SIGN for request in whole]
            await self._ask.fetch(
                "INSERT INTO crawld.revisit SELECT $1, o.id, o.at + $4, '', '', coalesce(v.digest, ''), 2, $4, o.mark"
                " FROM unnest($2::int8[], $3::int8[], $5::float8[]) AS o(id, mark, at)"
                " JOIN crawld.visit v ON v.shard = $1 AND v.id = o.id ON CONFLICT DO NOTHING",
                [row["id"] for row in rows], marks, after_s, [row["visited_at"] for row in rows],
            )  # fmt: skip

    async def _patterns(self) -> list[StoredPattern]:
        rows = await self._ask.fetch(
            "SELECT * FROM (SELECT name, standing, fetched, news, parked, windows FROM crawld.pattern WHERE shard = $1"
            " ORDER BY standing DESC, fetched DESC LIMIT $2) AS most ORDER BY standing, fetched",
            MOST_PATTERNS,
        )
        return [StoredPattern(*row) for row in rows]

    async def _parkings(self) -> list[tuple[Parking, int]]:
        rows = await self._ask.fetch(
            "SELECT k.name, k.reason, k.examples, p.n FROM crawld.parking k JOIN"
            " (SELECT pattern, count(*) AS n FROM crawld.parked WHERE shard = $1 GROUP BY 1) p ON p.pattern = k.id"
            " WHERE k.shard = $1"
        )
        return [(Parking(row["name"], row["reason"], orjson.loads(row["examples"])), row["n"]) for row in rows]

    async def _pages(self) -> dict[str, int]:
        """Returns how many pages were fetched from each site. Reads all visits."""
        statement = reading.facts(
            "SELECT id, 0::int8 AS rank, id AS at FROM crawld.visit WHERE shard = $1 AND id > $2"
            " AND disposition IN ('fetched', 'unchanged') ORDER BY id LIMIT $3"
        )
        pages: dict[str, int] = {}
        after = 0
        while rows := await self._ask.fetch(statement, after, ROWS_AT_ONCE):
            after, entries = rows[-1]["id"], Entries()
            for request in (unpack(entries.packed(row)).request for row in rows):
                if not request.requisite:
                    pages[request.url.site] = pages.get(request.url.site, 0) + 1
        return pages

    async def _depths(self, in_depth_order: bool) -> Depths:
        depths = Depths(in_depth_order, self._base)
        families = await self._ask.fetch(
            "SELECT first, n, hops, way FROM crawld.family WHERE shard = $1 ORDER BY first"
        )
        nearer = await self._ask.fetch("SELECT id, hops, way FROM crawld.nearer WHERE shard = $1")
        firsts, sizes, hops, ways = reading.columns_of(families, "first", "n", "hops", "way")
        starts = np.repeat(firsts - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes) if len(sizes) else firsts
        rows = starts + np.arange(len(starts))
        depths.restore(rows, np.repeat(hops, sizes), np.repeat(ways, sizes))
        depths.restore(*reading.columns_of(nearer, "id", "hops", "way"))
        for standing, found in (await self._standings()).items():
            depths.restore_standings(np.array(found, np.int64), standing)
        at = {row: way for row, way in zip(rows.tolist(), np.repeat(ways, sizes).tolist(), strict=True) if way}
        at |= {row["id"]: row["way"] for row in nearer}
        fetched = await self._ask.fetch("SELECT id FROM crawld.visit WHERE shard = $1 AND disposition = 'fetched'")
        requisites = [row["id"] for row in fetched if reading.is_requisite(at.get(row["id"], 0))]
        depths.restore_requisites(np.array(requisites, np.int64))
        return depths

    async def _standings(self) -> Mapping[int, list[int]]:
        """Returns the rows of visited pages by what a shorter way to them would bring."""
        idle = reading.IDLE if self._has_revisits else reading.IDLE_WITHOUT_REVISITS
        rows = await self._ask.fetch(
            "SELECT id, disposition = 'excluded' AND reason IN ('out-of-scope', 'depth-limit') AS is_refused,"
            f" coalesce(left_out, 32768) & 32768 AS leads FROM crawld.visit v WHERE shard = $1 AND {idle}"
        )
        found: dict[int, list[int]] = {WITHOUT_LINKS: [], REFUSED: [], WITH_LINKS: []}
        for row in rows:
            found[REFUSED if row["is_refused"] else WITH_LINKS if row["leads"] else WITHOUT_LINKS].append(row["id"])
        return found

    async def _note(self, name: str, value: object) -> None:
        await self._ask.fetch(NOTE, name, dumps(value))
