"""The report of a crawl: how its records came out, by status, type and site, with the slowest and largest pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple, TypeVar

from .durations import Durations
from .groups import Groups
from .tally import MOST_SITES, ErrorSum, Page, SiteSum, Tally, TypeSum

VERSION = 1
"""Version of the report. Under the same number no field is renamed or changes its meaning."""
S = TypeVar("S", TypeSum, SiteSum)
SHOWN_ERRORS = 20
SHOWN_TYPES = 50


class OutcomeCount(NamedTuple):
    """How many records ended alike."""

    disposition: str
    """How the visit ended: `fetched`, `failed`, `excluded`, ..."""
    reason: str | None
    """Why, in one of the words of docs/records.md; None: there is nothing to say."""
    n: int
    """How many records did."""


class StatusCount(NamedTuple):
    """How many answers had a status."""

    status: int
    """The HTTP status."""
    n: int
    """How many answers had it."""


class TypeCount(NamedTuple):
    """The answers of one media type."""

    type: str
    """The media type without parameters, in small letters: `text/html`; empty: the answer named none."""
    n: int
    """How many answers had it."""
    bytes: int
    """Bytes of their bodies, without content codings."""
    is_at_least: bool
    """Whether more of them may be among the others, so that these figures are lower bounds."""


class Times(NamedTuple):
    """Milliseconds that answers took their sites, from the DNS look-up to the last byte; 0: there were none."""

    n: int
    """How many answers there were."""
    mean_ms: float
    """Their mean."""
    p50_ms: float
    """Half of them were as fast; accurate to 5 %, as the next two."""
    p95_ms: float
    """95 in 100 were as fast."""
    p99_ms: float
    """99 in 100 were as fast."""


class SiteCount(NamedTuple):
    """The records of one site."""

    site: str
    """The site: `https://example.org`; empty: the sum of several."""
    n: int
    """How many records it has."""
    pages: int
    """Pages fetched."""
    bytes: int
    """Bytes of bodies, without content codings."""
    failed: int
    """Visits that failed."""
    mean_ms: float
    """Mean time of its answers, in milliseconds."""
    p95_ms: float
    """95 in 100 of its answers were as fast, in milliseconds."""
    is_at_least: bool
    """Whether more of its records may be among the others, so that these figures are lower bounds."""


class PageFigure(NamedTuple):
    """A page that stands out."""

    url: str
    """Its URL."""
    status: int | None
    """The HTTP status of its answer."""
    type: str
    """The media type that its answer named."""
    figure: float
    """The figure that it is ranked by: milliseconds, or bytes."""


class ErrorCount(NamedTuple):
    """How many visits failed alike."""

    reason: str
    """Why, in one of the words of docs/records.md."""
    detail: str
    """The same in words for a person, cut after 120 characters."""
    n: int
    """How many visits did."""
    example: str
    """The URL of one of them."""
    is_at_least: bool
    """Whether there may be more of them, so that the number is a lower bound."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a crawl came out, as far as its records are counted. A page that was visited twice has two records."""

    counted_at: float
    """When the latest record was counted, in Unix seconds."""
    share: float
    """The part of the output that is counted, from 0 to 1; below 1 the figures are of the records that came first."""
    records: int
    """Records counted."""
    unreadable: int
    """Lines that are no records, because somebody changed the file."""
    bytes: int
    """Bytes of all bodies, without content codings."""
    first_at: str | None
    """When the first visit began (RFC 3339); None: there was none."""
    last_at: str | None
    """When the last visit began."""
    outcomes: Sequence[OutcomeCount]
    """The records by what became of the URL, and why; the most frequent first, as in all lists here."""
    statuses: Sequence[StatusCount]
    """The answers by HTTP status."""
    types: Sequence[TypeCount]
    """The answers by media type, 50 at most."""
    other_types: TypeCount
    """The sum of all other types."""
    sites: Sequence[SiteCount]
    """The sites with most records, 1,000 at most."""
    other_sites: SiteCount
    """The sum of all other sites."""
    times: Times
    """The times of all answers."""
    slowest: Sequence[PageFigure]
    """The 20 answers that took longest, in milliseconds."""
    largest: Sequence[PageFigure]
    """The 20 largest bodies, in bytes."""
    errors: Sequence[ErrorCount]
    """The most frequent errors, 20 at most."""
    v: int = VERSION
    """The version of this report."""

    @property
    def is_whole(self) -> bool:
        """Whether all records that there were at `counted_at` are counted."""
        return self.share >= 1.0

    def record(self) -> dict[str, object]:
        """Returns the report as a JSON object, as the daemon's API gives it."""
        return {field.name: _as_json(getattr(self, field.name)) for field in fields(self)}


def make_report(tally: Tally, counted_at: float, share: float, most_sites: int = MOST_SITES) -> Report:
    """Returns the report of what is counted, with so many sites by name."""
    types, others = _split(tally.types, TypeSum(), SHOWN_TYPES)
    sites, elsewhere = _split(tally.sites, SiteSum(), min(most_sites, MOST_SITES))
    return Report(
        counted_at=counted_at,
        share=share,
        records=tally.n,
        unreadable=tally.unreadable,
        bytes=tally.bytes,
        first_at=tally.first_at or None,
        last_at=tally.last_at or None,
        outcomes=[_outcome(name, n) for name, n in tally.outcomes.most_common()],
        statuses=[StatusCount(status, n) for status, n in tally.statuses.most_common()],
        types=[TypeCount(name, one.n, one.bytes, one.is_at_least) for name, one in types],
        other_types=TypeCount("", others.n, others.bytes, is_at_least=False),
        sites=[_site(name, one) for name, one in sites],
        other_sites=_site("", elsewhere),
        times=_times(tally.times),
        slowest=_ranked(tally.slowest),
        largest=_ranked(tally.largest),
        errors=[_error(name, one) for name, one in tally.errors.largest()[:SHOWN_ERRORS]],
    )


def _as_json(value: object) -> object:
    if isinstance(value, list):
        return [one._asdict() for one in value]
    return value._asdict() if isinstance(value, (Times, SiteCount, TypeCount)) else value


def _split(groups: Groups[S], rest: S, most: int) -> tuple[list[tuple[str, S]], S]:
    """Returns the largest groups, and the sum of all others, in `rest`."""
    ranked: list[tuple[str, S]] = groups.largest()
    for one in (groups.others, *(one for _, one in ranked[most:])):
        rest.merge(one)
    return ranked[:most], rest


def _outcome(name: str, n: int) -> OutcomeCount:
    disposition, _, reason = name.partition(" ")
    return OutcomeCount(disposition, reason or None, n)


def _site(name: str, one: SiteSum) -> SiteCount:
    mean, p95 = round(one.times.mean_ms, 1), round(one.times.percentile_ms(0.95), 1)
    return SiteCount(name, one.n, one.pages, one.bytes, one.failed, mean, p95, one.is_at_least)


def _times(times: Durations) -> Times:
    return Times(times.n, round(times.mean_ms, 1), *(round(times.percentile_ms(one), 1) for one in (0.5, 0.95, 0.99)))


def _ranked(heap: Sequence[Page]) -> list[PageFigure]:
    return [PageFigure(url, status or None, kind, round(figure, 1)) for figure, url, status, kind in sorted(heap)[::-1]]


def _error(name: str, one: ErrorSum) -> ErrorCount:
    reason, _, detail = name.partition("\n")
    return ErrorCount(reason, detail, one.n, one.example, one.is_at_least)
