"""Reads a crawl's records back in parts: filtered records, and failures in groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from os import SEEK_END
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from ...metrics.metrics import MAX_FAILURES
from ...model import Url
from ...runtime.private_files import Unsafe, opener
from ..errors import WrongState

PAGES = "pages.jsonl"
MOST_READ = 4 << 20
"""Bytes read for one answer. A filter with few matches continues with the next request."""
MOST_LOOKED = 64 << 20
"""Bytes read backwards from the end of the file, to find the last records that match."""
BLOCK = 1 << 18

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects records. Empty fields match everything."""

    status: str = ""
    """`404`, or `4xx`."""
    site: str = ""
    """Scheme, host and port, or a host alone."""
    disposition: str = ""
    reason: str = ""

    def wants(self, record: Record) -> bool:
        return (
            (not self.status or _is_status(record.get("status"), self.status))
            and (not self.site or _is_of(str(record.get("url")), self.site))
            and (not self.disposition or record.get("disposition") == self.disposition)
            and (not self.reason or record.get("reason") == self.reason)
        )

    @property
    def marks(self) -> tuple[bytes, ...]:
        """Bytes that every matching line contains. Lines without them need not be parsed as JSON."""
        words = {"disposition": self.disposition, "reason": self.reason}
        marks = [f'"{name}":"{value}"' for name, value in words.items() if value]
        if self.status:
            marks.append(f'"status":{self.status[0] if self.status.endswith("x") else self.status}')
        if self.site:
            marks.append(self.site)
        return tuple(mark.encode() for mark in marks)


class Stretch(NamedTuple):
    """A part of the file: matching records as lines, and the position of the next part."""

    lines: list[bytes]
    end: int
    """Byte offset after the last line that was read."""
    is_last: bool
    """Whether the file ends there."""


def read(path: Path, start: int, limit: int, wanted: Filter = Filter(), most_bytes: int = MOST_READ) -> Stretch:
    """Reads up to `limit` records from byte `start`, where a line begins. Blocks. A missing file counts as empty."""
    matches = _matcher(wanted)
    lines: list[bytes] = []
    end, is_last = start, True
    for line in _lines(path, start):
        if len(lines) >= limit or end - start >= most_bytes:
            is_last = False
            break
        end += len(line)
        if matches(line):
            lines.append(line)
    return Stretch(lines, end, is_last)


def start_of_last(path: Path, n: int, wanted: Filter = Filter()) -> int:
    """Returns the offset of the last `n` matching records, within the last MOST_LOOKED bytes. Blocks."""
    matches, left = _matcher(wanted), n
    first = end = path.stat().st_size if path.exists() else 0
    if not end:
        return 0
    for start, line in _lines_back(path, end, wanted.marks):
        if not line.endswith(b"\n"):  # it is being written
            first = start
        elif left <= 0:
            break
        elif matches(line):
            first, left = start, left - 1
    return first


def _lines_back(path: Path, end: int, marks: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yields lines from byte `end` backwards, each with its offset, within the last MOST_LOOKED bytes.

    Blocks of the file that lack one of the marks are left out.
    """
    least = max(0, end - MOST_LOOKED)
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


class Failure(NamedTuple):
    """The failures of one site for one reason: their number and an example."""

    site: str
    reason: str
    n: int
    example: str


@dataclass(slots=True)
class Failures:
    """Counts the failed visits of one file by site and reason. Each part of the file is read once."""

    read_to: int = 0
    groups: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def update(self, path: Path) -> None:
        """Counts the records written since the last call. Blocks."""
        if path.exists() and path.stat().st_size < self.read_to:  # the file was started again
            self.read_to, self.groups = 0, {}
        for line in _lines(path, self.read_to):
            self.read_to += len(line)
            if b'"disposition":"failed"' in line:
                self._count(orjson.loads(line))

    def most(self, limit: int) -> list[Failure]:
        """Returns the sites and reasons with most failures."""
        ranked = sorted(self.groups.items(), key=lambda group: -group[1][0])[:limit]
        return [Failure(site, reason, n, example) for (site, reason), (n, example) in ranked]

    def _count(self, record: Record) -> None:
        if record.get("disposition") != "failed":
            return
        url, reason = str(record["url"]), str(record.get("reason"))
        key = Url(url).site, reason
        n, example = self.groups.get(key, (0, url))
        if n or len(self.groups) < MAX_FAILURES:
            self.groups[key] = n + 1, example


def _matcher(wanted: Filter) -> Callable[[bytes], bool]:
    """Returns a function that says whether a line matches. It compares bytes first, because most lines do not match."""
    marks = wanted.marks
    if wanted == Filter():
        return lambda line: True
    return lambda line: all(mark in line for mark in marks) and wanted.wants(orjson.loads(line))


def _lines(path: Path, start: int) -> Iterator[bytes]:
    """Yields whole lines; a line that is still being written is left for the next time."""
    try:
        file = _open(path)
    except FileNotFoundError:
        return
    with file:
        file.seek(min(start, file.seek(0, SEEK_END)))  # a cursor may have been made up
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield line


def _open(path: Path) -> IO[bytes]:
    """Opens the file. Raises FileNotFoundError; WrongState if it is a link or no ordinary file."""
    try:
        return open(path, "rb", buffering=BLOCK, opener=opener)
    except Unsafe as error:
        raise WrongState(str(error)) from error


def _is_status(status: object, wanted: str) -> bool:
    text = str(status)
    return text[:1] == wanted[:1] if wanted.endswith("xx") else text == wanted


def _is_of(url: str, site: str) -> bool:
    origin = Url(url).site
    return site in (origin, origin.partition("://")[2])
