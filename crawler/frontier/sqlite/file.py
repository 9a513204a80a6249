"""Opens the frontier's file: makes it whole or not at all, and refuses a file that is damaged, in use or not ours."""

from __future__ import annotations

import errno
import logging
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

from ...errors import FrontierError, StorageFull, Unwritable
from ...runtime.files import is_full, replace_file
from ...runtime.layouts import SIGNED, NoRoom, describe_newer, keep_copy, layout_of, sign, upgrade
from ...runtime.private_files import NotARegularFile, Unsafe, check_database, check_place, opener, touch
from ...settings.loading import project_version
from . import schema

log = logging.getLogger(__name__)

MAGIC = b"SQLite format 3\x00"
KEY_BYTES = 16
CACHE_KIB = 16_384
CHECKPOINT_PAGES = 4000
"""Pages written to the log before they go to their places: a page that changes often is then written there once."""
CHECKED_BYTES = 256 << 20
"""A file up to this size, about two million URLs, is checked when it is opened.

Measured at 257 MiB: 0.5 s of CPU beside the 0.7 s that opening takes, and 4 s where a slow disk must first be read.
"""
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def open_file(path: Path, durability: Literal["process", "power"], *, keeps_older: bool = True) -> sqlite3.Connection:
    """Opens the only connection to the file, with the write lock held. Raises FrontierError.

    A file of an older layout is brought to ours; with `keeps_older` a copy of it as it was stays beside it.
    """
    with translate_errors(path):
        before = check_database(path) or create(path)
        connection = _connect(path, durability, before)
        if (older := layout_of(connection)) < schema.VERSION:
            connection.close()  # moves the log into the file, which then is whole by itself
            if keeps_older:
                _keep_older(path, older)
            connection = _connect(path, durability, before)
        try:
            upgrade(connection, schema.UPGRADES, schema.VERSION)
            sign(connection, project_version())
        except BaseException:
            connection.close()
            raise
        return connection


def _keep_older(path: Path, older: int) -> None:
    """Keeps a copy of a file that is about to be upgraded. Raises if somebody writes to the file meanwhile."""
    log.info("%s has layout %d and is brought to layout %d; first a copy is kept", path, older, schema.VERSION)
    before = os.lstat(path)
    kept = keep_copy(path, older)
    if (before.st_size, before.st_mtime_ns) != ((now := os.lstat(path)).st_size, now.st_mtime_ns):
        raise sqlite3.OperationalError("database is locked: it changed while it was copied")
    log.info("the file as it was is kept as %s: remove it once you need no older version", kept)


def _connect(path: Path, durability: Literal["process", "power"], before: os.stat_result) -> sqlite3.Connection:
    check_header(path)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.2)
    try:
        _set_up(connection, durability)
        if not os.path.samestat(before, os.lstat(path)):
            raise NotARegularFile(path, "another file than a moment ago")
        _check(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Translates SQLite and OS errors into FrontierError."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translate_sqlite_error(path, error) from error
    except UnicodeDecodeError as error:  # SQLite quotes text that it cannot decode
        raise _damage_error(path, "what it holds is no text") from error
    except OSError as error:
        raise _translate_os_error(path, error) from error


def _translate_os_error(path: Path, error: OSError) -> FrontierError:
    if isinstance(error, Unsafe):
        return FrontierError(str(error))
    if isinstance(error, NoRoom):
        return StorageFull(str(error))
    text = error.strerror or str(error)
    if error.errno in _READ_ONLY:
        return Unwritable(f"{path} cannot be written ({text}): fix that and run the same command again")
    kind = StorageFull if is_full(error) else FrontierError
    return kind(f"{path}: {text}")


def _translate_sqlite_error(path: Path, error: sqlite3.Error) -> FrontierError:
    text = str(error)
    if is_full(error):
        return StorageFull(f"no space left for {path} ({text}): make room and run the same command again")
    if "readonly" in text or "disk I/O" in text:
        return Unwritable(f"{path} cannot be written ({text}): fix that and run the same command again")
    if "locked" in text or "busy" in text:
        return FrontierError(f"{path} is in use by another process: stop that crawl, or give this one another folder")
    if isinstance(error, sqlite3.OperationalError) and "malformed" not in text:
        return FrontierError(f"{path} cannot be used: {text}")
    return _damage_error(path, text)


def _damage_error(path: Path, why: str) -> FrontierError:
    cure = "restore it from a copy, try `crawl repair FOLDER`, or start over with --fresh"
    return FrontierError(f"{path} is damaged ({why}): {cure}")


@contextmanager
def translate_damage(path: Path) -> Iterator[None]:
    """Translates errors of the first reading into FrontierError: data that we did not write so is damage, not a bug."""
    try:
        yield
    except (ValueError, TypeError, LookupError) as error:
        raise _damage_error(path, f"what it holds cannot be read: {type(error).__name__}") from error


def create(path: Path, key: bytes | None = None) -> os.stat_result:
    """Makes a new file, under another name first, so that a file of the right name is always whole; returns its status.

    Only its owner may read it, and the files that SQLite puts beside it: these get its mode.
    """
    draft = path.with_name(path.name + ".new")
    for left in (draft, Path(f"{draft}-journal"), Path(f"{path}-wal"), Path(f"{path}-shm")):
        if check_place(left):
            left.unlink()
    touch(draft)
    with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
        connection.executescript(
            f"PRAGMA application_id = {schema.APPLICATION_ID}; PRAGMA user_version = {schema.VERSION};"
            f"BEGIN; {schema.TABLES}; COMMIT;"
        )
        rows = [("key", key or secrets.token_bytes(KEY_BYTES)), ("order", "priority"), (SIGNED, project_version())]
        connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)
    replace_file(draft, path)
    return os.lstat(path)


def check_header(path: Path) -> None:
    """Raises FrontierError for a file that is not SQLite's. SQLite itself would say so too late or too kindly."""
    with open(path, "rb", opener=opener) as file:
        begins = file.read(len(MAGIC))
    if begins == MAGIC:
        return
    if not begins.strip(b"\x00"):
        raise _damage_error(path, "it is empty")
    raise FrontierError(f"{path} is not a crawl's frontier: restore the right one, or start over with --fresh")


def _set_up(connection: sqlite3.Connection, durability: Literal["process", "power"]) -> None:
    for pragma in (
        "locking_mode = EXCLUSIVE",
        "journal_mode = WAL",
        f"synchronous = {'FULL' if durability == 'power' else 'NORMAL'}",
        f"fullfsync = {int(durability == 'power')}",  # macOS: down to the disk itself
        f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        f"cache_size = -{CACHE_KIB}",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.execute("BEGIN IMMEDIATE")  # takes the lock, and keeps it
    connection.execute("COMMIT")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raises if the file is not ours, cannot be read or lacks its end; a file up to CHECKED_BYTES is read whole."""
    check_layout(connection, path)
    if layout_of(connection) > schema.CUT:
        raise FrontierError(f"{path} is cut for several event loops, and this command knows only whole ones so far")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    [pages] = connection.execute("PRAGMA page_count").fetchone()
    [page_size] = connection.execute("PRAGMA page_size").fetchone()
    if path.stat().st_size < pages * page_size:
        raise sqlite3.DatabaseError("the end of the file is missing")
    if pages * page_size <= CHECKED_BYTES:
        check_inside(connection)


def check_inside(connection: sqlite3.Connection) -> None:
    """Raises sqlite3.DatabaseError if pages do not fit together, or the queue differs from its sites' counts."""
    [found] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(" ".join(found.replace("*** in database main ***", "SQLite finds:").split()))
    queued, counted = connection.execute(schema.QUEUED).fetchone()
    if queued != counted:
        raise sqlite3.DatabaseError(f"{queued} URLs in its queue, but its sites count {counted}")


def check_layout(connection: sqlite3.Connection, path: Path) -> None:
    """Raises FrontierError if the file is not ours or has a layout that we cannot read."""
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if application != schema.APPLICATION_ID:
        raise FrontierError(f"{path} is not a crawl's frontier but another program's database: leave it where it is")
    if version not in schema.READABLE:
        raise FrontierError(describe_newer(connection, path, schema.VERSION, project_version()))
