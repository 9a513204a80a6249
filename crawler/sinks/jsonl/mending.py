"""Finds the lines that a file still holds after damage: a power cut leaves zeros and torn lines."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from ... import urls
from ...model import Position
from ...records import Record, Survivors
from ...runtime.files import sync_file, sync_folder
from ...runtime.private_files import check_place, opener, replace_private_file

LOOKED_AT = 16 << 20
"""Bytes at the end of a file that are checked when it is opened: more than is written before a system syncs it."""
AT_ONCE = 1 << 20
NAMED_AT_ONCE = 4096
_ID = re.compile("[0-9a-f]{16}")


class JsonLinesMender:
    """Mends the file `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def is_whole(self, position: Position, *, is_thorough: bool) -> bool:
        """Whether the settled bytes are there. Unless thorough, checks the last LOOKED_AT of them."""
        length = self._length(position)
        if is_thorough:
            return length == sum(len(line) for _, line in read_lines(self._path, length) if _visit_of(line) is not None)
        return not length or self._is_end_whole(length)

    def find_survivors(self, position: Position, key: bytes) -> Survivors:
        prints, visits, starts, ends = bytearray(), list[int](), list[int](), list[int]()
        named: list[str] = []
        for start, line in read_lines(self._path, length := self._length(position)):
            if (found := _visit_of(line)) is None:
                continue
            named.append(found[0])
            visits.append(found[1])
            starts.append(start)
            ends.append(start + len(line))
            if len(named) == NAMED_AT_ONCE:
                prints += _fingerprints(named, key)
                named.clear()
        prints += _fingerprints(named, key)
        numbers, begun, ended = (np.array(column, np.int64) for column in (visits, starts, ends))
        return Survivors(np.frombuffer(bytes(prints), "<u8"), numbers, begun, ended, length)

    def keep(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Position:
        """Removes all other lines of the file. If a line before others is removed, a new file replaces the old one."""
        path, length = self._path, int((ends - starts).sum())
        if not len(ends) or int(ends[-1]) == length:
            with open(path, "ab", opener=opener) as file:
                file.truncate(length)
                sync_file(file.fileno())
        else:
            with open(path, "rb", opener=opener) as old, replace_private_file(path) as new:
                os.fchmod(new.fileno(), stat.S_IMODE(os.fstat(old.fileno()).st_mode))
                for start, end in _spans(starts, ends):
                    old.seek(start)
                    _copy(old.fileno(), new.fileno(), end - start)
        sync_folder(path.parent)
        return {path.name: length}

    def records(self, position: Position) -> Iterator[Record]:
        for _, line in read_lines(self._path, self._length(position)):
            try:
                record = orjson.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record

    def _length(self, position: Position) -> int:
        return position.get(self._path.name, 0)

    def _is_end_whole(self, length: int) -> bool:
        status = check_place(self._path)
        if status is None or status.st_size < length:
            return False
        with open(self._path, "rb", opener=opener) as file:
            file.seek(max(0, length - LOOKED_AT))
            last = b""
            while (left := length - file.tell()) > 0 and (part := file.read(min(AT_ONCE, left))):
                if b"\0" in part:
                    return False
                last = part
        return last.endswith(b"\n")


def read_lines(path: Path, length: int) -> Iterator[tuple[int, bytes]]:
    """Yields the start of each line, and the line. Zeros before it are skipped, because a record has none."""
    if check_place(path) is None:
        return
    at = 0
    with open(path, "rb", buffering=1 << 18, opener=opener) as file:
        while at < length and (line := file.readline()):
            whole = line[line.rfind(b"\0") + 1 :]
            yield at + len(line) - len(whole), whole
            at += len(line)


def _fingerprints(named: list[str], key: bytes) -> bytes:
    """Returns the fingerprints of URLs, and of requests that are more than that by their ids."""
    if all(":" in text for text in named):
        return urls.fingerprints(named, key)
    return b"".join(urls.fingerprints([text], key) if ":" in text else bytes.fromhex(text)[::-1] for text in named)


def _visit_of(line: bytes) -> tuple[str, int] | None:
    """Returns the URL, or the id of the request, and the number of the visit; None if the line is no whole record."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = orjson.loads(line)
        url, visit, number = record["url"], record["visit"], record.get("request_id", "")
    except (ValueError, TypeError, LookupError):
        return None
    if not (isinstance(url, str) and ":" in url and type(visit) is int and visit > 0):
        return None
    return (url, visit) if number == "" else (number, visit) if _ID.fullmatch(str(number)) else None


def _spans(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yields start and end of each stretch of lines that follow one another."""
    breaks = np.flatnonzero(starts[1:] != ends[:-1])
    firsts, lasts = np.concatenate(([0], breaks + 1)), np.append(breaks, len(ends) - 1)
    yield from zip(starts[firsts].tolist(), ends[lasts].tolist(), strict=True)


def _copy(source: int, target: int, number: int) -> None:
    while number:
        part = os.read(source, min(AT_ONCE, number))
        if not part:
            raise OSError("the file became shorter while it was read")
        number -= len(part)
        view = memoryview(part)
        while view:
            view = view[os.write(target, view) :]
