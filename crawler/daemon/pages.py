"""What a crawl wrote, read back a stretch at a time: records by filter, and failures grouped."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from ..metrics import MAX_FAILURES
from ..model import Url

PAGES = "pages.jsonl"
MOST_READ = 4 << 20
"""Bytes looked at for one answer: a filter that matches little goes on with the next request."""
BLOCK = 1 << 18

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records are wanted; empty: all."""

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
        """What a line that is wanted holds somewhere: most others need not be read as JSON."""
        words = {"disposition": self.disposition, "reason": self.reason}
        marks = [f'"{name}":"{value}"' for name, value in words.items() if value]
        if self.status:
            marks.append(f'"status":{self.status[0] if self.status.endswith("x") else self.status}')
        if self.site:
            marks.append(self.site)
        return tuple(mark.encode() for mark in marks)


class Stretch(NamedTuple):
    """Some records, as the lines they were, and where the file goes on."""

    lines: list[bytes]
    end: int
    """Byte offset behind the last line looked at."""
    is_last: bool
    """Whether the file ended there."""


def read(path: Path, start: int, limit: int, wanted: Filter = Filter()) -> Stretch:
    """Up to `limit` records from byte `start` on, a line's beginning. Blocks. A file that is not there is empty."""
    lines: list[bytes] = []
    end, is_last = start, True
    for line in _lines(path, start):
        if len(lines) >= limit or end - start >= MOST_READ:
            is_last = False
            break
        end += len(line)
        if all(mark in line for mark in wanted.marks) and wanted.wants(orjson.loads(line)):
            lines.append(line)
    return Stretch(lines, end, is_last)


def start_of_last(path: Path, n: int) -> int:
    """Where the last `n` records begin; as many as lie in the last MOST_READ bytes at most. Blocks."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        begin = max(0, file.seek(0, os.SEEK_END) - MOST_READ)
        file.seek(begin)
        block = file.read()
    starts = [0] if begin == 0 else []
    starts += [end.end() for end in re.finditer(rb"\n", block)]
    return begin + starts[-n - 1] if len(starts) > n else begin + (starts[0] if starts else len(block))


class Failure(NamedTuple):
    """What failed at one site for one reason: how often, and one example."""

    site: str
    reason: str
    n: int
    example: str


@dataclass(slots=True)
class Failures:
    """The failed visits in one file by site and reason; what was read once is not read again."""

    read_to: int = 0
    groups: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def update(self, path: Path) -> None:
        """Take in what was written since. Blocks."""
        if path.exists() and path.stat().st_size < self.read_to:  # begun anew
            self.read_to, self.groups = 0, {}
        for line in _lines(path, self.read_to):
            self.read_to += len(line)
            if b'"disposition":"failed"' in line:
                self._count(orjson.loads(line))

    def most(self, limit: int) -> list[Failure]:
        """The sites and reasons that failed most."""
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


def _lines(path: Path, start: int) -> Iterator[bytes]:
    """Whole lines; what is being written just now is left for the next time."""
    try:
        file = path.open("rb", buffering=BLOCK)
    except FileNotFoundError:
        return
    with file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield line


def _is_status(status: object, wanted: str) -> bool:
    text = str(status)
    return text[:1] == wanted[:1] if wanted.endswith("xx") else text == wanted


def _is_of(url: str, site: str) -> bool:
    origin = Url(url).site
    return site in (origin, origin.partition("://")[2])
