"""Reads the settled records of a crawl folder as often as they are asked for, and finds what is wrong in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import orjson

from ..audit import AuditLimits, Check, Finding, find
from ..audit.finds import MOST_PAGES
from ..audit.limits import DEFAULT
from ..errors import SinkError, StorageFull
from ..export.source import Source, Tell, read_source, tell_nobody
from ..folder.folder import Folder
from ..records import Record
from ..runtime.files import is_full


class FolderRecords:
    """The settled records of a folder at one moment. Each iteration begins anew; `watch` sees those of the first."""

    def __init__(self, source: Source, watch: Callable[[Record], None] | None = None) -> None:
        self._source = source
        self._watch = watch
        self.unreadable: int = 0
        """Lines that are no records, because somebody changed the file."""

    def __iter__(self) -> Iterator[Record]:
        watch, self._watch = self._watch, None
        for line in self._source.lines():
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError:
                record = None
            if not isinstance(record, dict):
                self.unreadable += watch is not None
                continue
            if watch is not None:
                watch(record)
            yield record


def audit_folder(
    folder: Folder,
    *,
    checks: Sequence[Check] = (),
    limits: AuditLimits = DEFAULT,
    most_pages: int | None = MOST_PAGES,
    tell: Tell = tell_nobody,
) -> Iterator[Finding]:
    """Yields the findings of a crawl folder, errors first; docs/findings.md lists all. A crawl may run in it.

    Each finding names up to `most_pages` pages; None: all. `checks` are functions of your own, see `Check`. `tell` is
    told how many bytes of how many were read. Blocks. Raises FolderError, FrontierError, StorageFull, SinkError.
    """
    with translate_errors():
        records = FolderRecords(read_source(folder, tell))
        yield from find(records, checks=checks, limits=limits, most_pages=most_pages)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translates errors of the temporary files that findings are joined in."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        if is_full(error):
            raise StorageFull("no space left for temporary files, and nothing was kept") from error
        raise SinkError(f"the findings could not be made: {error}") from error
