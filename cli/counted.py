"""Counts that a frontier tells of a crawl, in a folder or in an engine, and their lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from . import show

if TYPE_CHECKING:
    from crawler import Look, Trap

SHOWN_SITES = 5
JSON_SITES = 100


class Standing(NamedTuple):
    """Counts that a frontier tells."""

    settled: Mapping[str, int]
    requisites: int
    queued: int
    failed: Mapping[str, int]
    parkings: Sequence[Trap]
    parked: int
    sites: Sequence[tuple[str, int]]
    last_visit: float | None
    next_revisit: float | None

    @property
    def pages(self) -> int:
        return self.settled.get("fetched", 0) - self.requisites


def ask(opened: Look) -> Standing:
    """Asks a frontier for its counts."""
    return Standing(
        settled=opened.settled(),
        requisites=opened.requisites(),
        queued=opened.queued(),
        failed=opened.failed(),
        parkings=opened.parkings(),
        parked=opened.parked(),
        sites=[(one.site, one.queued) for one in opened.busiest(JSON_SITES) if one.queued],
        last_visit=opened.last_visit(),
        next_revisit=opened.next_revisit(),
    )


def counted_words(now: Standing) -> Iterator[str]:
    """Yields a line for each kind of count."""
    if now.settled:
        yield f"  outcomes  {show.format_counts(now.settled)}"
    if now.failed:
        yield f"  failed    {show.format_counts(now.failed)}"
    if now.parked:
        yield f"  parked    {show.number(now.parked)} in {show.many(len(now.parkings), 'pattern')}"
    for label, (site, queued) in zip(("sites", *[""] * SHOWN_SITES), now.sites[:SHOWN_SITES], strict=False):
        yield f"  {label:<8}  {show.number(queued)} queued at {site}"


def moment(at: float | None) -> str | None:
    """Writes a time as records have it; None: there is none."""
    from crawler.runtime.times import iso

    return iso(at) if at else None
