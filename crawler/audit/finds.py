"""Finds what is wrong with a site: reads its records twice, in bounded memory, and gives findings, errors first."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import IO

import orjson

from ..records import Record
from . import alike, joined, linked, pages
from .checks import Check, Checks
from .codes import FINDINGS, Code
from .finding import Finding, FindingPage, Severity
from .limits import DEFAULT, AuditLimits
from .store import Store, open_store

MOST_PAGES = 100
"""Pages that a finding names, unless more are asked for."""


def find(
    records: Iterable[Record],
    *,
    checks: Sequence[Check] = (),
    limits: AuditLimits = DEFAULT,
    most_pages: int | None = MOST_PAGES,
    watch: linked.Watch | None = None,
) -> Iterator[Finding]:
    """Yields all findings: errors first, then in the order of `FINDINGS`, own checks last, each code by its URL.

    `records` is read twice, so a list or an object whose `__iter__` begins anew is read as it is; an iterator is
    spooled to a temporary file. Of several visits of a URL the latest one counts, and `watch` gets its record. A
    finding names up to `most_pages` pages; None: all of them. What needs facts that the records lack (`audit`,
    `links`, `simhash`) is not found. Blocks: a thousand pages take about a tenth of a second. Raises what reading the
    records raises, sqlite3.Error and OSError.
    """
    with _rereadable(records) as twice, open_store() as store:
        asked = Checks(checks)
        seen = pages.read(twice, store, asked, limits)
        joined.mark(store)
        linked.read(twice, store, seen, watch)
        joined.find(store)
        alike.find(store, limits.similar_bits)
        for name, url, error in asked.failed:
            store.add("check-failed", url, f"{name}: {error}")
        store.flush()
        yield from _read(store, most_pages)


@contextmanager
def _rereadable(records: Iterable[Record]) -> Iterator[Iterable[Record]]:
    if iter(records) is not records:
        yield records
        return
    with tempfile.TemporaryFile(prefix="crawl-audit-") as spool:
        for record in records:
            spool.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
        yield _Spool(spool)


class _Spool:
    """Records in a file, one on each line."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __iter__(self) -> Iterator[Record]:
        self._file.seek(0)
        yield from map(orjson.loads, self._file)


def _read(store: Store, most_pages: int | None) -> Iterator[Finding]:
    """Yields the findings of all rows: those of our own codes in their order, then those of own checks."""
    own = {
        code: Code(code, Severity(severity), code, advice)
        for code, severity, advice in store.run("select code, severity, advice from problem order by code")
    }
    store.run("create index found_by on found (code, url, detail, page, text)")
    order = list(Severity)
    for code in sorted([*FINDINGS.values(), *own.values()], key=lambda one: order.index(one.severity)):
        for (url, detail), those in groupby(_rows(store, code.code), key=itemgetter(0, 1)):
            pages, n = _pages(those, most_pages)
            yield Finding(code.code, code.severity, url, detail, pages, n or 1, code.advice)


def _rows(store: Store, code: str) -> Iterable[tuple[str, str, str, str]]:
    """Returns URL, detail, page and text of what was found under a code, sorted."""
    if code == "missing-security-header":
        return pages.read_missing_headers(store)
    return store.run("select url, detail, page, text from found where code = ? order by url, detail, page, text", code)


def _pages(rows: Iterable[tuple[str, str, str, str]], most: int | None) -> tuple[list[FindingPage], int]:
    """Returns the first pages of one finding, each once, and how many it has. The rows are sorted by page."""
    pages: list[FindingPage] = []
    n, last = 0, ""
    for _, _, page, text in rows:
        if page != last:
            n, last = n + 1, page
            if most is None or n <= most:
                pages.append(FindingPage(page, text))
    return pages, n
