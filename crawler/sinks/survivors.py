"""Finds the records that an output file still holds after damage: a power cut leaves zeros and torn lines."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from .. import urls
from ..runtime.files import sync_file, sync_folder
from ..runtime.private_files import check_place, opener, replaced

LOOKED_AT = 16 << 20
"""Bytes at the end of a file that are checked when it is opened: more than is written before a system syncs it."""
AT_ONCE = 1 << 20
NAMED_AT_ONCE = 4096


class Survivors(NamedTuple):
    """Whole records in columns: the URL's fingerprint, the number of the visit, start and end of the line."""

    fingerprints: NDArray[np.uint64]
    visits: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


def is_whole(path: Path, length: int) -> bool:
    """Whether the first `length` bytes seem to be there. Checks the last LOOKED_AT of them. Blocks. Raises OSError."""
    if not length:
        return True
    status = check_place(path)
    if status is None or status.st_size < length:
        return False
    with open(path, "rb", opener=opener) as file:
        file.seek(max(0, length - LOOKED_AT))
        last = b""
        while (left := length - file.tell()) > 0 and (part := file.read(min(AT_ONCE, left))):
            if b"\0" in part:
                return False
            last = part
    return last.endswith(b"\n")


def is_whole_throughout(path: Path, length: int) -> bool:
    """Whether the first `length` bytes are records and nothing else. Reads them all. Blocks. Raises OSError."""
    return length == sum(len(line) for _, line in read_lines(path, length) if _visit_of(line) is not None)


def find_survivors(path: Path, length: int, key: bytes) -> Survivors:
    """Returns the whole records in the first `length` bytes, none if there is no file. Blocks. Raises OSError."""
    prints, visits, starts, ends = bytearray(), list[int](), list[int](), list[int]()
    named: list[str] = []
    for start, line in read_lines(path, length):
        if (found := _visit_of(line)) is None:
            continue
        named.append(found[0])
        visits.append(found[1])
        starts.append(start)
        ends.append(start + len(line))
        if len(named) == NAMED_AT_ONCE:
            prints += urls.fingerprints(named, key)
            named.clear()
    prints += urls.fingerprints(named, key)
    numbers = (np.array(column, np.int64) for column in (visits, starts, ends))
    return Survivors(np.frombuffer(bytes(prints), "<u8"), *numbers)


def keep_lines(path: Path, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> int:
    """Removes all other lines of a file, and returns its new length. Blocks. Raises OSError.

    The result survives a power cut. If a line before others is removed, a new file replaces the old one, so that at any
    moment the file is either the old or the new one, and whole.
    """
    length = int((ends - starts).sum())
    if not len(ends) or int(ends[-1]) == length:
        with open(path, "ab", opener=opener) as file:
            file.truncate(length)
            sync_file(file.fileno())
    else:
        with open(path, "rb", opener=opener) as old, replaced(path) as new:
            os.fchmod(new.fileno(), stat.S_IMODE(os.fstat(old.fileno()).st_mode))
            for start, end in _spans(starts, ends):
                old.seek(start)
                _copy(old.fileno(), new.fileno(), end - start)
    sync_folder(path.parent)
    return length


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


def _visit_of(line: bytes) -> tuple[str, int] | None:
    """Returns the URL and the number of the visit; None if the line is no whole record."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = orjson.loads(line)
        url, visit = record["url"], record["visit"]
    except (ValueError, TypeError, LookupError):
        return None
    return (url, visit) if isinstance(url, str) and type(visit) is int and visit > 0 else None


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
