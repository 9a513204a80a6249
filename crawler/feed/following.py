"""Follows the records of a crawl: finds the changes in them, keeps them, and gives them out behind a cursor.

Changes are found in the order of the settled records, each record once, and numbered in the order in which they are
found. What is known of the pages is written down in the same transaction as the changes, so that a kill loses nothing
and repeats nothing; and where the file is lost, the same records give the same changes under the same numbers.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import orjson

from ..errors import ConfigError, FolderError, FrontierError, StorageFull
from ..export.source import read_source
from ..folder.folder import Folder, translate_os_errors
from ..model import Url
from ..protocols import Reader
from ..records import ALL, Record
from ..reports import without_heavy_fields
from ..runtime.files import is_full
from ..runtime.times import iso
from .change import PageChange
from .cursor import Cursor
from .judging import NEAR_S, PageState, Pending, SiteState, Verdict, Visit, is_refusal, judge, observe, settle
from .store import Store, open_store

NAME = ".changes.sqlite"
"""The file in a crawl folder. No output can have this name: none may begin with a dot."""
PART_BYTES, PART_RECORDS = 1 << 20, 2000
BATCH = 500


class Untold(NamedTuple):
    """The changes that were not told yet."""

    counts: Mapping[str, int]
    """How many there are of each kind."""
    since: str
    """The cursor before them. Empty: none was told before."""
    last: Cursor
    """The cursor of the last one."""


class Feed:
    """The feed of one crawl. Its methods block; one thread at a time uses it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, reader: Reader, end: int) -> None:
        """Finds the changes in the records up to the place `end` that were not looked at before. Raises OSError."""
        while self._take_part(reader, end):
            pass

    def changes(self, since: str = "") -> Iterator[PageChange]:
        """Yields the changes that are kept, behind a cursor; empty: all. Raises ConfigError for a foreign cursor."""
        feed, after = str(self._store.fact("feed") or ""), 0
        if since:
            cursor = Cursor.read(since)
            if cursor.feed != feed or cursor.number > self._store.last_number():
                raise ConfigError("--since: the cursor is of another crawl, or of this one before it started over")
            after = cursor.number
        while batch := self._store.events(after, BATCH):
            for after, value in batch:
                yield PageChange(Cursor(feed, after).text, *orjson.loads(value))

    def untold(self) -> Untold | None:
        """Returns a summary of the changes that were not told yet (`mark_told`); None: there are none."""
        feed, told = str(self._store.fact("feed") or ""), int(self._store.fact("told") or 0)
        counts, last = Counter[str](), told
        while batch := self._store.events(last, BATCH):
            counts.update(orjson.loads(value)[0] for _, value in batch)
            last = batch[-1][0]
        return Untold(counts, Cursor(feed, told).text if told else "", Cursor(feed, last)) if counts else None

    def mark_told(self, cursor: Cursor) -> None:
        """Notes that the changes up to this place were told."""
        with self._store.writing():
            self._store.set_facts(told=cursor.number)

    def _take_part(self, reader: Reader, end: int) -> bool:
        """Looks at the next records, about a megabyte, in one transaction. Returns whether there are more."""
        with self._store.writing():
            start = self._start(reader, end)
            if start >= end:
                return False
            part = reader.read(start, PART_RECORDS, ALL, min(PART_BYTES, end - start))
            if not part.lines:
                return False
            if self._store.fact("feed") is None:
                self._store.set_facts(feed=_digest(part.lines[:1])[:16])
            for line in part.lines:
                self._take_line(line)
            self._store.set_facts(start=start, end=part.end, records=len(part.lines), digest=_digest(part.lines))
            return part.end < end

    def _start(self, reader: Reader, end: int) -> int:
        """Returns the place behind the records that were looked at; 0 if these no longer stand where they stood.

        Then all are read anew, and those that were looked at are known by the numbers of their visits.
        """
        known = self._store.fact("end")
        if known is None:
            return 0
        start, records = int(self._store.fact("start") or 0), int(self._store.fact("records") or 0)
        if int(known) <= end:
            part = reader.read(start, records, ALL, int(known) - start)
            if part.end == int(known) and _digest(part.lines) == self._store.fact("digest"):
                return int(known)
        return 0

    def _take_line(self, line: bytes) -> None:
        try:
            record = orjson.loads(without_heavy_fields(line))
            key, visit, site = _key(record), _visit(record), Url(record["url"]).site
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            return  # somebody changed the file
        page = self._store.page(key)
        if visit.number <= page.visit:
            return
        number, state = self._store.site(site)
        is_well = observe(page, visit)
        if is_well is not None and state.pending:
            self._settle(number, state, visit.at, is_well)
            page = self._store.page(key)  # it may be the one that was pending
        if is_refusal(page, visit):
            was_well = state.seen_well if visit.at - state.seen_at <= NEAR_S else None
            state.pending = Pending(key, visit.at, record["fetched_at"], visit.number, visit.status or 0, was_well)
        found = judge(page, state, visit)
        if is_well is not None:
            state.seen_at, state.seen_well = visit.at, is_well
        self._store.keep_page(key, number, page)
        if found:
            self._store.add_event(_dump(found, record["url"], record["fetched_at"], visit, page))

    def _settle(self, number: int, site: SiteState, next_at: float, next_well: bool) -> None:
        """Judges the refusal that waited for this visit to its site."""
        refusal, site.pending = site.pending, None
        assert refusal is not None
        page = self._store.page(refusal.key)
        found = settle(
            page, site, refusal, next_at, next_well, lambda since, most: self._store.count_well(number, since, most)
        )
        self._store.keep_page(refusal.key, number, page)
        if found:
            visit = Visit(refusal.at, refusal.visit, "failed", refusal.status, None, None, None)
            url = refusal.key.partition(" ")[0]
            self._store.add_event(_dump(found, url, refusal.fetched_at, visit, page))


@contextmanager
def open_feed(path: Path | None) -> Iterator[Feed]:
    """Opens the feed that a file keeps, or begins one; None: in a temporary file, from the first record on.

    Raises StorageFull, FrontierError for a damaged file, OSError.
    """
    try:
        with open_store(path) as store:
            yield Feed(store)
    except sqlite3.Error as error:
        if is_full(error):
            raise StorageFull(
                f"{path or 'temporary files'}: no space left: make room and repeat the command"
            ) from error
        raise FrontierError(f"{path}: {error}: remove it, and the next call makes it anew from the records") from error


def follow_changes(folder: Folder, since: str = "") -> Iterator[PageChange]:
    """Yields the changes that visits of a crawl found, behind a cursor: new, changed, moved and gone pages, each once.

    A crawl may run in the folder: what is settled counts. What was found is kept in the folder; where that cannot be
    written, it is found anew each time, with the same cursors. Blocks. Raises ConfigError for what is no cursor of
    this crawl, FolderError, FrontierError, StorageFull.
    """
    with translate_os_errors(folder.path):
        source = read_source(folder)
        if source.reader is None:
            raise FolderError(f"{folder.path} has no output that can be read back: it needs one of kind jsonl")
        with open_feed(folder.path / NAME if os.access(folder.path, os.W_OK) else None) as feed:
            feed.take(source.reader, source.end)
            yield from feed.changes(since)


def _dump(found: Verdict, url: str, fetched_at: str, visit: Visit, page: PageState) -> bytes:
    is_gone = found.kind == "gone"
    return orjson.dumps(
        [
            found.kind,
            url,
            fetched_at,
            visit.number,
            visit.status,
            page.digest,
            found.digest_before,
            visit.location if found.kind == "moved" else None,
            found.again,
            iso(page.first_refused_at) if is_gone else None,
            page.refusals if is_gone else 0,
        ]
    )


def _key(record: Record) -> str:
    request = record.get("request_id")
    return f"{record['url']} {request}" if request else str(record["url"])


def _visit(record: Record) -> Visit:
    at = datetime.fromisoformat(record["fetched_at"]).timestamp()
    values = (record.get(name) for name in ("status", "reason", "digest", "location"))
    return Visit(at, int(record["visit"]), str(record["disposition"]), *values)


def _digest(lines: list[bytes]) -> str:
    return blake2b(b"".join(lines), digest_size=16).hexdigest()
