"""Writes one JSON object a line for each final outcome, to a file that can be cut back to the settled length."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import orjson

from ..errors import SinkError, StorageFull
from ..model import Disposition, Outcome, Page, Position, Response
from ..runtime.escaping import json_line
from ..runtime.files import is_full, sync_file, sync_folder
from ..runtime.private_files import check_place, opener
from ..runtime.threads import run_in_thread

T = TypeVar("T")

INLINE_BYTES = 1 << 14
"""Records are made on the event loop if their texts from websites are at most this long together, else in a thread."""
ORDINARY_BYTES = 1 << 12
"""Further bytes allowed for each record. Most need less, heavy fields included."""

VERSION = 1
"""Version of the record. Under the same number no field is renamed or changes its meaning."""


@dataclass(frozen=True, slots=True)
class Wants:
    """The optional heavy fields that a record carries."""

    links: bool = False
    text: bool = False
    headers: bool = False


class JsonLines:
    """Appends records to the file `path`. A new file can be read by its owner only.

    When `write` has returned, the records survive the process; with `sync` they survive a power cut.
    """

    def __init__(self, path: Path, wants: Wants = Wants(), *, sync: bool = False) -> None:
        self.name = f"jsonl:{path.name}"
        self.path = path
        self._wants = wants
        self._sync = sync
        self._length = 0

    async def rewind(self, position: Position | None) -> None:
        length = position[self.path.name] if position else 0
        self._length = await _off_loop(self._cut, length)

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        if sum(map(_weight, outcomes)) > INLINE_BYTES + ORDINARY_BYTES * len(outcomes):
            lines = await _off_loop(self._lines, outcomes)
        else:
            lines = self._lines(outcomes)
        await _off_loop(self._append, lines)
        self._length += len(lines)
        return {self.path.name: self._length}

    def _lines(self, outcomes: Sequence[Outcome]) -> bytes:
        return b"".join(record(outcome, self._wants) for outcome in outcomes)

    def _cut(self, length: int) -> int:
        status = check_place(self.path)
        size = status.st_size if status else 0
        if size < length:
            raise SinkError(
                f"{self.path} is {size} bytes long, but {length} were settled: it was cut or replaced from "
                f"outside. Put it back, or start over with --fresh"
            )
        with open(self.path, "ab", opener=opener) as file:
            file.truncate(length)
        if self._sync:
            sync_folder(self.path.parent)
        return length

    def _append(self, lines: bytes) -> None:
        with open(self.path, "ab", buffering=0, opener=opener) as file:
            if file.tell() != self._length:
                raise SinkError(f"{self.path} was changed by another program while the crawl wrote to it")
            _write_all(file.fileno(), lines)
            if self._sync:
                sync_file(file.fileno())


FIELDS = (
    "v", "url", "status", "disposition", "reason", "detail", "location", "duplicate_of", "seed", "via", "depth",
    "attempt", "visit", "fetched_at", "elapsed_ms", "timings", "ip", "tls", "content_type", "etag", "last_modified",
    "charset", "length", "truncated", "digest", "simhash", "title", "description", "language", "canonical", "n_links",
    "robots",
)  # fmt: skip
"""Fields of every record, in this order; unknown values are null. docs/records.md explains each."""
HEAVY = ("links", "text", "headers", "data")
"""Fields of a record on request, see Wants; `data` comes from the user's own parse function."""


def record(outcome: Outcome, wants: Wants) -> bytes:
    """Returns the outcome as one line of JSON."""
    request = outcome.request
    values: dict[str, object] = {
        "v": VERSION,
        "url": request.url.text,
        "status": outcome.response and outcome.response.status,
        "disposition": outcome.disposition,
        "reason": outcome.reason,
        "detail": outcome.detail or None,
        "location": _location(outcome),
        "duplicate_of": outcome.duplicate_of and outcome.duplicate_of.text,
        "seed": request.origin.text,
        "via": request.via and request.via.text,
        "depth": request.depth,
        "attempt": request.attempt,
        "visit": request.visit,
        "fetched_at": _iso(outcome.visited_at),
        **_exchange(outcome.response),
        **_content(outcome.page),
    }
    values |= _heavy(outcome, wants)
    return json_line(values)


def _weight(outcome: Outcome) -> int:
    """Returns roughly how many bytes of a record, header included, come from the website."""
    page, response = outcome.page, outcome.response
    weight = len(outcome.detail)
    if response is not None:
        weight += sum([len(value) for _, value in response.headers])
    if page is not None:
        weight += len(page.title) + len(page.description) + len(page.text) + len(page.data_json)
    return weight


def _location(outcome: Outcome) -> str | None:
    is_followed = outcome.disposition is Disposition.REDIRECTED and outcome.reason is None and outcome.found
    return outcome.found[0].url.text if is_followed else None


def _exchange(response: Response | None) -> dict[str, object]:
    if response is None:
        return _NO_EXCHANGE
    timings = response.timings
    return {
        "elapsed_ms": round(timings.total, 1),
        "timings": {name: round(getattr(timings, name), 1) for name in _STAGES},
        "ip": response.ip or None,
        "tls": response.tls or None,
        "content_type": response.header("content-type") or None,
        "etag": response.header("etag") or None,
        "last_modified": response.header("last-modified") or None,
    }


def _content(page: Page | None) -> dict[str, object]:
    if page is None:
        return _NO_CONTENT
    return {
        "charset": page.charset or None,
        "length": page.length,
        "truncated": page.truncated or None,
        "digest": f"sha256:{page.digest.hex()}",
        "simhash": f"{page.simhash:016x}" if page.simhash else None,
        "title": page.title or None,
        "description": page.description or None,
        "language": page.language or None,
        "canonical": page.canonical or None,
        "n_links": page.n_links,
        "robots": page.robots or None,
    }


def _heavy(outcome: Outcome, wants: Wants) -> dict[str, object]:
    page, response = outcome.page, outcome.response
    heavy: dict[str, object] = {}
    if page is not None:
        if wants.links:
            heavy["links"] = orjson.Fragment(page.links_json or b"[]")
        if wants.text:
            heavy["text"] = page.text
        if page.data_json:
            heavy["data"] = orjson.Fragment(page.data_json)
    if response is not None and wants.headers:
        heavy["headers"] = [[k.decode("latin-1"), v.decode("latin-1")] for k, v in response.headers]
    return heavy


_STAGES = ("queue", "dns", "connect", "ttfb", "download", "parse")
_NO_EXCHANGE = dict.fromkeys(("elapsed_ms", "timings", "ip", "tls", "content_type", "etag", "last_modified"))
_NO_CONTENT = dict.fromkeys(
    (
        "charset",
        "length",
        "truncated",
        "digest",
        "simhash",
        "title",
        "description",
        "language",
        "canonical",
        "n_links",
        "robots",
    )
)


def _iso(seconds: float) -> str:
    """Returns a time in RFC 3339, in UTC and to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _off_loop(work: Callable[..., T], *args: object) -> T:
    """Runs disk work in a thread. Raises StorageFull for a full disk, SinkError for other failures."""
    try:
        return await run_in_thread(work, *args)
    except OSError as error:
        if is_full(error):
            raise StorageFull(f"no space left where the crawl writes its pages ({error.filename or 'disk'})") from error
        raise SinkError(f"pages cannot be written: {error}") from error


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
