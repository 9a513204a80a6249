"""Opens a file that was cut into shards: several processes may write to it, one after another."""

from __future__ import annotations

import os
import secrets
import sqlite3
from pathlib import Path
from typing import Literal

from ...frontier.sqlite import schema as whole
from ...frontier.sqlite.file import CACHE_KIB, CHECKPOINT_PAGES, KEY_BYTES, check_header, translate_errors
from ...runtime.layouts import SIGNED, sign
from ...runtime.private_files import NotARegularFile, check_database
from ...settings.loading import project_version

PATIENCE_S = 60.0
"""Seconds to wait for SQLite's own lock. Those who write wait for each other before; this is for what reads the log."""


def open_shared(path: Path, durability: Literal["process", "power"]) -> sqlite3.Connection:
    """Opens one of several connections to the file. Raises FrontierError."""
    with translate_errors(path):
        before = check_database(path)
        check_header(path)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=PATIENCE_S)
        try:
            set_up(connection, durability)
            if before is None or not os.path.samestat(before, os.lstat(path)):
                raise NotARegularFile(path, "another file than a moment ago")
            sign(connection, project_version())
        except BaseException:
            connection.close()
            raise
        return connection


def set_up(connection: sqlite3.Connection, durability: Literal["process", "power"]) -> None:
    for pragma in (
        "journal_mode = WAL",
        f"synchronous = {'FULL' if durability == 'power' else 'NORMAL'}",
        f"fullfsync = {int(durability == 'power')}",
        f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        f"cache_size = -{CACHE_KIB}",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def create_in_memory(shards: int, key: bytes | None) -> sqlite3.Connection:
    """Makes an empty crawl in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.executescript(f"PRAGMA user_version = {whole.CUT + whole.VERSION}; {whole.TABLES}")
    rows = [("key", key or secrets.token_bytes(KEY_BYTES)), ("order", "priority"), ("shards", shards)]
    connection.executemany("INSERT INTO meta VALUES (?, ?)", [*rows, (SIGNED, project_version())])
    return connection
