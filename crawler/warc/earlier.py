"""Finds bodies that earlier crawls hold, in a sorted file on the disk, so that a crawl need not store them again."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import IO

from ..errors import ArchiveError, ConfigError
from ..runtime.private_files import opener, replace_private_file
from .cdxj import REVISIT, Entry, read_line
from .indexing import index_file
from .records import Referred
from .sorting import sort_lines
from .unpacking import Window

NAME = "earlier.captures"
"""The file in the folder of a crawl's WARC files."""
MOST_LINE = 1 << 16
MOST_EQUAL = 1000
"""Captures of one body among which one of the same URL is looked for."""
_ARCHIVES = (".warc", ".warc.gz")
_INDEXES = (".cdxj", ".cdxj.gz")
_BARE = re.compile("[A-Z2-7]{32}")
"""A sha1 in base32 as older indexes have it, without its name."""
_BLOCK = 1 << 12


class EarlierCaptures:
    """Looks captures up in the sorted file. Its memory does not grow with the file. All calls block."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._file = open(path, "rb", buffering=0, opener=opener)  # noqa: SIM115  close() closes it
        self._size = os.fstat(self._file.fileno()).st_size
        self._start = len(self._line(0))

    def find(self, digest: str, url: str) -> Referred | None:
        """Returns the earliest capture with this payload digest, or one of this URL if there is one. Raises OSError."""
        key = digest.encode() + b" "
        at, first = self._first(key), b""
        for _ in range(MOST_EQUAL):
            line = self._line(at)
            if not line.startswith(key):
                break
            first = first or line
            if line.endswith(f" {url}\n".encode()):
                return _read(line)
            at += len(line)
        return _read(first) if first else None

    def close(self) -> None:
        self._file.close()

    def _first(self, key: bytes) -> int:
        """Returns the place of the first line that does not stand before the key."""
        low, high = self._start, self._size
        while low < high:
            middle = (low + high) // 2
            begin = low if middle == low else middle - 1 + len(self._line(middle - 1))
            if begin >= high:
                high = middle
                continue
            line = self._line(begin)
            if line < key:
                low = begin + len(line)
            else:
                high = middle
        return low

    def _line(self, at: int) -> bytes:
        """Returns the bytes from a place to the end of its line."""
        found = b""
        while piece := os.pread(self._file.fileno(), _BLOCK, at + len(found)):
            end = piece.find(b"\n") + 1
            found += piece[:end] if end else piece
            if end:
                break
        return found


def open_earlier(folder: Path, sources: Sequence[str]) -> EarlierCaptures:
    """Opens the sorted file in `folder`, which holds what `sources` say: folders with WARC files, WARC files, indexes.

    It is made again where a source has changed. Where one is gone, the file stays as it is. Raises ConfigError for a
    source that is not there and was never read, ArchiveError for one that cannot be read, OSError.
    """
    path = folder / NAME
    files, gone = [], ""
    for source in sources:
        found = find_files(Path(source))
        gone = gone or ("" if found else source)
        files += found
    head = b"# " + _fingerprint(files).encode() + b"\n"
    if not path.exists() or (not gone and _head(path) != head):
        if gone:
            raise ConfigError(f"warc.dedupe_with: {gone} is neither an index (.cdxj) nor a folder with WARC files")
        with sort_lines(_lines(files), folder) as lines, replace_private_file(path) as file:
            file.write(head)
            file.writelines(lines)
    return EarlierCaptures(path)


def find_files(source: Path) -> list[Path]:
    """Returns the whole WARC files of a source, or its indexes; none: it is no source."""
    if source.is_file():
        return [source] if source.name.endswith((*_ARCHIVES, *_INDEXES)) else []
    inside = sorted({*source.glob("*"), *source.glob("*/*")}) if source.is_dir() else []
    return [path for path in inside if path.name.endswith(_ARCHIVES) and path.is_file()]


def _fingerprint(files: Sequence[Path]) -> str:
    """Returns what changes when one of the files does."""
    known = [(str(path), (status := path.stat()).st_size, status.st_mtime_ns) for path in sorted(files)]
    return blake2b(repr(known).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _head(path: Path) -> bytes:
    with open(path, "rb", opener=opener) as file:
        return file.readline(_BLOCK)


def _lines(files: Iterable[Path]) -> Iterator[bytes]:
    """Yields a line for each capture with a body of its own: digest, second, URL."""
    for path in files:
        for entry in _entries(path):
            digest = f"sha1:{entry.digest}" if _BARE.fullmatch(entry.digest) else entry.digest
            if ":" in digest and entry.mime != REVISIT and entry.url.isprintable() and " " not in digest + entry.url:
                yield f"{digest} {entry.stamp} {entry.url}\n".encode()


def _entries(path: Path) -> Iterator[Entry]:
    with open(path, "rb", opener=opener) as file:
        if path.name.endswith(_ARCHIVES):
            yield from index_file(Window(file.fileno()), path.name)
        elif path.name.endswith(".gz"):
            with gzip.open(file) as unpacked:
                yield from _read_index(unpacked, path.name)
        else:
            yield from _read_index(file, path.name)


def _read_index(file: IO[bytes] | gzip.GzipFile, name: str) -> Iterator[Entry]:
    number = 0
    try:
        while line := file.readline(MOST_LINE):
            number += 1
            if not line.startswith(b"!"):  # as `!meta` does
                yield read_line(line)
    except ValueError as error:
        raise ArchiveError(name, f"line {number} is no line of an index (CDXJ)") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ArchiveError(name, f"damaged: {error}") from error


def _read(line: bytes) -> Referred:
    digest, stamp, url = line.decode().rstrip("\n").split(" ", 2)
    parts = stamp[:4], stamp[4:6], stamp[6:8]
    return Referred(url, f"{'-'.join(parts)}T{stamp[8:10]}:{stamp[10:12]}:{stamp[12:14]}Z", digest)
