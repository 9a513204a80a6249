"""Reads lines of JSON back from a file that may still grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from os import SEEK_END
from pathlib import Path
from typing import IO

import orjson

from ...model import Position
from ...records import ALL, Filter, Stretch
from ...runtime.private_files import opener

BLOCK = 1 << 18
SMALL_BLOCK = 1 << 14
"""Bytes read at once where a single record is wanted: most are shorter."""
_BEGINS = b'{"v":1,"url":"'
_LINKS = b'"links":['


class JsonLinesReader:
    """Reads the records in the file `path`. A place is the number of a byte at which a line begins."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, start: int, limit: int, wanted: Filter, most_bytes: int) -> Stretch:
        matches = _matcher(wanted)
        lines: list[bytes] = []
        end, is_last = start, True
        for line in _lines(self._path, start, BLOCK if limit > 1 else SMALL_BLOCK):
            if len(lines) >= limit or end - start >= most_bytes:
                is_last = False
                break
            end += len(line)
            if matches(line):
                lines.append(line)
        return Stretch(lines, end, is_last)

    def start_of_last(self, n: int, wanted: Filter, most_bytes: int) -> int:
        matches, left = _matcher(wanted), n
        first = end = self._size()
        if not end:
            return 0
        for start, line in _lines_back(self._path, end, max(0, end - most_bytes), _marks(wanted)):
            if not line.endswith(b"\n"):  # it is being written
                first = start
            elif left <= 0:
                break
            elif matches(line):
                first, left = start, left - 1
        return first

    def end(self, position: Position | None = None) -> int:
        return self._size() if position is None else position.get(self._path.name, 0)

    def find_links(self, start: int, end: int) -> Iterator[tuple[int, str, int]]:
        at = start
        with open(self._path, "rb", buffering=BLOCK, opener=opener) as file:
            file.seek(at)
            while at < end and (line := file.readline()):
                begin, at = at, at + len(line)
                if line.startswith(_BEGINS) and _LINKS in line:
                    text = line[len(_BEGINS) : line.find(b'"', len(_BEGINS))]
                    yield begin, text.decode("ascii", "replace"), at

    def _size(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0


def _marks(wanted: Filter) -> tuple[bytes, ...]:
    """Returns bytes that every matching line contains. Lines without them need not be parsed as JSON."""
    words = {"disposition": wanted.disposition, "reason": wanted.reason}
    marks = [f'"{name}":"{value}"' for name, value in words.items() if value]
    if wanted.status:
        marks.append(f'"status":{wanted.status[0] if wanted.status.endswith("x") else wanted.status}')
    if wanted.site:
        marks.append(wanted.site)
    return tuple(mark.encode() for mark in marks)


def _matcher(wanted: Filter) -> Callable[[bytes], bool]:
    """Returns a function that says whether a line matches. It compares bytes first, because most lines do not match."""
    marks = _marks(wanted)
    if wanted == ALL:
        return lambda line: True
    return lambda line: all(mark in line for mark in marks) and wanted.wants(orjson.loads(line))


def _lines(path: Path, start: int, block: int) -> Iterator[bytes]:
    """Yields whole lines; a line that is still being written is left for the next time."""
    try:
        file = _open(path, block)
    except FileNotFoundError:
        return
    with file:
        file.seek(min(start, file.seek(0, SEEK_END)))  # a cursor may have been made up
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield line


def _lines_back(path: Path, end: int, least: int, marks: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yields lines from byte `end` backwards to byte `least`, each with its offset.

    Blocks of the file that lack one of the marks are left out.
    """
    tail: list[bytes] = []
    """The end of a line whose beginning was not read yet, block after block backwards."""
    with _open(path) as file:
        while end > least:
            begin = max(least, end - BLOCK)
            file.seek(begin)
            block = file.read(end - begin)
            cut = block.find(b"\n") + 1 if begin else 0
            if begin and not cut:
                tail.append(block)
            else:
                text = block[cut:] + b"".join(reversed(tail))
                if all(mark in text for mark in marks) or not text.endswith(b"\n"):
                    lines = text.splitlines(keepends=True)
                    starts = accumulate(map(len, lines), initial=begin + cut)
                    yield from reversed(list(zip(starts, lines, strict=False)))
                tail = [block[:cut]]
            end = begin


def _open(path: Path, block: int = BLOCK) -> IO[bytes]:
    """Opens the file. Raises FileNotFoundError; Unsafe if it is a link or no ordinary file."""
    return open(path, "rb", buffering=block, opener=opener)
