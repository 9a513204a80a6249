"""Reads what a crawl folder holds for an export: settled records and settled WARC files, also while a crawl runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..conditions import Condition
from ..errors import FolderError
from ..folder.folder import Folder
from ..frontier import look
from ..protocols import Reader
from ..records import ALL
from ..sinks import find_lines, find_readable
from ..sinks.bulk import load_records
from .archives import Archive, Store, find_stores

PART_BYTES = 1 << 20
PART_RECORDS = 500
"""Records that are read at once. As Python objects they take some ten times their bytes."""

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
    where: Condition | None = None
    """Which records are wanted. None: all."""
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
        """Yields the wanted records that are settled, in order, each as a line of JSON. Raises as `batches`."""
        for lines in self.batches():
            yield from lines

    def all_records(self) -> Source:
        """Returns the same source for a pass of its own over all records, wanted or not."""
        other = replace(self, where=None, tell=lambda done, total: self.tell(done, 2 * total))
        self._done, self._total = self.end, self.end
        return other

    def batches(self) -> Iterator[list[bytes]]:
        """Yields the lines of some records after one another, never none. Raises FolderError, OSError."""
        reader, start = self.require_records(), 0
        self.expect(self.end)
        while start < self.end:
            part = reader.read(start, PART_RECORDS, ALL, min(PART_BYTES, self.end - start))
            if part.end == start:
                return
            if lines := part.lines if self.where is None else _filter(part.lines, self.where):
                yield lines
            self.advance(part.end - start)
            start = part.end


def _filter(lines: Sequence[bytes], where: Condition) -> list[bytes]:
    wants = where.wants
    return [line for line, record in zip(lines, load_records(lines), strict=True) if wants(record)]


def read_source(folder: Folder, tell: Tell = tell_nobody, where: Condition | None = None) -> Source:
    """Returns what is settled in a folder now. Locks nothing and changes nothing. Raises FolderError, FrontierError."""
    positions = look(folder.frontier_path, lambda opened: opened.positions()) if folder.frontier_path.exists() else None
    found = find_readable(folder.outputs)
    reader, end, file = None, 0, None
    if found is not None:
        output, reader = found
        end = reader.end(None if positions is None else positions.get(output.name, {}))
        file = find_lines(output)
    return Source(folder, reader, end, find_stores(folder, positions), tell, file, where)
