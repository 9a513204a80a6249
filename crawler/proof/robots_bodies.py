"""Keeps the bytes of each robots.txt once, in one file that is only appended to."""

from __future__ import annotations

import os
import re
from hashlib import sha256
from pathlib import Path

from ..runtime.files import sync_file
from ..runtime.private_files import opener

BODIES = "robots.kept"
"""The name of the file in a crawl folder."""
_HEAD = re.compile(rb"([0-9a-f]{64}) ([0-9]{1,9})\n")
_MOST_HEAD = 80


class RobotsBodies:
    """A file of bodies: before each stands its SHA-256 and its length, after it a line end. Calls block briefly."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self._known: set[bytes] = set()
        self._is_synced = True

    def open(self) -> None:
        """Opens the file, and cuts off a body that was torn. Raises OSError."""
        self._file = opener(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        size, at = os.fstat(self._file).st_size, 0
        while head := _HEAD.match(os.pread(self._file, _MOST_HEAD, at)):
            end = at + head.end() + int(head[2]) + 1
            if end > size:
                break
            self._known.add(bytes.fromhex(head[1].decode()))
            at = end
        os.ftruncate(self._file, at)

    def keep(self, body: bytes) -> str:
        """Stores a body, unless it is known; returns its digest, in hexadecimal digits. Raises OSError."""
        digest = sha256(body)
        if digest.digest() not in self._known:
            self._known.add(digest.digest())
            data = b"%s %d\n%s\n" % (digest.hexdigest().encode(), len(body), body)
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
            self._is_synced = False
        return digest.hexdigest()

    def sync(self) -> None:
        """Makes all bodies survive a power cut. Raises OSError."""
        if not self._is_synced:
            self._is_synced = True
            sync_file(self._file)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
