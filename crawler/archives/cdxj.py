"""Takes captures from an index of somebody else (CDXJ) that the user names, so that the archives need not be read."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from .. import urls
from ..errors import ArchiveError, UrlError
from ..urls.canonical import Policy
from ..warc.cdxj import REVISIT, Entry, read_line
from .captures import Captures, Kind, NewCapture, digest_key, request_key
from .files import ArchiveFile
from .indexing import is_document, unix_time

ENDINGS = (".cdxj", ".cdxj.gz", ".cdx.gz")
MOST_LINE = 1 << 20
"""Bytes of a line that are read. A line has some hundred."""
MOST_OFFSET = 1 << 62
_STATUS = re.compile(r"[1-9][0-9]{2}", re.ASCII)
MOST_FILES = 1 << 20
_BESIDE = ("", "../archive", "../warc", "archive", "warc")
"""Folders in which the archives of an index stand, as seen from its own."""


def is_index(path: Path) -> bool:
    """Whether this is an index by its name."""
    return path.name.endswith(ENDINGS)


class IndexReader:
    """Puts the captures of an index into ours. `files` grows by the archives that it names."""

    def __init__(self, captures: Captures, policy: Policy, files: list[ArchiveFile]) -> None:
        self._captures = captures
        self._policy = policy
        self._files = files

    def read(self, path: Path, should_stop: Callable[[], bool]) -> int:
        """Reads an index and returns how many of its lines could not be used: those of other methods than GET too.

        Raises ArchiveError for an archive that is missing and for a file that is no index, OSError.
        """
        numbers: dict[str, int] = {}
        unused = 0
        for line in _lines(path):
            if should_stop():
                break
            if line.startswith(b"!") or not line.strip():
                continue
            try:
                taken = self._take(line, path, numbers)
            except (ValueError, KeyError, UrlError, orjson.JSONDecodeError):
                taken = False
            unused += not taken
        return unused

    def _take(self, line: bytes, path: Path, numbers: dict[str, int]) -> bool:
        entry = read_line(line)
        if not entry.url.lower().startswith(("http:", "https:")) or _names_method(line):
            return False
        if not 0 <= entry.offset < MOST_OFFSET:
            return False
        url = urls.parse(entry.url, policy=self._policy).text
        if entry.filename not in numbers:
            if len(numbers) >= MOST_FILES:
                return False
            numbers[entry.filename] = self._find_file(entry.filename, path)
        status = int(entry.status) if _STATUS.fullmatch(entry.status) else 200
        kind = Kind.REVISIT if entry.mime == REVISIT else Kind(0)
        if is_document(entry.mime or "", status) and not url.endswith("/robots.txt"):
            kind |= Kind.DOCUMENT
        self._captures.add(
            NewCapture(
                request_key(url), unix_time(_date(entry)), numbers[entry.filename], entry.offset, status, kind,
                digest_key(entry.digest), url if Kind.DOCUMENT in kind else None,
            )
        )  # fmt: skip
        return True

    def _find_file(self, filename: str, index: Path) -> int:
        """Returns the number of an archive that the index names. Only its last name counts: others wrote it."""
        name = filename.replace("\\", "/").rpartition("/")[2]
        for place in (index.parent / folder / name for folder in _BESIDE):
            if name not in ("", ".", "..") and place.is_file():
                self._files.append(ArchiveFile(str(place), place, is_indexed=True))
                return len(self._files) - 1
        raise ArchiveError(str(index), f"names {name!r}, which stands neither beside it nor in archive/ or warc/")


def _lines(path: Path) -> Iterator[bytes]:
    with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
        while line := file.readline(MOST_LINE):
            yield line


def _names_method(line: bytes) -> bool:
    """Whether the line is about another method than GET: its body is not known by an index."""
    if b'"method"' not in line:
        return False
    return str(orjson.loads(line[line.index(b"{") :]).get("method", "GET")).upper() != "GET"


def _date(entry: Entry) -> str:
    stamp = entry.stamp.ljust(14, "0")
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[8:10]}:{stamp[10:12]}:{stamp[12:14]}Z"
