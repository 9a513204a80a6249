"""Counts and states of a crawl and its sites, as frontiers keep them and as panels, summaries and APIs show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from .model import Disposition, Reason


class RobotsState(NamedTuple):
    """The known state of a site's robots.txt. No request is made for it."""

    state: Literal["not-asked", "open", "rules", "unreachable", "ignored"] = "not-asked"
    """`open`: it forbids nothing; `rules`: it forbids something; `ignored`: our settings ignore it."""
    crawl_delay_s: float | None = None
    """The Crawl-delay as the file has it."""
    asked_in_s: float | None = None
    """Seconds until it may be fetched again. None: it was never asked for."""
    detail: str = ""
    """Why it is unreachable."""


class RobotsVerdict(NamedTuple):
    """Whether a robots.txt lets a URL be fetched, and which line decided."""

    allowed: bool
    line: int = 0
    """Line of robots.txt, counted from 1; 0 if no rule matched."""
    rule: str = ""
    """The line as we read it: `Disallow: /private/`."""


class SiteView(NamedTuple):
    """One site as the panel shows it."""

    site: str
    queued: int
    leased: int
    next_turn_in_s: float | None
    """None: not before a visit to the site has ended, by this crawl or another one."""
    backoff_s: float = 0.0
    """Seconds that the site is still left alone after a setback: it asked for that, or could not be reached."""
    setback: Reason | None = None
    """The reason of that setback. None: it is not left alone."""
    retrying: int = 0
    """URLs that wait for another attempt, not counted in `queued`. `Crawl.sites` fills this field and the next two."""
    delay_s: float = 0.0
    """Seconds that it rests after each visit: our delay or its Crawl-delay."""
    robots: RobotsState = RobotsState()


class Trap(NamedTuple):
    """A pattern of URLs whose pages brought nothing new."""

    pattern: str
    """For example `https://example.org/calendar/#-#?view`. docs/traps.md says how to read it."""
    fetched: int
    """Pages of the pattern that were read."""
    news: int
    """Pages of these that were unlike all before."""
    parked: int = 0
    """URLs that wait until a person says that the pattern is not a trap."""
    examples: tuple[str, ...] = ()
    """Two of the parked URLs."""
    reason: Reason = Reason.TRAP
    """Why they wait: `trap`; `blocked`, the site keeps us out; `soft-outage`, it gives one answer to every request."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of a frontier. `settled` has final dispositions only."""

    known: int = 0
    queued: int = 0
    """URLs to visit, retries included, without those on lease."""
    leased: int = 0
    retrying: int = 0
    """URLs of `queued` that wait for another attempt."""
    sites: int = 0
    """Sites that have URLs queued or on lease."""
    settled: Mapping[Disposition, int] = field(default_factory=dict)
    scheduled: int = 0
    """Settled pages that are scheduled for a revisit and not in `queued` yet."""
    due_in_s: float | None = None
    """Seconds until the first of those is due; negative: it is due already."""
    parked: int = 0
    """URLs that wait in `traps` until a person unparks them. Not counted in `queued`."""
    traps: Sequence[Trap] = ()
    """Patterns of URLs that are parked, or would be with `traps = "park"`. The costliest come first."""
