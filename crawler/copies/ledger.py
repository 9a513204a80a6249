"""Notes which files of a crawl folder the store has, so that a killed crawl goes on without holes."""

from __future__ import annotations

import os
from pathlib import Path

import orjson

from ..runtime.files import sync_file
from ..runtime.private_files import check_place, opener

LEDGER = "copied.jsonl"
"""Its name in the crawl folder: a line for each file that the store took."""


class Ledger:
    """Remembers the length of each file when the store took it. Its methods block and raise OSError."""

    def __init__(self, path: Path, to: str) -> None:
        """`to`: the place in the store. Another one has none of the files that this one has."""
        self._path = path
        self._to = to
        self._bytes: dict[str, int] = {}

    def load(self) -> None:
        """Reads what was noted. A line that a kill cut is not counted: that file is copied once more."""
        if check_place(self._path) is None:
            return
        with open(self._path, "rb", opener=opener) as file:
            for line in file.read().split(b"\n"):
                self._take(line)

    def has(self, name: str, size: int) -> bool:
        """Returns whether the store took the file of this name when it had this length."""
        return self._bytes.get(name) == size

    def note(self, name: str, size: int) -> None:
        """Notes, for good, that the store took a file."""
        line = orjson.dumps({"to": self._to, "name": name, "bytes": size})
        with open(self._path, "ab", opener=opener) as file:
            file.write(b"\n" + line + b"\n")  # what a kill left of another line ends here
            file.flush()
            sync_file(file.fileno())
        self._bytes[name] = size

    def _take(self, line: bytes) -> None:
        try:
            said = orjson.loads(line)
            if said["to"] == self._to:
                self._bytes[str(said["name"])] = int(said["bytes"])
        except (ValueError, KeyError, TypeError):
            return


def length_of(path: Path) -> int:
    """Returns the length of a file; -1: there is none. Raises OSError."""
    try:
        return os.stat(path, follow_symlinks=False).st_size
    except FileNotFoundError:
        return -1
