"""Takes links that were left out from the records and judges them by the current rules. No page is fetched for it.

A record is used only if it surely has all links that a visit would find: it is of the page's last visit, complete, and
of an HTML page (links of a sitemap have the depth of the sitemap itself). All other pages are read again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from .. import urls
from ..frontier.change import READ_AGAIN
from ..model import Disposition, Lease, LeftOut, Links, Outcome, Page, Reason
from ..policy.scope import Scope
from ..protocols import DurableFrontier, Reader
from ..records import ALL, Record
from ..runtime.threads import run_in_thread
from ..standing import Linking

log = logging.getLogger(__name__)

U64 = NDArray[np.uint64]

JUDGING = LeftOut.REACH | LeftOut.PATTERNS | LeftOut.DEPTH | LeftOut.REPEATS
"""The rules that judge a link by its URL and place: links that they left out are in the record."""
_INCOMPLETE = LeftOut.NOFOLLOW | LeftOut.MAX_LINKS | LeftOut.BEYOND | READ_AGAIN
"""Rules under which the links in the record may differ from the links that are followed."""
_READ = {Disposition.FETCHED, Disposition.DUPLICATE, Disposition.UNCHANGED}
NAMED_AT_ONCE = 1 << 17
"""Records whose URLs are looked up in one pass through all known URLs."""
JUDGED_AT_ONCE = 256
MOST_BYTES = 1 << 16
"""About how many bytes of links are judged at once: if all are new, they hold up the loop for ten milliseconds."""
SAME_S = 0.002
"""Tolerance in seconds, since a record has the time of its visit in milliseconds."""


class Rows:
    """A set of rows of the frontier, with one bit for each row."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def __contains__(self, row: object) -> bool:
        assert isinstance(row, int)
        return row >> 3 < len(self._bits) and bool(self._bits[row >> 3] & 1 << (row & 7))

    def add(self, row: int) -> None:
        if row >> 3 >= len(self._bits):
            self._bits.extend(bytes((row >> 3) + 1 - len(self._bits) + (len(self._bits) >> 1)))
        self._bits[row >> 3] |= 1 << (row & 7)


class Linked(NamedTuple):
    """Some records: the fingerprints of their URLs, the place of each, and the place after the last one."""

    fingerprints: U64
    starts: NDArray[np.int64]
    end: int


class Batch(NamedTuple):
    """Pages that were judged, and how many records were read for them."""

    read: list[tuple[Outcome, Linking]]
    number: int


async def judge(
    frontier: DurableFrontier, key: bytes, reader: Reader, end: int, scope: Scope, left_out: LeftOut, judged: Rows
) -> int:
    """Queues the links in the records before place `end` that `left_out` kept out and scope lets in now.

    Returns how many pages were judged, and adds their rows to `judged`. Raises FrontierError. If the output cannot be
    read, it logs a warning.
    """
    at = total = 0
    try:
        while at < end:
            named = await run_in_thread(_find_records, reader, at, end, key)
            at = named.end
            total += await _judge(frontier, key, reader, named, scope, left_out, judged)
    except OSError as error:
        log.warning("links cannot be taken from records: %s", error)
    return total


async def _judge(
    frontier: DurableFrontier, key: bytes, reader: Reader, named: Linked, scope: Scope, left_out: LeftOut, judged: Rows
) -> int:
    rows = await frontier.row_of_each(named.fingerprints)
    known = np.flatnonzero(rows)
    total, asked = 0, int(left_out)
    for i in range(0, len(known), JUDGED_AT_ONCE):
        part = known[i : i + JUDGED_AT_ONCE]
        linking = await frontier.linking(rows[part].tolist(), asked)
        pages = {page.row: page for page in linking if _may_judge(page)}
        todo = [(start, pages[row]) for row, start in zip(rows[part].tolist(), named.starts[part].tolist(), strict=True)
                if row in pages]  # fmt: skip
        while todo:
            batch = await run_in_thread(_judge_batch, reader, todo, scope, key)
            todo = todo[batch.number :]
            if batch.read:
                await frontier.judge(batch.read)
            for _, page in batch.read:
                judged.add(page.row)
            total += len(batch.read)
    return total


def _may_judge(page: Linking) -> bool:
    """Returns whether the record of a page has all links that a visit would judge."""
    return bool(page.left_out & LeftOut.KINDS and not page.left_out & _INCOMPLETE and not page.request.way)


def _find_records(reader: Reader, at: int, end: int, key: bytes) -> Linked:
    """Returns the records from place `at` on that have links. Blocks."""
    fingerprints, starts = bytearray(), list[int]()
    for start, text, after in reader.find_links(at, end):
        fingerprints += urls.fingerprints([text], key)
        starts.append(start)
        if len(starts) >= NAMED_AT_ONCE:
            end = after
            break
    return Linked(np.frombuffer(bytes(fingerprints), "<u8"), np.array(starts, np.int64), end)


def _judge_batch(reader: Reader, todo: Sequence[tuple[int, Linking]], scope: Scope, key: bytes) -> Batch:
    """Judges pages by their records, which start at the given places. Blocks."""
    read: list[tuple[Outcome, Linking]] = []
    number = size = 0
    for start, page in todo:
        lines = reader.read(start, 1, ALL, 1).lines
        number += 1
        links = _links(lines[0], page) if lines else None
        if links is not None:
            read.append((_outcome(page, links, scope, key), page))
            size += sum(map(len, links))
        if size >= MOST_BYTES:
            break
    return Batch(read, number)


def _links(line: bytes, page: Linking) -> list[str] | None:
    """Returns the page's links if this is the complete record of its last visit; else None."""
    try:
        record: Record = orjson.loads(line)
        is_same = abs(datetime.fromisoformat(record["fetched_at"]).timestamp() - page.visited_at) < SAME_S
        is_whole = record["truncated"] is None and record["detail"] is None
        is_read = record["disposition"] in _READ and record["reason"] in (None, Reason.DUPLICATE)
        links = record["links"]
        is_its_own = record["url"] == page.request.url.text and "request_id" not in record
        if not (is_same and is_whole and is_read and is_its_own):
            return None
        return links if len(links) == record["n_links"] and all(isinstance(link, str) for link in links) else None
    except (ValueError, KeyError, TypeError):
        return None


def _outcome(page: Linking, found: Sequence[str], scope: Scope, key: bytes) -> Outcome:
    """Returns the outcome that a visit to read the page again would have now."""
    request = page.request
    own = request.url.text
    sieve = scope.sieve(request.anchor, request.depth + 1, request.url)
    kept: dict[int, list[str]] = {}
    for text in found:
        if text != own:
            kept.setdefault(sieve(text), []).append(text)
    news = kept.pop(0, [])
    places = dict.fromkeys(filter(None, map(scope.place, kept.get(int(LeftOut.REACH), []))))
    return Outcome(
        Lease(replace(request, is_reread=True), page.row),
        Disposition.FETCHED,
        page=Page(
            b"",
            kind="html",
            n_links=len(found),
            news=Links("\n".join(news), urls.fingerprints(news, key)),
            left_out=sum(kept) | page.left_out & int(~LeftOut(0)) & ~int(JUDGING),
            outside=urls.fingerprints(places, key),
        ),
    )
