"""Keeps the index of a crawl's captures (CDXJ): a line for each as it is written, all sorted when a run ends."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from ...model import Position
from ...runtime.private_files import check_place, opener, replace_private_file
from ...warc.cdxj import Entry, make_line
from ...warc.journal import JOURNAL, find_journal
from ...warc.sorting import sort_lines

SORTED = "index.cdxj"
MOST_SORTED = 1 << 30
"""Bytes that are sorted at the end of a run: three million captures. `crawl export` sorts more."""
log = logging.getLogger(__name__)


class CaptureIndex:
    """Appends lines to a journal that is cut back with the WARC files. All calls block. Raises OSError.

    It can be lost without harm: `crawl export` reads the WARC files then. So it is never synced to the disk, and where
    it is shorter than it was settled the crawl goes on without one.
    """

    def __init__(self, folder: Path) -> None:
        self._journal = folder / JOURNAL
        self._sorted = folder / SORTED
        self._lines: list[bytes] = []
        self._file: int | None = None
        self._end = 0
        self._is_kept = False

    def cut_back(self, position: Position) -> None:
        """Goes on behind the position of the sink; an empty one begins anew."""
        settled = position.get(JOURNAL, 0)
        has_all = JOURNAL in position and find_journal(self._journal.parent, settled) is not None
        self._is_kept = has_all or not position
        self._end = settled if has_all else 0
        if self._end:
            self._cut(self._end)
            return
        for path in (self._journal, self._sorted):
            if check_place(path) is not None:
                path.unlink()

    def add(self, entries: Iterable[Entry]) -> None:
        """Takes the lines of captures, which `flush` writes."""
        if self._is_kept:
            self._lines += map(make_line, entries)

    def flush(self) -> Position:
        """Writes the lines; returns what the position of the sink says of them."""
        if not self._is_kept:
            return {}
        if self._lines:
            view = memoryview(b"".join(self._lines))
            self._lines.clear()
            while view:
                written = os.write(self._descriptor, view)
                self._end += written
                view = view[written:]
        return {JOURNAL: self._end}

    def close(self) -> None:
        """Drops what was not flushed, and sorts the journal if there is something new in it."""
        self._lines.clear()
        if self._file is not None:
            os.close(self._file)
            self._file = None
        try:
            if self._end and self._is_news():
                self._sort()
        except OSError as error:
            log.warning("%s is not written (%s): crawl export -f cdxj makes it", self._sorted, error.strerror)

    def _cut(self, length: int) -> None:
        with open(self._journal, "r+b", opener=opener) as file:
            if file.seek(0, os.SEEK_END) > length:
                file.truncate(length)

    def _is_news(self) -> bool:
        """Whether the journal has changed since it was sorted."""
        before = check_place(self._sorted)
        return before is None or before.st_mtime_ns < self._journal.stat().st_mtime_ns

    def _sort(self) -> None:
        if self._end > MOST_SORTED:
            self._sorted.unlink(missing_ok=True)
            return
        with open(self._journal, "rb", opener=opener) as journal, sort_lines(journal, self._sorted.parent) as lines:
            with replace_private_file(self._sorted) as file:
                file.writelines(lines)

    @property
    def _descriptor(self) -> int:
        if self._file is None:
            self._file = opener(self._journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        return self._file
