"""Reads what a crawl folder holds for an export: settled records and settled WARC files, also while a crawl runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..errors import FolderError
from ..folder.folder import Folder
from ..frontier import look
from ..model import Position
from ..protocols import Reader
from ..records import ALL
from ..runtime.private_files import opener
from ..sinks import find_readable
from ..warc.names import find_files, read_name
from ..warc.unpacking import Window

PART_BYTES = 1 << 20
PART_RECORDS = 2000

Tell = Callable[[int, int], None]
"""Is told how many bytes of how many were read. It is called often and should return at once."""


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


def tell_nobody(done: int, total: int) -> None:
    """Shows nothing."""


@dataclass(slots=True)
class Source:
    """What stands settled in a crawl folder at one moment. `read_source` makes it."""

    folder: Folder
    reader: Reader | None
    """Reads the records back. None: no output of the folder can be read back."""
    end: int
    """The place after the last settled record."""
    archives: Sequence[Archive]
    """The WARC files in the order in which they were written."""
    tell: Tell = tell_nobody
    _done: int = field(default=0, init=False)
    _total: int = field(default=0, init=False)

    @property
    def title(self) -> str:
        """The name of the crawl: that of its folder."""
        return self.folder.path.resolve().name

    def expect(self, size: int) -> None:
        """Says that so many bytes more will be read."""
        self._total += size

    def advance(self, size: int) -> None:
        """Says that so many bytes were read."""
        self._done += size
        self.tell(self._done, self._total)

    def lines(self) -> Iterator[bytes]:
        """Yields the settled records in order, each as a line of JSON. Raises FolderError, OSError."""
        if self.reader is None:
            raise FolderError(f"{self.folder.path} has no output that can be read back: it needs one of kind jsonl")
        start = 0
        self.expect(self.end)
        while start < self.end:
            part = self.reader.read(start, PART_RECORDS, ALL, min(PART_BYTES, self.end - start))
            if part.end == start:
                return
            yield from part.lines
            self.advance(part.end - start)
            start = part.end


def read_source(folder: Folder, tell: Tell = tell_nobody) -> Source:
    """Returns what is settled in a folder now. Locks nothing and changes nothing. Raises FolderError, FrontierError."""
    positions = look(folder.frontier_path, lambda opened: opened.positions()) if folder.frontier_path.exists() else None
    found = find_readable(folder.outputs)
    reader, end = None, 0
    if found is not None:
        output, reader = found
        end = reader.end(None if positions is None else positions.get(output.name, {}))
    return Source(folder, reader, end, _find_archives(folder, positions), tell)


def _find_archives(folder: Folder, positions: Mapping[str, Position] | None) -> list[Archive]:
    """Returns the WARC files with their settled parts."""
    settled = {name: size for position in (positions or {}).values() for name, size in position.items()}
    newest = {file.crawl: file.serial for name in settled if (file := read_name(name))}
    archives = []
    for place in dict.fromkeys(sink.path for sink in folder.config.sinks if sink.kind == "warc"):
        for file in find_files(folder.path / place):
            path = folder.path / place / file.present_name
            if not path.exists():  # it became whole meanwhile
                path = path.with_name(file.name)
            size = os.stat(path).st_size
            is_settled = not file.is_open and file.serial <= newest.get(file.crawl, file.serial)
            archives.append(Archive(file.name, path, min(size, settled.get(file.name, size if is_settled else 0))))
    return [one for one in archives if one.size]
