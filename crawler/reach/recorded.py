"""Links from the records: what was left out of them is judged by the rules of now, and no page is fetched for it.

A record counts only where it is sure to hold what a visit of now would find: of the page's last visit, whole, an HTML
page (what a sitemap lists lies as deep as the sitemap itself). All others are left to be read again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray

from .. import urls
from ..frontier import Linking, SqliteFrontier
from ..frontier.change import READ_AGAIN
from ..model import Disposition, Lease, LeftOut, Links, Outcome, Page, Reason
from ..policy.scope import Scope
from ..runtime.gil import breathing
from ..runtime.private_files import opener

log = logging.getLogger(__name__)

T = TypeVar("T")
U64 = NDArray[np.uint64]

JUDGING = LeftOut.REACH | LeftOut.PATTERNS | LeftOut.DEPTH | LeftOut.REPEATS
"""The rules that judge a link by its URL and place: what they left out stands in the record."""
_INCOMPLETE = LeftOut.NOFOLLOW | LeftOut.MAX_LINKS | READ_AGAIN
"""The record may hold other links than those that are followed."""
_READ = {Disposition.FETCHED, Disposition.DUPLICATE, Disposition.UNCHANGED}
NAMED_AT_ONCE = 1 << 17
"""Records whose URLs are looked up by one pass through all that are known."""
JUDGED_AT_ONCE = 256
MOST_BYTES = 1 << 16
"""Of links that are judged at once, about: the loop is held up for ten milliseconds if all are new."""
SAME_S = 0.002
"""A record tells the time of its visit to the millisecond."""
_BEGINS = b'{"v":1,"url":"'
_LINKS = b'"links":['


class Rows:
    """A set of rows: one bit for each that the frontier has."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def __contains__(self, row: object) -> bool:
        assert isinstance(row, int)
        return row >> 3 < len(self._bits) and bool(self._bits[row >> 3] & 1 << (row & 7))

    def add(self, row: int) -> None:
        if row >> 3 >= len(self._bits):
            self._bits.extend(bytes((row >> 3) + 1 - len(self._bits) + (len(self._bits) >> 1)))
        self._bits[row >> 3] |= 1 << (row & 7)


class Stretch(NamedTuple):
    """Some records: the fingerprints of their URLs, where each begins, and where the file goes on."""

    fingerprints: U64
    starts: NDArray[np.int64]
    end: int


class Batch(NamedTuple):
    """Pages that were judged, and how many of the records this took."""

    read: list[tuple[Outcome, Linking]]
    number: int


async def judge(frontier: SqliteFrontier, path: Path, end: int, scope: Scope, left_out: LeftOut, judged: Rows) -> int:
    """Queue what the records in the first `end` bytes hold that `left_out` kept out and scope lets in now.

    How many pages were judged; their rows go to `judged`. Raises FrontierError; a file that cannot be read is told.
    """
    at = total = 0
    try:
        while at < end:
            named = await _in_thread(_named, path, at, end, frontier.key)
            at = named.end
            total += await _judge(frontier, path, named, scope, left_out, judged)
    except OSError as error:
        log.warning("the links of pages are not taken from their records: %s", error)
    return total


async def _judge(
    frontier: SqliteFrontier, path: Path, named: Stretch, scope: Scope, left_out: LeftOut, judged: Rows
) -> int:
    rows = await frontier.row_of_each(named.fingerprints)
    known = np.flatnonzero(rows)
    total, asked = 0, int(left_out)
    for i in range(0, len(known), JUDGED_AT_ONCE):
        part = known[i : i + JUDGED_AT_ONCE]
        pages = {page.entry.row: page for page in await frontier.linking(rows[part].tolist(), asked)
                 if page.left_out & LeftOut.KINDS and not page.left_out & _INCOMPLETE}  # fmt: skip
        todo = [(start, pages[row]) for row, start in zip(rows[part].tolist(), named.starts[part].tolist(), strict=True)
                if row in pages]  # fmt: skip
        while todo:
            batch = await _in_thread(_judged, path, todo, scope, frontier.key)
            todo = todo[batch.number :]
            if batch.read:
                await frontier.judge(batch.read)
            for _, page in batch.read:
                judged.add(page.entry.row)
            total += len(batch.read)
    return total


def _named(path: Path, at: int, end: int, key: bytes) -> Stretch:
    """The records from byte `at` on that hold links. Blocks."""
    fingerprints, starts = bytearray(), list[int]()
    for line in _lines(path, at, end):
        if line.startswith(_BEGINS) and _LINKS in line:
            text = line[len(_BEGINS) : line.find(b'"', len(_BEGINS))]
            fingerprints += urls.fingerprints([text.decode("ascii", "replace")], key)
            starts.append(at)
        at += len(line)
        if len(starts) >= NAMED_AT_ONCE:
            break
    else:
        at = end
    return Stretch(np.frombuffer(bytes(fingerprints), "<u8"), np.array(starts, np.int64), at)


def _lines(path: Path, at: int, end: int) -> Iterator[bytes]:
    with open(path, "rb", buffering=1 << 18, opener=opener) as file:
        file.seek(at)
        while at < end and (line := file.readline()):
            at += len(line)
            yield line


def _judged(path: Path, todo: Sequence[tuple[int, Linking]], scope: Scope, key: bytes) -> Batch:
    """What the records that begin there make of their pages. Blocks."""
    read: list[tuple[Outcome, Linking]] = []
    number = size = 0
    with open(path, "rb", opener=opener) as file:
        for start, page in todo:
            file.seek(start)
            line = file.readline()
            number += 1
            links = _links(line, page)
            if links is not None:
                read.append((_outcome(page, links, scope, key), page))
                size += sum(map(len, links))
            if size >= MOST_BYTES:
                break
    return Batch(read, number)


def _links(line: bytes, page: Linking) -> list[str] | None:
    """The page's links, if this is the record of its last visit, and whole."""
    try:
        record: Mapping[str, Any] = orjson.loads(line)
        is_same = abs(datetime.fromisoformat(record["fetched_at"]).timestamp() - page.visited_at) < SAME_S
        is_whole = record["truncated"] is None and record["detail"] is None
        is_read = record["disposition"] in _READ and record["reason"] in (None, Reason.DUPLICATE)
        links = record["links"]
        if not (is_same and is_whole and is_read and record["url"] == page.entry.request.url.text):
            return None
        return links if len(links) == record["n_links"] and all(isinstance(link, str) for link in links) else None
    except (ValueError, KeyError, TypeError):
        return None


def _outcome(page: Linking, found: Sequence[str], scope: Scope, key: bytes) -> Outcome:
    """As a visit of now would end that read the page again."""
    request = page.entry.request
    own = request.url.text
    sieve = scope.sieve(request.anchor, request.depth + 1, request.url)
    kept: dict[int, list[str]] = {}
    for text in found:
        if text != own:
            kept.setdefault(sieve(text), []).append(text)
    news = kept.pop(0, [])
    places = dict.fromkeys(filter(None, map(scope.place, kept.get(int(LeftOut.REACH), []))))
    return Outcome(
        Lease(replace(request, is_reread=True), page.entry.row),
        Disposition.FETCHED,
        page=Page(
            b"",
            kind="html",
            n_links=len(found),
            news=Links("\n".join(news), urls.fingerprints(news, key)),
            left_out=sum(kept) | page.left_out & 0xFF & ~int(JUDGING),
            outside=urls.fingerprints(places, key),
        ),
    )


async def _in_thread(work: Callable[..., T], *args: object) -> T:
    with breathing():
        return await asyncio.get_running_loop().run_in_executor(None, work, *args)
