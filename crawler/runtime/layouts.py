"""Brings databases of an older layout to the one of today, and keeps a copy of each as it was.

`kill -9` at any instant leaves the old file or the new one: the copy gets its name when it is whole, and all steps of
an upgrade are one transaction.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .escaping import escape_text
from .files import replace_file, sync_file
from .private_files import DRAFT, check_place, clone_file, copy_file, opener

SIGNED = "written_by"
"""The row of `meta` that holds the version which wrote a database last."""
SPARE_BYTES = 16 << 20
"""Room that is left on the disk beside the copy, for the upgrade itself."""


class NoRoom(OSError):
    """Raised where there is no room for the copy. Nothing was changed."""

    def __init__(self, path: Path, needed: int, free: int) -> None:
        need, left = (f"{number / 1e6:,.0f} MB" for number in (needed, free))
        super().__init__(
            errno.ENOSPC,
            f"{path} has an older layout. A copy of it is kept before it is brought to the one of today: that takes "
            f"{need}, and {left} are free. Make room and run the same command again; nothing was changed",
        )

    def __str__(self) -> str:
        return str(self.strerror)


def layout_of(connection: sqlite3.Connection) -> int:
    """Returns the number of a database's layout; 0 for a new one."""
    [layout] = connection.execute("PRAGMA user_version").fetchone()
    return int(layout)


def name_copy(path: Path, layout: int) -> Path:
    """Returns the name of the copy that is kept of a database in this layout: `frontier.sqlite.layout-2`."""
    return path.with_name(f"{path.name}.layout-{layout}")


def keep_copy(path: Path, layout: int) -> Path:
    """Keeps a copy of a database that nobody has open, and returns its place. Blocks. Raises NoRoom, OSError.

    Where the file system can, the copy shares its bytes with the original until one of them changes: then it takes no
    room and no time. An older copy of the same layout is replaced.
    """
    kept = name_copy(path, layout)
    draft = Path(f"{kept}{DRAFT}")
    _remove(draft)
    try:
        if not clone_file(path, draft):
            _check_room(path)
            copy_file(path, draft)
        with open(draft, "rb", opener=opener) as file:
            sync_file(file.fileno())
        check_place(kept)
        replace_file(draft, kept)
    except BaseException:
        _remove(draft)
        raise
    return kept


def upgrade(connection: sqlite3.Connection, steps: Mapping[int, str], layout: int) -> None:
    """Brings an open database to `layout`: `steps` has the statements that lead from each older layout to the next.

    It is one transaction. Raises sqlite3.Error.
    """
    wanted = [steps[old] for old in range(layout_of(connection), layout)]
    if not wanted:
        return
    try:
        connection.executescript(f"BEGIN IMMEDIATE;{';'.join(wanted)};PRAGMA user_version = {layout};COMMIT;")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def sign(connection: sqlite3.Connection, version: str) -> None:
    """Notes in the table `meta` that this version writes the database, so that an older one can name it."""
    if version != _read_signature(connection):
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (SIGNED, version))


def describe_newer(connection: sqlite3.Connection, path: Path, layout: int, version: str) -> str:
    """Returns why this version, which knows layouts up to `layout`, refuses a database, and what to do."""
    writer = escape_text(_read_signature(connection)[:40]) or "of an unknown version"
    return (
        f"{path} was written by crawld {writer} (layout {layout_of(connection)}); this is {version}, which reads "
        f"layouts up to {layout}: use that version or a later one. Nothing was changed"
    )


def _read_signature(connection: sqlite3.Connection) -> str:
    with suppress(sqlite3.Error):
        row = connection.execute("SELECT value FROM meta WHERE name = ?", (SIGNED,)).fetchone()
        return str(row[0]) if row else ""
    return ""


def _check_room(path: Path) -> None:
    needed, free = path.stat().st_size + SPARE_BYTES, shutil.disk_usage(path.parent).free
    if free < needed:
        raise NoRoom(path, needed, free)


def _remove(draft: Path) -> None:
    if check_place(draft) is not None:
        draft.unlink()
