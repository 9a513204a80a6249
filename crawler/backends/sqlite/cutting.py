"""Cuts the file of a crawl into shards: each row gets the number that it has in its shard. One transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ... import urls
from ...frontier.shards import Cut, base_of
from ...frontier.sqlite import schema as whole
from ...frontier.sqlite.file import open_file, translate_damage, translate_errors
from ...frontier.sqlite.rows import SIGN
from ...runtime.layouts import layout_of
from . import schema

ROWS_AT_ONCE = 50_000
Tell = Callable[[int, int], None]
"""Told how many URLs have their new numbers, and how many there are."""


def is_cut(path: Path) -> bool:
    """Returns whether the file is one that was cut. Locks and changes nothing."""
    header = b""
    with suppress(OSError), open(path, "rb") as file:
        header = file.read(64)
    return len(header) == 64 and int.from_bytes(header[60:64], "big") > whole.CUT


def cut_file(path: Path, shards: int, durability: Literal["process", "power"], tell: Tell | None = None) -> None:
    """Cuts a file, new if there is none. After a kill it is as before or cut. Blocks. Raises FrontierError."""
    connection = open_file(path, durability)
    with translate_errors(path), translate_damage(path), closing(connection):
        connection.executescript(whole.REVISIT + whole.PATTERN + whole.ASIDE + whole.EXTRA)
        connection.execute("BEGIN IMMEDIATE")
        try:
            _Cutting(connection, shards, tell or _tell_nobody).cut()
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise


class _Cutting:
    """One cut, within an open transaction."""

    def __init__(self, connection: sqlite3.Connection, shards: int, tell: Tell) -> None:
        self._connection = connection
        key = connection.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()[0]
        self._key = key
        self._cut = Cut(shards, key)
        self._shards = shards
        self._tell = tell
        [self._known] = connection.execute("SELECT count(*) FROM url WHERE id > 0").fetchone()

    def cut(self) -> None:
        run = self._connection.execute
        run("CREATE TEMP TABLE moved (old INTEGER PRIMARY KEY, new INTEGER NOT NULL)")
        run("CREATE TEMP TABLE renamed (old INTEGER PRIMARY KEY, new INTEGER NOT NULL)")
        rows = self._number_rows()
        self._rename_sites()
        self._move_tables()
        self._move_seen(rows)
        self._move_pairs(rows)
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('shards', ?)", (self._shards,))
        self._count_pages()
        for statement in filter(str.strip, schema.TABLES.split(";")):
            run(statement)
        self._move_claims(rows)
        for table in ("moved", "renamed"):
            run(f"DROP TABLE temp.{table}")
        run(f"PRAGMA user_version = {whole.CUT + layout_of(self._connection)}")

    def _number_rows(self) -> NDArray[np.int64]:
        """Returns the new number of each row, by the old one; names get theirs among those of shard 0."""
        counts: dict[int, int] = {}
        rows = np.zeros(self._known + 1, np.int64)
        done = 0
        for part in self._parts("SELECT id, text FROM url WHERE id > ? ORDER BY id LIMIT ?"):
            moved = []
            for row, text in part:
                shard = self._cut.shard_of(text)
                counts[shard] = counts.get(shard, 0) + 1
                rows[row] = base_of(shard) + counts[shard]
                moved.append((row, int(rows[row])))
            self._connection.executemany("INSERT INTO moved VALUES (?, ?)", moved)
            self._tell(done := done + len(part), self._known)
        return rows

    def _rename_sites(self) -> None:
        """Finds the new numbers of sites and of the patterns under which URLs wait."""
        found = set[str]()
        for part in self._parts("SELECT id, substr(text, 1, instr(substr(text, 9), '/') + 7) FROM url "
                                "WHERE id > ? ORDER BY id LIMIT ?"):  # fmt: skip
            found.update(site for _, site in part)
        names = found | {name for (name,) in self._connection.execute("SELECT name FROM parking")}
        self._connection.executemany(
            "INSERT OR IGNORE INTO renamed VALUES (?, ?)",
            [(urls.fingerprint(name, self._key) - SIGN, self._cut.site_id(name) - SIGN) for name in names],
        )

    def _move_tables(self) -> None:
        """Gives rows and sites their new numbers, each table by way of numbers that none has."""
        run = self._connection.execute
        for column in ("via", "seed", "root"):
            run(f"UPDATE url SET {column} = (SELECT new FROM moved WHERE old = {column}) WHERE {column} > 0")
        for table in ("url", "retry", "visit", "revisit", "parked", "reread", "owed", "extra"):
            self._rebuild(table, "moved", "id")
        self._rebuild("site", "renamed", "id")
        self._rebuild("parking", "renamed", "id")
        run("UPDATE parked SET pattern = (SELECT new FROM renamed WHERE old = pattern)")
        run("CREATE TEMP TABLE kept AS SELECT r.new AS site, rank, m.new AS id FROM queue JOIN moved m ON m.old = id "
            "JOIN renamed r ON r.old = site")  # fmt: skip
        run("DELETE FROM queue")
        run("INSERT INTO queue SELECT site, rank, id FROM kept ORDER BY site, rank, id")
        run("DROP TABLE temp.kept")

    def _rebuild(self, table: str, numbers: str, column: str) -> None:
        run = self._connection.execute
        names = [row[1] for row in run(f"PRAGMA table_info({table})").fetchall()]
        others = "".join(f", t.{name}" for name in names if name != column)
        run(f"CREATE TEMP TABLE kept AS SELECT coalesce(m.new, t.{column}) AS {column}{others} "
            f"FROM {table} AS t LEFT JOIN {numbers} AS m ON m.old = t.{column}")  # fmt: skip
        run(f"DELETE FROM {table}")
        run(f"INSERT INTO {table} ({', '.join([column, *[n for n in names if n != column]])}) "
            f"SELECT * FROM kept ORDER BY {column}")  # fmt: skip
        run("DROP TABLE temp.kept")

    def _move_seen(self, rows: NDArray[np.int64]) -> None:
        blobs = self._connection.execute("SELECT fingerprints FROM seen ORDER BY first").fetchall()
        prints = np.frombuffer(b"".join(blob for (blob,) in blobs), "<u8")
        self._connection.execute("DELETE FROM seen")
        new = rows[1:]
        order = np.argsort(new, kind="stable")
        shards = new[order] >> 28
        for start, end in _runs(shards):
            part = prints[order[start:end]]
            self._connection.execute("INSERT INTO seen VALUES (?, ?)", (int(new[order[start]]), part.tobytes()))

    def _move_pairs(self, rows: NDArray[np.int64]) -> None:
        blobs = self._connection.execute("SELECT pairs FROM outside ORDER BY id").fetchall()
        self._connection.execute("DELETE FROM outside")
        if not blobs:
            return
        pairs = np.frombuffer(b"".join(blob for (blob,) in blobs), "<u8").reshape(-1, 2).copy()
        pairs[:, 1] = rows[pairs[:, 1].astype(np.int64)].astype(np.uint64)
        pairs = pairs[np.argsort(pairs[:, 1], kind="stable")]
        shards = pairs[:, 1].astype(np.int64) >> 28
        for start, end in _runs(shards):
            place = base_of(int(shards[start])) + 1
            self._connection.execute("INSERT INTO outside VALUES (?, ?)", (place, pairs[start:end].tobytes()))

    def _move_claims(self, rows: NDArray[np.int64]) -> None:
        blobs = self._connection.execute("SELECT pairs FROM claim ORDER BY id").fetchall()
        pairs = np.frombuffer(b"".join(blob for (blob,) in blobs), "<u8").reshape(-1, 2)
        self._connection.executemany(
            "INSERT OR IGNORE INTO content (mark, row) VALUES (?, ?)",
            [(mark - SIGN, int(rows[row])) for mark, row in pairs.tolist()],
        )
        self._connection.execute("DELETE FROM claim")

    def _count_pages(self) -> None:
        run = self._connection.execute
        [fetched] = run("SELECT count(*) FROM visit WHERE disposition = 'fetched'").fetchone()
        [requisites] = run(f"SELECT count(*) FROM ({whole.REQUISITES_FETCHED})").fetchone()
        run("INSERT OR REPLACE INTO meta VALUES ('pages', ?)", (fetched - requisites,))

    def _parts(self, query: str) -> Iterator[list[tuple[int, str]]]:
        after = 0
        while part := self._connection.execute(query, (after, ROWS_AT_ONCE)).fetchall():
            yield part
            after = part[-1][0]


def _runs(shards: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yields where each shard begins and ends among numbers that are in order."""
    if not len(shards):
        return
    starts = [0, *(np.flatnonzero(np.diff(shards)) + 1).tolist()]
    yield from zip(starts, [*starts[1:], len(shards)], strict=True)


def _tell_nobody(done: int, known: int) -> None:
    """Does nothing: nobody wants to know how far it is."""
