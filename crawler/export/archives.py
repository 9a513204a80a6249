"""Finds the settled parts of the WARC files of a crawl folder, and of the index that the crawl keeps beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ..errors import ArchiveError
from ..folder.folder import Folder
from ..model import Position
from ..runtime.private_files import opener
from ..warc.journal import JOURNAL, find_journal
from ..warc.names import find_files, read_name
from ..warc.unpacking import CUT_SHORT, Window


class Archive(NamedTuple):
    """One WARC file of a crawl."""

    name: str
    """Its name once it is whole, by which an index calls it."""
    path: Path
    """Where it is now."""
    size: int
    """Bytes that are settled. A crawl may have written more."""

    @contextmanager
    def open(self) -> Iterator[Window]:
        """Opens the settled part. Raises OSError."""
        with open(self.path, "rb", buffering=0, opener=opener) as file:
            yield Window(file.fileno(), 0, self.size)


class Store(NamedTuple):
    """The WARC files in one folder."""

    archives: Sequence[Archive]
    """In the order in which they were written."""
    journal: Archive | None
    """Their unsorted index. None: it is not there, or lacks some of them."""


def find_stores(folder: Folder, positions: Mapping[str, Position] | None) -> list[Store]:
    """Returns the WARC files of a crawl folder. `positions` are those of its sinks; None: none are known.

    Raises ArchiveError for a file that is shorter than it was settled, OSError.
    """
    places = dict.fromkeys(sink.path for sink in folder.config.sinks if sink.kind == "warc")
    stores = [_find_store(folder.path / place, (positions or {}).get(f"warc:{place}")) for place in places]
    return [store for store in stores if store.archives]


def _find_store(folder: Path, position: Position | None) -> Store:
    settled = {name: size for name, size in (position or {}).items() if read_name(name)}
    newest = {file.crawl: file.serial for name in settled if (file := read_name(name))}
    archives, crawls = [], set()
    for file in find_files(folder):
        path = folder / file.present_name
        if not path.exists():  # it became whole meanwhile
            path = folder / file.name
        size = os.stat(path).st_size
        is_settled = not file.is_open and file.serial <= newest.get(file.crawl, file.serial)
        known = settled.get(file.name, size if is_settled else 0)
        if known > size:
            raise ArchiveError(file.name, CUT_SHORT, size)
        if known:
            archives.append(Archive(file.name, path, known))
            crawls.add(file.crawl)
    is_listed = position is not None and JOURNAL in position and crawls == newest.keys()
    journal = find_journal(folder, position[JOURNAL]) if is_listed and position else None
    return Store(archives, Archive(JOURNAL, journal, position[JOURNAL]) if journal and position else None)
