"""Keeps a feed in a SQLite file: what is known of each page and site, and every change that was found."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from ..runtime.private_files import check_database, touch
from .judging import Known, PageState, Pending, SiteState

LAYOUT = 1
"""The layout of the file and the rules that filled it. A file of another one is made anew."""
BUSY_S = 60.0
_TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "CREATE TABLE site (id INTEGER PRIMARY KEY, name TEXT UNIQUE, good_at REAL, recovered_at REAL, bad INT,"
    " seen_at REAL, seen_well INT, pending BLOB)",
    "CREATE TABLE page (key TEXT PRIMARY KEY, site INT, visit INT, known INT, digest TEXT, good_at REAL, is_bad INT,"
    " refusals INT, first_refused_at REAL, last_refused_at REAL, run INT, run_since REAL, location TEXT, redirects INT,"
    " redirected_at REAL)"
    " WITHOUT ROWID",
    "CREATE INDEX page_by_good ON page (site, good_at) WHERE known = 1 AND NOT is_bad",
    "CREATE TABLE event (number INTEGER PRIMARY KEY, value BLOB NOT NULL)",
)
_PAGE = (
    "visit, known, digest, good_at, is_bad, refusals, first_refused_at, last_refused_at, run, run_since, location,"
    " redirects, redirected_at"
)
_SITE = "good_at, recovered_at, bad, seen_at, seen_well, pending"


class Store:
    """An open file. One thread at a time uses it."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base
        self._sites: dict[str, tuple[int, SiteState]] = {}
        """Sites that the transaction under way has met."""

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Makes all changes of the block in one transaction; none if it raises. Waits for other processes."""
        self._base.execute("BEGIN IMMEDIATE")
        self._sites.clear()
        try:
            yield
            self._base.executemany(
                f"UPDATE site SET ({_SITE}) = (?, ?, ?, ?, ?, ?) WHERE id = ?",
                [_site_row(number, one) for number, one in self._sites.values()],
            )
        except BaseException:
            self._base.execute("ROLLBACK")
            raise
        self._base.execute("COMMIT")

    # -- facts -------------------------------------------------------------------------------------------------------

    def fact(self, name: str) -> str | int | None:
        """Returns a fact about the whole file; None: it is not known."""
        row = self._base.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def set_facts(self, **facts: str | int) -> None:
        self._base.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", facts.items())

    # -- pages and sites ---------------------------------------------------------------------------------------------

    def page(self, key: str) -> PageState:
        """Returns what is known of a page."""
        row = self._base.execute(f"SELECT {_PAGE} FROM page WHERE key = ?", (key,)).fetchone()
        if row is None:
            return PageState()
        visit, known, digest, good_at, is_bad, *rest = row
        return PageState(visit, Known(known), digest, good_at, bool(is_bad), *rest)

    def keep_page(self, key: str, site: int, page: PageState) -> None:
        self._base.execute(
            f"INSERT OR REPLACE INTO page (key, site, {_PAGE}) VALUES (?{', ?' * 14})",
            (
                key, site, page.visit, int(page.known), page.digest, page.good_at, int(page.is_bad), page.refusals,
                page.first_refused_at, page.last_refused_at, page.run, page.run_since, page.location,
                page.redirects, page.redirected_at,
            ),
        )  # fmt: skip

    def site(self, name: str) -> tuple[int, SiteState]:
        """Returns the number of a site and what is known of it, which is kept at the end of the transaction."""
        if name not in self._sites:
            self._base.execute("INSERT OR IGNORE INTO site VALUES (NULL, ?, 0, 0, 0, 0, 0, NULL)", (name,))
            number, good_at, recovered_at, bad, seen_at, seen_well, pending = self._base.execute(
                f"SELECT id, {_SITE} FROM site WHERE name = ?", (name,)
            ).fetchone()
            refusal = Pending(*orjson.loads(pending)) if pending else None
            self._sites[name] = number, SiteState(good_at, recovered_at, bad, seen_at, bool(seen_well), refusal)
        return self._sites[name]

    def count_well(self, site: int, since: float, most: int) -> int:
        """Returns how many pages of a site were well since then and are, `most` at most."""
        query = (
            "SELECT count(*) FROM (SELECT 1 FROM page WHERE site = ? AND good_at > ? AND known = 1 AND NOT is_bad"
            " LIMIT ?)"
        )
        return int(self._base.execute(query, (site, since, most)).fetchone()[0])

    # -- changes -----------------------------------------------------------------------------------------------------

    def add_event(self, value: bytes) -> None:
        """Keeps a change under the next number."""
        self._base.execute("INSERT INTO event (value) VALUES (?)", (value,))

    def events(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Returns the changes behind a number, with theirs."""
        query = "SELECT number, value FROM event WHERE number > ? ORDER BY number LIMIT ?"
        return self._base.execute(query, (after, limit)).fetchall()

    def last_number(self) -> int:
        """Returns the number of the last change; 0: there is none."""
        return int(self._base.execute("SELECT coalesce(max(number), 0) FROM event").fetchone()[0])


def _site_row(number: int, one: SiteState) -> tuple[object, ...]:
    pending = orjson.dumps([*one.pending]) if one.pending else None
    return one.good_at, one.recovered_at, one.bad, one.seen_at, one.seen_well, pending, number


@contextmanager
def open_store(path: Path | None) -> Iterator[Store]:
    """Opens the file, or makes one; None: a temporary one. Raises OSError, sqlite3.Error."""
    if path is not None:
        check_database(path)
        touch(path)
    base = sqlite3.connect(path or "", isolation_level=None, timeout=BUSY_S, check_same_thread=False)
    try:
        base.execute("PRAGMA cache_size = -16384")
        base.execute("BEGIN IMMEDIATE")
        if base.execute("PRAGMA user_version").fetchone()[0] != LAYOUT:
            for kind, name in base.execute("SELECT type, name FROM sqlite_master WHERE type = 'table'").fetchall():
                base.execute(f"DROP {kind} {name}")
            for statement in _TABLES:
                base.execute(statement)
            base.execute(f"PRAGMA user_version = {LAYOUT}")
        base.execute("COMMIT")
        yield Store(base)
    finally:
        base.close()
