"""Finds all that the file knows of one URL: its standing, its outcome, and how the crawl came to it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

import orjson

from ...model import Disposition, Reason, Url
from ...model.request import REQUISITES
from ...standing import Known
from ..order import LAST

ROWS = """
SELECT json_group_array(json_array(first, instr(fingerprints, :sought))) FROM seen WHERE instr(fingerprints, :sought)
"""
STORY = """
SELECT u.text, u.depth, u.via, t.attempt, t.reason, t.due, v.disposition, v.reason, v.detail, v.status, v.attempt,
       v.visited_at, v.duplicate_of, s.text, r.text, e.visit, e.due, q.id, t.id, {way}, {aside}
FROM url u LEFT JOIN visit v USING (id) LEFT JOIN retry t USING (id) LEFT JOIN revisit e USING (id)
LEFT JOIN url s ON s.id = u.seed LEFT JOIN url r ON r.id = u.root
LEFT JOIN queue q ON q.site = :site AND q.rank = :last AND q.id = u.id {joined}
WHERE u.id = :row
"""
ASIDE = {
    "aside": "k.name, k.reason, x.id",
    "joined": """
LEFT JOIN parked p ON p.id = u.id LEFT JOIN parking k ON k.id = p.pattern LEFT JOIN reread x ON x.id = u.id""",
}
NO_ASIDE = {"aside": "NULL, NULL, NULL", "joined": ""}
"""Files of the first layout lack these tables."""
FIRST_WITH_WAYS = 4
"""The layout from which on it is known how a URL belongs to the crawl."""
CHAIN = """
WITH RECURSIVE chain (text, via, hops) AS (
    SELECT text, via, 1 FROM url WHERE id = ?
    UNION ALL SELECT u.text, u.via, hops + 1 FROM chain JOIN url u ON u.id = chain.via WHERE hops < 1000
)
SELECT json_group_array(text) FROM (SELECT text FROM chain ORDER BY hops)
"""


OTHERS = """
SELECT json_group_object(method, json_array(n, first)) FROM (
    SELECT json_extract(sent, '$[0]') AS method, count(*) AS n, min(id) AS first
    FROM extra JOIN url USING (id) WHERE sent != '' AND url.text = ? GROUP BY 1
)
"""
EXTRA = "SELECT iif(sent = '', 'GET', json_extract(sent, '$[0]')), label FROM extra WHERE id = ?"


def find(connection: sqlite3.Connection, url: Url, fingerprint: int, site_id: int) -> Known | None:
    others: dict[str, tuple[int, int]] = {}
    if has_extra := _has(connection, "extra"):
        others = orjson.loads(connection.execute(OTHERS, (url.text,)).fetchone()[0])
    rows = [*_rows(connection, fingerprint), *sorted(first for _, first in others.values())]
    for row in rows:
        if known := _find_row(connection, url, row, site_id):
            method, label = (has_extra and connection.execute(EXTRA, (row,)).fetchone()) or ("GET", "")
            counts = {name: n - (first == row) for name, (n, first) in others.items()}
            return replace(known, method=method, label=label, others={name: n for name, n in counts.items() if n})
    return None


def _rows(connection: sqlite3.Connection, fingerprint: int) -> list[int]:
    """Returns the rows that may be those of a plain request."""
    packed = fingerprint.to_bytes(8, "little")
    found = orjson.loads(connection.execute(ROWS, {"sought": packed}).fetchone()[0])
    return [first + (at - 1) // 8 for first, at in found]


def _find_row(connection: sqlite3.Connection, url: Url, row: int, site_id: int) -> Known | None:
    [layout] = connection.execute("PRAGMA user_version").fetchone()
    parts = ASIDE if _has(connection, "reread") else NO_ASIDE
    query = STORY.format_map({**parts, "way": "u.way" if layout >= FIRST_WITH_WAYS else "0"})
    story = connection.execute(query, {"row": row, "site": site_id, "last": LAST}).fetchone()
    return _read_story(connection, url, row, story[1:]) if story and story[0] == url.text else None


def _has(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None


def _read_story(connection: sqlite3.Connection, url: Url, row: int, story: tuple[Any, ...]) -> Known:
    (
        depth, via, next_attempt, setback, due, disposition, reason, detail, status, attempt, visited_at,
        first, seed, root, next_visit, revisit_due, is_revisited, is_retried, way, pattern, parked_for, is_reread,
    ) = story  # fmt: skip
    above = orjson.loads(connection.execute(CHAIN, (via,)).fetchone()[0])
    word = reason if disposition else setback
    is_queued = not disposition or is_revisited or is_retried or is_reread
    return Known(
        url,
        row,
        standing="parked" if pattern else "waiting" if due is not None else "queued" if is_queued else "done",
        depth=depth,
        attempts=attempt if disposition else (next_attempt or 1) - 1,
        disposition=disposition and Disposition(disposition),
        reason=word and Reason(word),
        detail=detail or "",
        status=status,
        visited_at=visited_at,
        due=due,
        duplicate_of=Url(first) if first else None,
        visits=(next_visit or 2) - 1 if disposition else 0,
        revisit_due=revisit_due,
        via=tuple(map(Url, above)),
        seed=Url(seed) if seed else None,
        root=Url(root) if root else None,
        pattern=pattern or "",
        parked_for=parked_for and Reason(parked_for),
        is_reread=is_reread is not None,
        extra_hop=0 if way > REQUISITES else way,
        requisite=max(0, way - REQUISITES),
    )
