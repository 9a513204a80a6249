"""Reads what a crawl folder holds for an export: settled records and settled WARC files, also while a crawl runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import FolderError
from ..folder.folder import Folder
from ..frontier import look
from ..protocols import Reader
from ..records import ALL
from ..sinks import find_lines, find_readable
from .archives import Archive, Store, find_stores

PART_BYTES = 1 << 20
PART_RECORDS = 2000

Tell = Callable[[int, int], None]
"""Is told how many bytes of how many were read. It is called often and should return at once."""


def tell_nobody(done: int, total: int) -> None:
    """Shows nothing."""


@dataclass(slots=True)
class Source:
    """The settled part of a crawl folder at one moment. `read_source` makes it."""

    folder: Folder
    reader: Reader | None
    """Reads the records back. None: no output of the folder can be read back."""
    end: int
    """The place after the last settled record."""
    stores: Sequence[Store]
    """The WARC files, for each output of that kind."""
    tell: Tell = tell_nobody
    file: Path | None = None
    """The file whose lines are the records, in JSON. None: they are kept in another way."""
    _done: int = field(default=0, init=False)
    _total: int = field(default=0, init=False)

    @property
    def archives(self) -> list[Archive]:
        """The WARC files in the order in which they were written."""
        return [archive for store in self.stores for archive in store.archives]

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

    def tell_share(self, share: float) -> None:
        """Says which share of the bytes to read was read, and counts none of them."""
        self.tell(int(self._total * share), self._total)

    def require_records(self) -> Reader:
        """Returns the reader. Raises FolderError where there is none."""
        if self.reader is None:
            raise FolderError(f"{self.folder.path} has no output that can be read back: it needs one of kind jsonl")
        return self.reader

    def lines(self) -> Iterator[bytes]:
        """Yields the settled records in order, each as a line of JSON. Raises FolderError, OSError."""
        reader, start = self.require_records(), 0
        self.expect(self.end)
        while start < self.end:
            part = reader.read(start, PART_RECORDS, ALL, min(PART_BYTES, self.end - start))
            if part.end == start:
                return
            yield from part.lines
            self.advance(part.end - start)
            start = part.end


def read_source(folder: Folder, tell: Tell = tell_nobody) -> Source:
    """Returns what is settled in a folder now. Locks nothing and changes nothing. Raises FolderError, FrontierError."""
    positions = look(folder.frontier_path, lambda opened: opened.positions()) if folder.frontier_path.exists() else None
    found = find_readable(folder.outputs)
    reader, end, file = None, 0, None
    if found is not None:
        output, reader = found
        end = reader.end(None if positions is None else positions.get(output.name, {}))
        file = find_lines(output)
    return Source(folder, reader, end, find_stores(folder, positions), tell, file)
