"""Appends lines to a file, each sealed with a hash over itself and the seal before, so that none can go unseen."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from ..errors import SinkError, StorageFull
from ..runtime.files import is_full, sync_file, sync_folder
from ..runtime.private_files import opener

SEAL = 32
"""Hexadecimal digits of a seal: 128 bits of SHA-256."""
BLOCK = 1 << 16


def seal(before: str, body: str) -> str:
    """Returns the seal of a line whose predecessor has the seal `before`."""
    return sha256(f"{before} {body}".encode()).hexdigest()[:SEAL]


class Chain:
    """A file of sealed lines. What `flush` has written survives the process; `sync` makes it survive a power cut."""

    def __init__(self, path: Path, title: str) -> None:
        """`title` is the first line of a new file."""
        self._path = path
        self._title = title
        self._file = -1
        self._seal = ""
        self._size = 0
        self._lines: list[str] = []
        self._is_synced = True
        self._is_new = False

    @property
    def size(self) -> int:
        """Bytes written."""
        return self._size

    @property
    def last_seal(self) -> str:
        """The seal of the last line, written or not."""
        return self._seal

    def open(self) -> int:
        """Opens the file and cuts off a last line that was torn; returns how many bytes that were. Raises SinkError."""
        with _Translating(self._path):
            self._is_new = not self._path.exists()
            self._file = opener(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            size = os.fstat(self._file).st_size
            self._size, last = _find_last_line(self._file, size)
            torn = size - self._size
            if torn:
                os.ftruncate(self._file, self._size)
            self._seal = last[-SEAL:]
        if not self._size:
            self.add(self._title)
            self.flush()
        return torn

    def add(self, body: str) -> None:
        """Seals a line of ASCII without a line end, for `flush` to write."""
        self._seal = hashed = sha256(f"{self._seal} {body}".encode()).hexdigest()[:SEAL]
        self._lines.append(f"{body} {hashed}\n")

    def flush(self) -> None:
        """Writes all lines that were added, in one call of the system. Raises SinkError, StorageFull."""
        if not self._lines:
            return
        data, self._lines = "".join(self._lines).encode(), []
        self._is_synced = False
        size, written = len(data), 0
        try:
            while written < size:
                written += os.write(self._file, data[written:] if written else data)
        except OSError as error:
            raise _translate(error, self._path) from error
        self._size += written

    def sync(self) -> None:
        """Makes all that was written survive a power cut. Blocks. Raises SinkError, StorageFull."""
        if self._is_synced:
            return
        self._is_synced = True
        with _Translating(self._path):
            sync_file(self._file)
            if self._is_new:
                sync_folder(self._path.parent)
                self._is_new = False

    def reaches(self, size: int, mark: int) -> bool:
        """Whether a line ends at `size`, and its seal begins with the number `mark` (`mark_of`)."""
        if size > self._size:
            return False
        if not size:
            return True
        end = os.pread(self._file, SEAL + 1, max(0, size - SEAL - 1))
        return end.endswith(b"\n") and mark_of(end[:-1].decode("ascii", "replace")) == mark

    def close(self) -> None:
        if self._file >= 0:
            self.flush()
            os.close(self._file)
            self._file = -1


def mark_of(hashed: str) -> int:
    """Returns the first 60 bits of a seal as a number, as the frontier keeps it; -1: it is no seal."""
    try:
        return int(hashed[:15], 16)
    except ValueError:
        return -1


def _find_last_line(file: int, size: int) -> tuple[int, str]:
    """Returns where the last whole line ends, and the end of that line."""
    end, tail = size, b""
    while end > 0 and tail.count(b"\n") < 2:
        begin = max(0, end - BLOCK)
        tail = os.pread(file, end - begin, begin) + tail
        end = begin
    whole, newline, _ = tail.rpartition(b"\n")
    if not newline:
        return 0, ""
    return end + len(whole) + 1, whole.rpartition(b"\n")[2].decode("ascii", "replace")


class _Translating:
    """Translates errors of the system into those of a sink."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Does nothing."""

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, OSError):
            raise _translate(error, self._path) from error


def _translate(error: OSError, path: Path) -> SinkError | StorageFull:
    if is_full(error):
        return StorageFull(f"no space left for {path}: make room and repeat the command")
    return SinkError(f"{path} cannot be written: {error}")
