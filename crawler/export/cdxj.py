"""The format `cdxj`: a sorted index of all captures in the WARC files of a crawl."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from ..errors import FolderError
from ..runtime.private_files import opener
from ..warc.cdxj import make_line
from ..warc.indexing import index_file
from ..warc.sorting import sort_lines
from .archives import Archive
from .source import Source
from .wanted import Wanted

BUFFER = 1 << 18


def write_cdxj(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes a line for each response, revisit and resource, in the order of their bytes, as pywb reads it.

    The lines are those that the crawl has listed; where it has no such list, the WARC files are read. Raises
    FolderError, ArchiveError, OSError.
    """
    with sort_lines(find_index(source), wanted.scratch) as lines:
        file.writelines(lines)


def find_index(source: Source) -> Iterator[bytes]:
    """Yields the lines of the index in no order, from the list that the crawl keeps, or else from its WARC files.

    Raises FolderError for a folder without WARC files, ArchiveError, OSError.
    """
    require_archives(source)
    for store in source.stores:
        if store.journal is None:
            yield from _read(source, store.archives)
        else:
            yield from _read_journal(source, store.journal)


def read_index(source: Source) -> Iterator[bytes]:
    """Yields the lines of the index, made of the WARC files themselves, so that damage to them is found.

    Raises FolderError, ArchiveError, OSError.
    """
    require_archives(source)
    yield from _read(source, source.archives)


def _read(source: Source, archives: Sequence[Archive]) -> Iterator[bytes]:
    source.expect(sum(archive.size for archive in archives))
    for archive in archives:
        read = 0
        with archive.open() as window:
            for entry in index_file(window, archive.name):
                yield make_line(entry)
                source.advance(entry.offset - read)
                read = entry.offset
        source.advance(archive.size - read)


def _read_journal(source: Source, journal: Archive) -> Iterator[bytes]:
    source.expect(journal.size)
    left = journal.size
    with open(journal.path, "rb", buffering=BUFFER, opener=opener) as file:
        while left > 0 and (lines := file.readlines(min(left, BUFFER))):
            for line in lines:
                left -= len(line)
                if left < 0:
                    break
                yield line
            source.advance(sum(map(len, lines)))


def require_archives(source: Source) -> None:
    """Raises FolderError for a folder without WARC files."""
    if not source.stores:
        path: Path = source.folder.path
        raise FolderError(f"{path} holds no WARC files: crawl with --warc to get them")
