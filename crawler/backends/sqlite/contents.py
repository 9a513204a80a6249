"""Finds which page had a content first, over all nodes of a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from hashlib import blake2b

from ...frontier.backend import ContentClaim
from ...frontier.sqlite.rows import SIGN
from ...model import Url

_FIRST = """
SELECT content.row, coalesce(content.url, url.text), coalesce(content.digest, visit.digest), content.incarnation,
    content.incarnation IS NULL OR content.incarnation = ?
        OR content.incarnation IN (SELECT incarnation FROM node WHERE until > ?)
FROM content LEFT JOIN url ON url.id = content.row LEFT JOIN visit ON visit.id = content.row WHERE mark = ?
"""


def mark_of(digest: bytes, key: bytes) -> int:
    """Returns the mark by which a content is found, as SQLite stores it."""
    return int.from_bytes(blake2b(digest, digest_size=8, key=key).digest(), "little") - SIGN


def claim(
    connection: sqlite3.Connection, key: bytes, incarnation: int, claims: Sequence[ContentClaim], now: float
) -> list[Url]:
    """Returns for each page the first URL with its content, and keeps the claims of those that are first."""
    return [_claim(connection, mark_of(one.digest, key), incarnation, one, now) for one in claims]


def _claim(connection: sqlite3.Connection, mark: int, incarnation: int, one: ContentClaim, now: float) -> Url:
    found = connection.execute(_FIRST, (incarnation, now, mark)).fetchone()
    if found:
        row, text, digest, owner, is_valid = found
        if is_valid and row != one.row:
            return Url(text) if digest == one.digest else one.url  # else two contents share a mark: neither is kept
        if is_valid and owner is None:  # a page that is visited once more
            return one.url
    connection.execute("DELETE FROM content WHERE row = ? AND incarnation = ?", (one.row, incarnation))
    connection.execute(
        "INSERT OR REPLACE INTO content VALUES (?, ?, ?, ?, ?)",
        (mark, one.row, one.url.text, one.digest, incarnation),
    )
    return one.url
