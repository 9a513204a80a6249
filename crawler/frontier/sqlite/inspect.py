"""Looks at a frontier's file as it is at this moment, without a lock, even while another process crawls."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import orjson

from ... import urls
from ...errors import FrontierError
from ...frontier_protocols import Look
from ...model import Position, Url
from ...policy.traps import MOST_PATTERNS, Novelty, StoredPattern
from ...runtime.layouts import name_copy
from ...runtime.private_files import check_database, copy_file, opener
from ...standing import Known, QueuedSite, Root, SiteTurn, Trap
from ..change import Parking
from ..parking import Parkings
from ..shards import Cut
from . import known, schema
from .file import MAGIC, check_header, check_layout, translate_errors
from .rows import NOTE, SIGN

T = TypeVar("T")

ATTEMPTS = 20
"""Most attempts. A crawl moves its log into the file every few seconds at most; a look takes milliseconds."""
SALTED = 24
"""Length in bytes of the log's header, which changes whenever the log begins anew."""


_LAYOUT_AT = slice(60, 64)
"""The place of `user_version` in a file of SQLite."""
_ROOTS = """
SELECT root.id, root.text, seed.text FROM url AS root LEFT JOIN url AS seed ON seed.id = root.seed
WHERE root.root = 0 AND root.id > 0 AND instr(root.text, ?) ORDER BY root.id LIMIT ?
"""
_FAILED = """
SELECT coalesce(reason, ''), count(*) FROM visit WHERE disposition = 'failed' GROUP BY 1 ORDER BY 2 DESC, 1
"""


class FileLook:
    """A `Look` at an open file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._key = self._meta("key")
        shards: object = self._meta("shards")
        self._cut = Cut(shards if isinstance(shards, int) else 1, self._key)

    def find(self, url: Url) -> Known | None:
        """Returns all that is known of one URL; None: it was never queued."""
        return known.find(self._connection, url, urls.fingerprint(url.text, self._key), self._number(url.site))

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

    def parked(self) -> int:
        """Returns how many URLs are parked."""
        if not self._has("parked"):
            return 0
        return int(self._connection.execute("SELECT count(*) FROM parked").fetchone()[0])

    def site(self, site: str) -> SiteTurn | None:
        """Returns the queue and the turn of a site; None: no URL of it was ever queued."""
        wanted = (self._number(site),)
        row = self._connection.execute("SELECT queued, coalesce(next_at, 0) FROM site WHERE id = ?", wanted)
        found = row.fetchone()
        return found and SiteTurn(*found)

    def busiest(self, limit: int) -> list[QueuedSite]:
        """Returns the sites with the most queued."""
        rows = self._connection.execute(schema.BUSIEST, (limit,))
        return [QueuedSite(Url(text).site, queued, next_at) for text, queued, next_at in rows if text]

    def roots(self, limit: int, near: str = "") -> list[Root]:
        """Returns the roots that scope measures from, in the order of discovery; only those whose URL holds `near`."""
        rows = self._connection.execute(_ROOTS, (near, limit))
        return [Root(row, Url(root), Url(seed) if seed else None) for row, root, seed in rows]

    def queued(self) -> int:
        """Returns how many URLs are queued or out on lease, retries included."""
        [queued] = self._connection.execute("SELECT (SELECT count(*) FROM queue) + count(due) FROM retry").fetchone()
        return int(queued)

    def settled(self) -> Mapping[str, int]:
        """Returns how many URLs ended with each disposition."""
        found: dict[str, int] = orjson.loads(self._meta("settled") or b"{}")
        return found

    def requisites(self) -> int:
        """Returns how many URLs were fetched as requisites."""
        if not self._meta("ways"):
            return 0
        return len(self._connection.execute(schema.REQUISITES_FETCHED).fetchall())

    def failed(self) -> Mapping[str, int]:
        """Returns how many URLs failed, by reason."""
        return dict(self._connection.execute(_FAILED).fetchall())

    def last_visit(self) -> float | None:
        """Returns when the latest visit ended."""
        [at] = self._connection.execute("SELECT max(visited_at) FROM visit").fetchone()
        return at and float(at)

    def next_revisit(self) -> float | None:
        """Returns from when on a page is visited again."""
        if not self._has("revisit"):
            return None
        [at] = self._connection.execute("SELECT min(due) FROM revisit WHERE due IS NOT NULL").fetchone()
        return at and float(at)

    def positions(self) -> Mapping[str, Position]:
        """Returns what each sink, by name, had durably written at the last settle."""
        found: dict[str, Position] = orjson.loads(self._meta("positions") or b"{}")
        return found

    def note(self, name: str) -> object:
        """Returns the note with this name; None: there is none."""
        return orjson.loads(self._meta(NOTE + name) or b"null")

    def _novelty(self) -> Novelty:
        """Returns what the file knows of patterns."""
        if not self._has("pattern"):
            return Novelty("park")
        query = schema.PATTERNS if self._has("parked") else schema.PATTERNS.replace("parked", "0")
        stored = orjson.loads(self._connection.execute(query, (MOST_PATTERNS,)).fetchone()[0])
        return Novelty("park", [StoredPattern(*row) for row in stored])

    def _add_parked(self, traps: Sequence[Trap]) -> Sequence[Trap]:
        """Returns the traps with their parked URLs, and the other patterns that URLs are parked under."""
        if not self._has("parked"):
            return traps
        stored = orjson.loads(self._connection.execute(schema.PARKINGS).fetchone()[0])
        return Parkings((Parking(*parking), number) for *parking, number in stored).combine(traps)

    def _has(self, table: str) -> bool:
        """Returns whether the file has a table: files of older layouts lack some."""
        return bool(self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone())

    def _number(self, site: str) -> int:
        """Returns a site's key in the file."""
        return self._cut.site_id(site) - SIGN

    def _meta(self, name: str) -> bytes:
        row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else b""


def foretell_upgrade(path: Path) -> str:
    """Returns how opening the file for writing will change its layout, for a person; empty: it will not.

    Locks and changes nothing. Raises FrontierError for a layout that only a newer version knows.
    """
    header = b""
    with suppress(OSError), open(path, "rb", opener=opener) as file:
        header = file.read(_LAYOUT_AT.stop)
    if not header.startswith(MAGIC) or len(header) < _LAYOUT_AT.stop:
        return ""
    layout = int.from_bytes(header[_LAYOUT_AT], "big")
    if layout > schema.VERSION:  # a newer one, or one that is cut
        look(path, lambda opened: None)
    if layout >= schema.VERSION:
        return ""
    kept = name_copy(path, layout).name
    return (
        f"{path.name} has layout {layout} and is brought to layout {schema.VERSION}. The file as it was stays as "
        f"{kept}: remove it once you need no older version"
    )


def look(path: Path, ask: Callable[[Look], T]) -> T:
    """Returns the answer of `ask`, which may be called more than once, since the file may change meanwhile. Blocks.

    For other processes than the one that crawls: there, closing a file would give up the crawl's own lock on it
    (POSIX), and `Crawl.ask` answers. Raises FrontierError.
    """
    with translate_errors(path):
        check_database(path)
        for _ in range(ATTEMPTS):
            before = _stamp(path)
            try:
                with _open_twin(path) as connection:
                    answer = ask(FileLook(connection))
            except sqlite3.Error:
                if _stamp(path) == before:
                    raise
            else:
                if _stamp(path) == before:
                    return answer
    raise FrontierError(f"{path} changes too fast to be looked at: try again in a moment")


@contextmanager
def _open_twin(path: Path) -> Iterator[sqlite3.Connection]:
    """Opens the file under another name, with a copy of its log.

    A process that opens a log without a lock may believe that it is the last one to close it, and remove it: the crawl
    would then write to a removed file. So SQLite sees a log of our own, and a file that it may only read.
    """
    check_header(path)
    with _make_folder_near(path) as folder:
        twin = folder / path.name
        try:
            os.link(path, twin, follow_symlinks=False)
        except (OSError, NotImplementedError):  # another file system, or a file system without links
            copy_file(path, twin)
        with suppress(FileNotFoundError):
            copy_file(f"{path}-wal", f"{twin}-wal")
        with closing(sqlite3.connect(f"{twin.as_uri()}?mode=ro&vfs=unix-none", uri=True)) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()  # the log's index in memory, not in a file
            check_layout(connection, path)
            yield connection


@contextmanager
def _make_folder_near(path: Path) -> Iterator[Path]:
    """Yields a folder beside the file, where a link can be made; elsewhere if nothing may be written there."""
    try:
        made = TemporaryDirectory(prefix=".look-", dir=path.resolve().parent)
    except OSError:
        made = TemporaryDirectory(prefix="crawld-")
    with made as name:
        yield Path(name)


def _stamp(path: Path) -> tuple[object, ...]:
    """Returns a stamp that changes whenever written data was moved or overwritten; appending does not change it."""
    status, log = path.stat(), Path(f"{path}-wal")
    try:
        with open(log, "rb", opener=opener) as file:
            header = file.read(SALTED)
    except FileNotFoundError:
        header = b""
    return status.st_ino, status.st_size, status.st_mtime_ns, header
