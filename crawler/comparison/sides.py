"""Reads one side of a comparison from records: those of a crawl folder, or of an export as lines of JSON."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

import orjson

from ..errors import ConfigError, FolderError
from ..export.source import read_source
from ..folder.folder import read_folder, translate_os_errors
from ..records import ALL, Record
from ..reports import without_heavy_fields
from ..runtime.nearest import did_you_mean_file
from ..runtime.ownership import Trust
from ..settings import Config
from .table import Row

PART_RECORDS = 64
"""Records that are read again for the text of one. Few: their texts may be long."""
MOST_LINE = 256 << 20
"""Bytes of a line of an export. Records are smaller."""
_TEXT = b',"text":"'
_FIELDS = ("disposition", "reason", "status", "digest", "simhash", "robots", "location", "title", "length")
_NUMBERS = frozenset({"status", "length"})


class Facts(NamedTuple):
    """Facts that are only looked up of a page that changed."""

    text: str | None
    simhash: str | None
    robots: str | None
    title: str | None


class Side(Protocol):
    """One side of a comparison."""

    name: str
    """Its name for people."""
    is_archive: bool
    """Whether it is a web archive, whose pages are only read where they changed."""

    def rows(self) -> Iterator[Row]:
        """Yields a row for each record. Raises FolderError, ConfigError, FrontierError, ArchiveError, OSError."""
        ...

    def facts(self, row: Row) -> Facts:
        """Returns what is only known of a record or capture that is read again. Raises as `rows` does."""
        ...


class FolderSide:
    """A crawl folder; a crawl may run in it."""

    is_archive = False

    def __init__(self, path: Path, trust: Trust) -> None:
        self.name: str = str(path)
        folder = read_folder(path, Config(), trust=trust)
        self._path = path
        with translate_os_errors(path):
            self._source = read_source(folder)
        if self._source.reader is None:
            raise FolderError(f"{path} has no output that can be read back: it needs one of kind jsonl")
        self._reader = self._source.reader
        self._keeps_text = False

    def rows(self) -> Iterator[Row]:
        start = 0
        with translate_os_errors(self._path):
            while start < self._source.end:
                part = self._reader.read(start, PART_RECORDS, ALL, self._source.end - start)
                for nth, line in enumerate(part.lines):
                    self._keeps_text = self._keeps_text or _TEXT in line
                    if row := read_row(line, start, nth):
                        yield row
                if part.end == start:
                    return
                start = part.end

    def facts(self, row: Row) -> Facts:
        text = None
        if self._keeps_text:
            with translate_os_errors(self._path):
                lines = self._reader.read(row.part, PART_RECORDS, ALL, self._source.end - row.part).lines
            text = _text(lines[row.nth]) if row.nth < len(lines) else None
        return Facts(text, row.simhash, row.robots, row.title)


class ExportSide:
    """A file with a record on each line, as `crawl export -f jsonl` writes it, or with some of its fields."""

    is_archive = False

    def __init__(self, path: Path) -> None:
        self.name: str = str(path)
        self._path = path
        self._keeps_text = False

    def rows(self) -> Iterator[Row]:
        found = 0
        with _open(self._path) as file:
            at = 0
            while line := file.readline(MOST_LINE):
                self._keeps_text = self._keeps_text or _TEXT in line
                if row := read_row(line, at, 0):
                    found += 1
                    yield row
                at += len(line)
        if at and not found:
            raise ConfigError(f"{self._path}: no crawl folder, no WARC, and no line of it is a record with a url")

    def facts(self, row: Row) -> Facts:
        text = None
        if self._keeps_text:
            with _open(self._path) as file:
                file.seek(row.part)
                text = _text(file.readline(MOST_LINE))
        return Facts(text, row.simhash, row.robots, row.title)


def read_row(line: bytes, part: int, nth: int) -> Row | None:
    """Returns what is compared of a record; None: the line is none."""
    try:
        record = orjson.loads(without_heavy_fields(line))
        if not isinstance(record, dict) or not isinstance(record.get("url"), str):
            return None
        values: dict[str, Any] = {name: _value(record, name) for name in _FIELDS}
        visit = record.get("visit")
        return Row(_key(record), float(visit) if isinstance(visit, int) else 0.0, **values, part=part, nth=nth)
    except orjson.JSONDecodeError:
        return None


def check_place(path: Path) -> None:
    """Raises ConfigError for a path that is not there or cannot be read."""
    if not path.exists():
        raise ConfigError(f"{path}: no such file{did_you_mean_file(path)}")
    if not os.access(path, os.R_OK):
        raise ConfigError(f"{path} cannot be read: permission denied")


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb", buffering=1 << 18)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _key(record: Record) -> str:
    request = [str(record[name]) for name in ("method", "request_id") if record.get(name)]
    return " ".join([record["url"], *request])


def _value(record: Record, name: str) -> object:
    """Returns a field, where it has the type that it should have: strangers may have written the file."""
    value = record.get(name)
    if name in _NUMBERS:
        return value if type(value) is int and abs(value) < 1 << 62 else None
    return value if isinstance(value, str) else None


def _text(line: bytes) -> str | None:
    try:
        text = orjson.loads(line).get("text")
    except (orjson.JSONDecodeError, AttributeError):
        return None
    return text if isinstance(text, str) else None
