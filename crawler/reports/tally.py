"""Counts records one by one, in bounded memory, and is written down and read back as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappush, heapreplace
from typing import Any, NamedTuple

from ..model import Disposition, Url
from ..records import Record, media_type
from .durations import Durations, bucket_of
from .groups import Groups, Sum

MOST_SITES = 1000
MOST_TYPES = 200
MOST_ERRORS = 200
MOST_PAGES = 20
"""The slowest and the largest pages that are kept."""
MOST_DETAIL = 120
"""Characters that are kept of an error's details."""
SITE_STAGES = ("dns", "connect", "ttfb", "download")
"""The stages of a visit that its site answers for."""


@dataclass(slots=True)
class SiteSum:
    """The records of one site."""

    n: int = 0
    pages: int = 0
    bytes: int = 0
    failed: int = 0
    times: Durations = field(default_factory=Durations)
    is_at_least: bool = False

    def merge(self, other: object) -> None:
        assert isinstance(other, SiteSum)
        self.n += other.n
        self.pages += other.pages
        self.bytes += other.bytes
        self.failed += other.failed
        self.times.merge(other.times)

    def to_json(self) -> list[object]:
        return [self.n, self.pages, self.bytes, self.failed, self.times.to_json(), self.is_at_least]

    @classmethod
    def from_json(cls, given: list[Any]) -> SiteSum:
        n, pages, size, failed, times, is_at_least = given
        return cls(int(n), int(pages), int(size), int(failed), Durations.from_json(times), bool(is_at_least))


@dataclass(slots=True)
class TypeSum:
    """The records of one media type."""

    n: int = 0
    bytes: int = 0
    is_at_least: bool = False

    def merge(self, other: object) -> None:
        assert isinstance(other, TypeSum)
        self.n += other.n
        self.bytes += other.bytes

    def to_json(self) -> list[object]:
        return [self.n, self.bytes, self.is_at_least]

    @classmethod
    def from_json(cls, given: list[Any]) -> TypeSum:
        n, size, is_at_least = given
        return cls(int(n), int(size), bool(is_at_least))


@dataclass(slots=True)
class ErrorSum:
    """The records that failed alike."""

    n: int = 0
    example: str = ""
    """The URL of the first one."""
    is_at_least: bool = False

    def merge(self, other: object) -> None:
        assert isinstance(other, ErrorSum)
        self.n += other.n

    def to_json(self) -> list[object]:
        return [self.n, self.example, self.is_at_least]

    @classmethod
    def from_json(cls, given: list[Any]) -> ErrorSum:
        n, example, is_at_least = given
        return cls(int(n), str(example), bool(is_at_least))


Page = tuple[float, str, int, str]
"""A page by what it is ranked by: the figure, URL, status, media type."""


class _Entry(NamedTuple):
    """The fields of a record that are counted."""

    url: str
    disposition: str
    reason: str
    detail: str
    status: int
    type: str
    length: int
    took_ms: float | None
    """Milliseconds that the site took: name, connection, waiting, body. None: it did not answer."""
    at: str


def _read(record: Record) -> _Entry:
    """Returns the fields that are counted. Raises KeyError, TypeError, ValueError, AttributeError."""
    timings, url = record["timings"], record["url"]
    url.index("/", 8)  # it has a site
    return _Entry(
        url,
        str(record["disposition"]),
        record["reason"] or "",
        str(record["detail"] or "")[:MOST_DETAIL],
        int(record["status"] or 0),
        media_type(record["content_type"] or ""),
        int(record["length"] or 0),
        None if timings is None else sum([timings[stage] for stage in SITE_STAGES]),
        str(record["fetched_at"]),
    )


class Tally:
    """Counts records. A page that was visited several times has as many records."""

    def __init__(self) -> None:
        self.n: int = 0
        self.unreadable: int = 0
        """Lines that are no records, because somebody changed the file."""
        self.bytes: int = 0
        self.first_at: str = ""
        self.last_at: str = ""
        self.outcomes: Counter[str] = Counter()
        """By disposition and reason: `failed dns`, `fetched `."""
        self.statuses: Counter[int] = Counter()
        self.times: Durations = Durations()
        self.types: Groups[TypeSum] = Groups(MOST_TYPES, TypeSum)
        self.sites: Groups[SiteSum] = Groups(MOST_SITES, SiteSum)
        self.errors: Groups[ErrorSum] = Groups(MOST_ERRORS, ErrorSum)
        """By reason and detail, with a line end between them."""
        self.slowest: list[Page] = []
        """A heap, as is the next one: the least comes first."""
        self.largest: list[Page] = []

    def add(self, record: Record) -> None:
        """Counts a record. One that lacks a field that every record has is counted as unreadable."""
        try:
            entry = _read(record)
        except (KeyError, TypeError, ValueError, AttributeError):
            self.unreadable += 1
            return
        self.n += 1
        self.bytes += entry.length
        self.outcomes[f"{entry.disposition} {entry.reason}"] += 1
        self.first_at = min(self.first_at or entry.at, entry.at)
        self.last_at = max(self.last_at, entry.at)
        self._add_to_site(entry)
        if entry.status:
            self._add_answer(entry)
        if entry.disposition == Disposition.FAILED:
            error = self.errors.at(f"{entry.reason}\n{entry.detail}")
            error.n += 1
            error.example = error.example or entry.url

    def _add_to_site(self, entry: _Entry) -> None:
        here = self.sites.at(Url(entry.url).site)
        here.n += 1
        here.bytes += entry.length
        here.pages += entry.disposition == Disposition.FETCHED
        here.failed += entry.disposition == Disposition.FAILED
        if entry.took_ms is not None:
            bucket = bucket_of(entry.took_ms)
            here.times.add(entry.took_ms, bucket)
            self.times.add(entry.took_ms, bucket)

    def _add_answer(self, entry: _Entry) -> None:
        self.statuses[entry.status] += 1
        of_type = self.types.at(entry.type)
        of_type.n += 1
        of_type.bytes += entry.length
        if entry.took_ms is not None:
            _rank(self.slowest, entry.took_ms, entry)
        if entry.length:
            _rank(self.largest, float(entry.length), entry)

    def to_json(self) -> dict[str, object]:
        return {
            "n": self.n,
            "unreadable": self.unreadable,
            "bytes": self.bytes,
            "first_at": self.first_at,
            "last_at": self.last_at,
            "outcomes": dict(self.outcomes),
            "statuses": {str(status): n for status, n in self.statuses.items()},
            "times": self.times.to_json(),
            "types": _dump(self.types),
            "sites": _dump(self.sites),
            "errors": _dump(self.errors),
            "slowest": self.slowest,
            "largest": self.largest,
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Tally:
        """Returns what `to_json` made a table of. Raises KeyError, ValueError, TypeError, AttributeError."""
        one = cls()
        one.n, one.unreadable, one.bytes = int(given["n"]), int(given["unreadable"]), int(given["bytes"])
        one.first_at, one.last_at = str(given["first_at"]), str(given["last_at"])
        one.outcomes = Counter({str(name): int(n) for name, n in given["outcomes"].items()})
        one.statuses = Counter({int(status): int(n) for status, n in given["statuses"].items()})
        one.times = Durations.from_json(given["times"])
        _load(one.types, given["types"], TypeSum.from_json)
        _load(one.sites, given["sites"], SiteSum.from_json)
        _load(one.errors, given["errors"], ErrorSum.from_json)
        one.slowest, one.largest = _pages(given["slowest"]), _pages(given["largest"])
        return one


def _rank(heap: list[Page], figure: float, entry: _Entry) -> None:
    if len(heap) < MOST_PAGES:
        heappush(heap, (figure, entry.url, entry.status, entry.type))
    elif figure > heap[0][0]:
        heapreplace(heap, (figure, entry.url, entry.status, entry.type))


def _dump(groups: Groups[Any]) -> list[object]:
    return [groups.merged, groups.others.to_json(), {name: one.to_json() for name, one in groups}]


def _load(groups: Groups[Any], given: list[Any], read: Callable[[list[Any]], Sum]) -> None:
    merged, others, kept = given
    groups.merged, groups.others = int(merged), read(others)
    groups.kept = {str(name): read(one) for name, one in kept.items()}


def _pages(given: list[Any]) -> list[Page]:
    pages = [(float(figure), str(url), int(status), str(kind)) for figure, url, status, kind in given]
    heapify(pages)
    return pages
