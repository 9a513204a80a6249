"""Answers questions about a crawl in PostgreSQL, for `explain` and `status`, while its nodes work."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import orjson

from ... import urls
from ...frontier.change import Parking
from ...frontier.order import unpack
from ...frontier.parking import Parkings
from ...frontier.shards import Cut
from ...model import Disposition, Position, Reason, Request, Url
from ...policy.traps import MOST_PATTERNS, Novelty, StoredPattern
from ...standing import Known, Linking, QueuedSite, Root, SiteTurn, Trap
from . import lives, reading
from .columns import SIGN, unpack_family
from .link import Link
from .reading import Asked, Entries, Row

T = TypeVar("T")

MOST_HOPS = 100
"""Most pages on the way to a URL that are told: each is looked for in all known URLs of its shard."""
IN_CRAWL = "shard IN (SELECT id FROM crawld.shard WHERE crawl = $1)"
_ROOTS = f"""
SELECT f.shard, f.first, f.data FROM crawld.family f WHERE {IN_CRAWL} AND f.is_root AND f.first + f.n > $2
ORDER BY f.first LIMIT $3
"""
_FACTS = """
SELECT v.reason, v.detail, v.status, v.attempt, v.duplicate_of,
    (SELECT count(*) FROM crawld.back b WHERE b.shard = $1 AND b.id = $2) AS back,
    (SELECT reason FROM crawld.parking k JOIN crawld.parked p ON p.shard = $1 AND p.id = $2
     WHERE k.shard = $1 AND k.id = p.pattern) AS parked_for
FROM (SELECT 1) AS one LEFT JOIN crawld.visit v ON v.shard = $1 AND v.id = $2
"""


class PostgresLook:
    """A `Look` at one crawl. Its methods are called in a thread; the loop asks the server."""

    def __init__(
        self, loop: AbstractEventLoop, link: Link, crawl: int, shards: Sequence[int], cut: Cut, key: bytes
    ) -> None:
        self._loop = loop
        self._link = link
        self._crawl = crawl
        self._shards = shards
        self._cut = cut
        self._key = key

    def find(self, url: Url) -> Known | None:
        """Returns all that is known of one URL; None: it was never queued."""
        return self._wait(self._find(url))

    async def _find(self, url: Url) -> Known | None:
        found = await self._find_row(url)
        if found is None:
            return None
        shard, row = found
        facts = (await self._link.fetch(_FACTS, shard, row["id"]))[0]
        return _known(url, row, facts, await self._way_to(shard, row))

    async def _find_row(self, url: Url) -> tuple[int, Row] | None:
        """Returns the shard of a plain request and what its row has; None: it is not known."""
        shard = self._shards[self._cut.shard_of(url.site)]
        sought = urls.fingerprint(url.text, self._key).to_bytes(8, "little")
        seen = await self._link.fetch(
            "SELECT first, prints FROM crawld.seen WHERE shard = $1 AND position($2::bytea IN prints) > 0",
            shard,
            sought,
        )
        for part in seen:
            at = part["prints"].find(sought)
            while at >= 0 and at % 8:
                at = part["prints"].find(sought, at + 1)
            if at >= 0:
                [row] = await self._link.fetch(reading.BY_ROW, shard, [part["first"] + at // 8])
                if unpack(Entries().packed(row)).request.url == url:
                    return shard, row
        return None

    async def _way_to(self, shard: int, row: Row) -> list[Url]:
        """Returns the pages that led to a row, the nearest first."""
        way: list[Url] = []
        via = unpack(Entries().packed(row)).request.via
        while via is not None and len(way) < MOST_HOPS and via not in way:
            way.append(via)
            found = await self._find_row(via)
            via = unpack(Entries().packed(found[1])).request.via if found else None
        return way

    def trap(self, url: Url) -> Trap | None:
        """Returns the trap that a URL leads into, queued or not; None: it leads into none."""
        trap = self._novelty().trap(url.text)
        return trap and next((one for one in self._add_parked((trap,)) if one.pattern == trap.pattern), trap)

    def parkings(self) -> list[Trap]:
        """Returns the patterns under which URLs are parked, those with the most first."""
        told = [trap for trap in self._add_parked(self._novelty().traps) if trap.parked]
        return sorted(told, key=lambda trap: -trap.parked)

    def parking(self, pattern: str) -> Trap | None:
        """Returns what waits under a pattern; None: nothing does."""
        return next((one for one in self.parkings() if one.pattern == pattern), None)

    def _novelty(self) -> Novelty:
        rows = self._fetch(
            "SELECT * FROM (SELECT name, standing, fetched, news, parked, windows FROM crawld.pattern"
            f" WHERE {IN_CRAWL} ORDER BY standing DESC, fetched DESC LIMIT $2) AS most ORDER BY standing, fetched",
            MOST_PATTERNS,
        )
        return Novelty("park", [StoredPattern(*row) for row in rows])

    def _add_parked(self, traps: Sequence[Trap]) -> Sequence[Trap]:
        rows = self._fetch(
            "SELECT k.name, k.reason, k.examples, p.n FROM crawld.parking k JOIN"
            f" (SELECT shard, pattern, count(*) AS n FROM crawld.parked WHERE {IN_CRAWL} GROUP BY 1, 2) p"
            " ON p.shard = k.shard AND p.pattern = k.id"
        )
        stored = [(Parking(row["name"], row["reason"], orjson.loads(row["examples"])), row["n"]) for row in rows]
        return Parkings(stored).combine(traps)

    def parked(self) -> int:
        """Returns how many URLs are parked."""
        return int(self._value(f"SELECT count(*) FROM crawld.parked WHERE {IN_CRAWL}"))

    def site(self, site: str) -> SiteTurn | None:
        """Returns the queue and the turn of a site; None: no URL of it was ever queued."""
        shard = self._shards[self._cut.shard_of(site)]
        rows = self._wait(self._link.fetch(
            "SELECT queued, next_at FROM crawld.site WHERE shard = $1 AND id = $2",
            shard, self._cut.site_id(site) - SIGN,
        ))  # fmt: skip
        return SiteTurn(*rows[0]) if rows else None

    def busiest(self, limit: int) -> list[QueuedSite]:
        """Returns the sites with the most queued."""
        rows = self._fetch(
            "SELECT s.queued, s.next_at, (SELECT data FROM crawld.family f WHERE f.shard = s.shard AND f.site = s.id"
            f" LIMIT 1) AS data FROM crawld.site s WHERE {IN_CRAWL} AND s.queued > 0 ORDER BY s.queued DESC LIMIT $2",
            limit,
        )
        named = [(unpack_family(row["data"]).texts[0], row) for row in rows if row["data"]]
        return [QueuedSite(Url(text).site, row["queued"], row["next_at"]) for text, row in named]

    def roots(self, limit: int, near: str = "") -> list[Root]:
        """Returns the roots that scope measures from, in the order of their rows; only those whose URL holds `near`."""
        found: list[Root] = []
        for root in self._wait(read_roots(self._link, self._crawl, 0, None)):
            if near in root.url.text and len(found) < limit:
                found.append(root)
        return found

    def queued(self) -> int:
        """Returns how many URLs are queued or out on lease, retries included."""
        waiting = f"SELECT count(*) FROM crawld.retry WHERE due IS NOT NULL AND {IN_CRAWL}"
        queued = "SELECT coalesce(sum(queued), 0)::int8 FROM crawld.shard WHERE crawl = $1"
        return int(self._value(queued)) + int(self._value(waiting))

    def known(self) -> int:
        """Returns how many URLs are known."""
        return int(self._value("SELECT coalesce(sum(known), 0)::int8 FROM crawld.shard WHERE crawl = $1"))

    def settled(self) -> Mapping[str, int]:
        """Returns how many URLs ended with each disposition."""
        return self._wait(self._link.transact(lambda asked: lives.settled(asked, self._crawl)))

    def requisites(self) -> int:
        """Returns how many URLs were fetched as requisites."""
        fetched = self._value("SELECT coalesce(sum(fetched), 0)::int8 FROM crawld.node WHERE crawl = $1")
        return max(0, self.settled().get(Disposition.FETCHED, 0) - int(fetched))

    def failed(self) -> Mapping[str, int]:
        """Returns how many URLs failed, by reason."""
        rows = self._fetch(
            f"SELECT coalesce(reason, '') AS reason, count(*) AS n FROM crawld.visit WHERE {IN_CRAWL}"
            " AND disposition = 'failed' GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        return {row["reason"]: row["n"] for row in rows}

    def last_visit(self) -> float | None:
        """Returns when the latest visit ended."""
        at = self._value(f"SELECT max(visited_at) FROM crawld.visit WHERE {IN_CRAWL}")
        return None if at is None else float(at)

    def next_revisit(self) -> float | None:
        """Returns from when on a page is visited again."""
        at = self._value(f"SELECT min(due) FROM crawld.revisit WHERE {IN_CRAWL} AND due IS NOT NULL")
        return None if at is None else float(at)

    def positions(self) -> Mapping[str, Position]:
        """Returns what each sink, by name, had durably written at the last settle."""
        rows = self._fetch("SELECT sink, value FROM crawld.position WHERE crawl = $1")
        return {row["sink"]: orjson.loads(row["value"]) for row in rows}

    def note(self, name: str) -> object:
        """Returns the note with this name; None: there is none."""
        value = self._value("SELECT value FROM crawld.remark WHERE crawl = $1 AND name = $2", name)
        return None if value is None else orjson.loads(value)

    def _fetch(self, statement: str, *arguments: object) -> list[Any]:
        return self._wait(self._link.fetch(statement, self._crawl, *arguments))

    def _value(self, statement: str, *arguments: object) -> Any:
        return self._wait(self._link.value(statement, self._crawl, *arguments))

    def _wait(self, question: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(question, self._loop).result()


async def read_roots(link: Link, crawl: int, after: int, limit: int | None) -> list[Root]:
    """Returns the roots of all shards, with rows above `after`, in their order."""
    roots: list[Root] = []
    later = "SELECT n.shard, n.id FROM crawld.nearer n"
    for one in await link.fetch(f"{later} WHERE {IN_CRAWL} AND n.is_root AND n.id > $2 ORDER BY n.id", crawl, after):
        [row] = await link.fetch(reading.BY_ROW, one["shard"], [one["id"]])
        request = unpack(Entries().packed(row)).request
        roots.append(Root(one["id"], request.url, request.seed))
    told = {root.row for root in roots}
    for row in await link.fetch(_ROOTS, crawl, after, limit):
        family = unpack_family(row["data"])
        for number, text in enumerate(family.texts, row["first"]):
            if number > after and number not in told:
                roots.append(Root(number, Url(text), Url(family.seed) if family.seed else None))
    return sorted(roots, key=lambda root: root.row)[:limit]


async def read_linking(link: Link, shards: Callable[[int], int], rows: Sequence[int], left_out: int) -> list[Linking]:
    """Returns those of the rows that are pages with links which these rules kept out."""
    found: list[Linking] = []
    by_shard: dict[int, list[int]] = {}
    for row in rows:
        by_shard.setdefault(shards(row), []).append(row)
    for shard, some in by_shard.items():
        facts = await link.work(partial(_linking, shard, some, left_out))
        entries = Entries()
        for row in facts:
            entry = unpack(entries.packed(row))
            found.append(Linking(entry.row, entry.request, row["left_out"], row["visited_at"], entry.seed, entry.root))
    return sorted(found, key=lambda page: page.row)


async def _linking(shard: int, rows: Sequence[int], left_out: int, connection: Any) -> list[Row]:
    return await Asked(connection, shard).fetch(
        reading.facts(
            "SELECT v.id, 0::int8 AS rank, v.id AS at FROM crawld.visit v WHERE v.shard = $1 AND v.id = ANY($2::int8[])"
            f" AND v.left_out & $3 <> 0 AND {reading.IDLE} AND disposition IN ('fetched', 'duplicate', 'unchanged')"
        ),
        list(rows),
        int(left_out),
    )


def _known(url: Url, row: Row, facts: Row, way: Sequence[Url]) -> Known:
    request: Request = unpack(Entries().packed(row)).request
    disposition, word = row["disposition"], facts["reason"] if row["disposition"] else row["setback"]
    is_waiting = row["retry_due"] is not None
    is_queued = not disposition or facts["back"] or row["reread"] is not None
    return Known(
        url,
        row["id"],
        standing="parked" if row["pattern"] else "waiting" if is_waiting else "queued" if is_queued else "done",
        depth=request.depth,
        attempts=facts["attempt"] if disposition else (row["attempt"] or 1) - 1,
        disposition=disposition and Disposition(disposition),
        reason=word and Reason(word),
        detail=facts["detail"] or "",
        status=facts["status"],
        visited_at=row["visited_at"],
        due=row["retry_due"],
        duplicate_of=Url(facts["duplicate_of"]) if facts["duplicate_of"] else None,
        visits=(row["visit"] or 2) - 1 if disposition else 0,
        revisit_due=row["due"],
        via=tuple(way),
        seed=request.seed,
        root=request.root,
        pattern=row["pattern"] or "",
        parked_for=facts["parked_for"] and Reason(facts["parked_for"]),
        is_reread=row["reread"] is not None,
        extra_hop=request.extra_hop,
        requisite=request.requisite,
    )
