"""Follows the records of a crawl with an index of their words.

Settled records are taken in their order. What they change in the index and the place up to which they were taken stand
in one transaction, so that a kill loses nothing and repeats nothing. Where the records are no longer those that were
taken, and where the file is lost, the index is made anew.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from ..errors import ConfigError, FrontierError, StorageFull
from ..export.source import Source, Tell, read_source, tell_nobody
from ..folder.folder import Folder, translate_os_errors
from ..protocols import Reader
from ..records import ALL, Record
from ..runtime.files import is_full
from ..sinks.bulk import load_records
from .documents import Document, Step, has_text, judge, key_of, make_document
from .store import Store, open_store

NAME = ".search.sqlite"
"""The file in a crawl folder. No output can have this name: none may begin with a dot."""
_NO_FTS = "search: the SQLite of this Python was built without FTS5, of which the index is made"
PART_BYTES, PART_RECORDS = 1 << 20, 500


class Indexed(NamedTuple):
    """The index of a folder, as it stands."""

    pages: int
    """How many pages can be found."""
    has_texts: bool
    """Whether any of them has a text. Otherwise only titles and addresses are searched."""


class Index:
    """The index of one crawl. Its methods block; one thread at a time uses it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._is_checked = False

    def take(self, reader: Reader, end: int, tell: Tell = tell_nobody) -> None:
        """Takes the records up to the place `end` that were not taken before. Raises OSError."""
        while self.take_part(reader, end):
            tell(int(self.store.fact("end") or 0), end)

    def take_part(self, reader: Reader, end: int) -> bool:
        """Takes the next records, about a megabyte, in one transaction. Returns whether there are more."""
        if self._is_checked and int(self.store.fact("end") or 0) >= end:
            return False
        with self.store.writing():
            start = self._start(reader, end)
            if start >= end:
                return False
            part = reader.read(start, PART_RECORDS, ALL, min(PART_BYTES, end - start))
            if part.end == start:
                return False
            _enter(self.store, _load(part.lines))
            self.store.set_facts(start=start, end=part.end, records=len(part.lines), digest=_digest(part.lines))
            return part.end < end

    def _start(self, reader: Reader, end: int) -> int:
        """Returns the place behind the records that were taken.

        Where these no longer stand where they stood, the index is empty again.
        """
        known = int(self.store.fact("end") or 0)
        if known and not self._is_checked and not self._still_holds(reader, known):
            self.store.clear()
            known = 0
        self._is_checked = True
        return known

    def _still_holds(self, reader: Reader, known: int) -> bool:
        """Returns whether the last records that were taken stand where they stood.

        They may lie behind the place that the caller knows: another process may have gone on meanwhile.
        """
        start, records = int(self.store.fact("start") or 0), int(self.store.fact("records") or 0)
        part = reader.read(start, records, ALL, known - start)
        return part.end == known and _digest(part.lines) == self.store.fact("digest")

    @property
    def has_texts(self) -> bool:
        """Whether any record that was taken had a text, or was markdown."""
        return bool(self.store.fact("texts"))

    def look(self) -> Indexed:
        """Returns what it holds."""
        return Indexed(self.store.count(), self.has_texts)


@contextmanager
def open_index(path: Path | None) -> Iterator[Index]:
    """Opens the index that a file keeps, or begins one; None: in a temporary file, from the first record on.

    Raises StorageFull, FrontierError for a damaged file, OSError.
    """
    try:
        with open_store(path) as store:
            yield Index(store)
    except sqlite3.Error as error:
        if is_full(error):
            raise StorageFull(f"{path or 'temporary files'}: no space left: make room and try again") from error
        if "no such module" in str(error):
            raise ConfigError(
                "search: the SQLite of this Python was built without FTS5, which makes the index"
            ) from error
        raise FrontierError(f"{path}: {error}: remove it, and the next call makes it anew from the records") from error


def index_folder(folder: Folder, tell: Tell = tell_nobody) -> Indexed:
    """Takes what is settled in a folder into its index, and returns what that holds. A crawl may run in the folder.

    Blocks. Raises FolderError, FrontierError, StorageFull.
    """
    with open_current(folder, tell) as index:
        return index.look()


@contextmanager
def open_current(folder: Folder, tell: Tell = tell_nobody) -> Iterator[Index]:
    """Opens the index of a folder once it holds all that is settled.

    Where the folder cannot be written, the index is made in a temporary file. Raises as `index_folder`.
    """
    with translate_os_errors(folder.path):
        source = read_source(folder)
        reader = source.require_records()
        with open_index(_place(source)) as index:
            index.take(reader, source.end, tell)
            yield index


def _place(source: Source) -> Path | None:
    path = source.folder.path
    return path / NAME if os.access(path, os.W_OK) else None


def _enter(store: Store, records: Sequence[Record]) -> None:
    """Makes the changes of some records. Of each page the last one counts, so the three kinds may go one by one."""
    pages, moments, dropped = dict[str, Document](), dict[str, tuple[str, str, int]](), set[str]()
    for record in records:
        try:
            step, key = judge(record), key_of(record)
            page = make_document(record) if step else None
        except (KeyError, TypeError, ValueError, AttributeError):
            continue  # somebody changed the file
        if page is None:
            continue
        if step is Step.SEE and key not in dropped:
            if key in pages:
                pages[key] = pages[key]._replace(at=page.at, visit=page.visit)
            else:
                moments[key] = (key, page.at, page.visit)
            continue
        pages.pop(key, None)
        moments.pop(key, None)
        dropped.discard(key)
        if step is Step.ENTER:
            pages[key] = page
        elif step is Step.DROP:
            dropped.add(key)
    if any(map(has_text, records)):
        store.set_facts(texts=1)
    store.drop(dropped)
    store.see([*moments.values()])
    store.enter([*pages.values()])


def _load(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    """Returns the records in lines, without those that somebody damaged."""
    try:
        found: list[Any] = [*load_records(lines)]
    except ValueError:
        found = []
        for line in lines:
            with suppress(ValueError):
                found.append(orjson.loads(line))
    return [one for one in found if isinstance(one, dict)]


def _digest(lines: Sequence[bytes]) -> str:
    return blake2b(b"".join(lines), digest_size=16).hexdigest()
