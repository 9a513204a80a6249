"""Makes a file's bytes and its name survive a power cut."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path


def sync_file(number: int) -> None:
    """Writes the bytes of a file down to the disk itself. Blocks. Raises OSError."""
    if sys.platform == "darwin":
        fcntl.fcntl(number, fcntl.F_FULLFSYNC)  # its fsync leaves the bytes in the disk's own memory
    else:
        os.fsync(number)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable: a name is as durable as its folder. Blocks. Raises OSError."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
