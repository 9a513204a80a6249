"""The format `cdxj`: a sorted index of all captures in the WARC files of a crawl."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..errors import FolderError
from ..warc.cdxj import make_line
from ..warc.indexing import index_file
from ..warc.sorting import sort_lines
from .source import Source
from .wanted import Wanted


def write_cdxj(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes a line for each response, revisit and resource, in the order of their bytes, as pywb reads it.

    Raises FolderError, ArchiveError, OSError.
    """
    with sort_lines(read_index(source), wanted.scratch) as lines:
        file.writelines(lines)


def read_index(source: Source) -> Iterator[bytes]:
    """Yields the lines of the index in the order of the captures. Raises FolderError, ArchiveError, OSError."""
    require_archives(source)
    source.expect(sum(archive.size for archive in source.archives))
    for archive in source.archives:
        read = 0
        with archive.open() as window:
            for entry in index_file(window, archive.name):
                yield make_line(entry)
                source.advance(entry.offset - read)
                read = entry.offset
        source.advance(archive.size - read)


def require_archives(source: Source) -> None:
    """Raises FolderError for a folder without WARC files."""
    if not source.archives:
        path: Path = source.folder.path
        raise FolderError(f"{path} holds no WARC files: crawl with --warc to get them")
