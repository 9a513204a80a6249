"""Makes a file's bytes and its name survive a power cut, and knows the errors of a full disk."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from pathlib import Path

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SQLITE_FULL = 13


def is_full(error: Exception) -> bool:
    """Whether an error of the system or of SQLite says that nothing more can be written until there is room.

    The disk is full, or a quota, or the file is as large as this file system or this process may make one.
    """
    if isinstance(error, OSError):
        return error.errno in _FULL
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == _SQLITE_FULL  # the other bits say more exactly what


def sync_file(number: int) -> None:
    """Writes the bytes of a file down to the disk itself. Blocks. Raises OSError."""
    if sys.platform == "darwin":
        fcntl.fcntl(number, fcntl.F_FULLFSYNC)  # its fsync leaves the bytes in the disk's own memory
    else:
        os.fsync(number)


def replace_file(draft: Path, place: Path) -> None:
    """Gives a whole file the name of another one, for good: a power cut leaves one or the other. Raises OSError."""
    os.replace(draft, place)
    sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable: a name is as durable as its folder. Blocks. Raises OSError."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
