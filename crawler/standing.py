"""Where a crawl and its sites stand: what frontiers count, and what panels, summaries and APIs show of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from .model import Disposition, Reason


class RobotsState(NamedTuple):
    """What is known of a site's robots.txt, nobody being asked for it."""

    state: Literal["not-asked", "open", "rules", "unreachable", "ignored"] = "not-asked"
    """`open`: it forbids nothing; `rules`: it forbids something; `ignored`, by our settings."""
    crawl_delay_s: float | None = None
    """As it is written there."""
    asked_in_s: float | None = None
    """How long until it may be asked for again; None: it was not asked."""
    detail: str = ""
    """Why it cannot be reached."""


class SiteView(NamedTuple):
    """One site as the panel shows it."""

    site: str
    queued: int
    leased: int
    next_turn_in_s: float | None
    """None: not before a visit there has ended, one of ours or of another crawl."""
    backoff_s: float = 0.0
    """How long it is left alone still for a setback: it asked for that, or could not be reached."""
    setback: Reason | None = None
    """Which; None: it is not left alone."""
    retrying: int = 0
    """URLs that wait for another attempt, which are not among `queued`. `Crawl.sites` tells, as it does the next."""
    delay_s: float = 0.0
    """How long it rests after each visit: ours or its Crawl-delay."""
    robots: RobotsState = RobotsState()


class Trap(NamedTuple):
    """A pattern of URLs whose pages brought nothing new."""

    pattern: str
    """As `https://example.org/calendar/#-#?view`: docs/traps.md says how it is read."""
    fetched: int
    """Its pages that were read."""
    news: int
    """Those of them that were like none before."""
    parked: int = 0
    """URLs that wait until somebody says that it is none."""
    examples: tuple[str, ...] = ()
    """Two of these."""
    reason: Reason = Reason.TRAP
    """Why they wait: `trap`; `blocked`, their site keeps us out; `soft-outage`, it gives one answer to everything."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Where a frontier stands. `settled` holds final dispositions only."""

    known: int = 0
    queued: int = 0
    """Not visited yet, retries included, what is out on lease not."""
    leased: int = 0
    retrying: int = 0
    """Those of `queued` that wait for another attempt."""
    sites: int = 0
    """Sites that have something queued or out."""
    settled: Mapping[Disposition, int] = field(default_factory=dict)
    scheduled: int = 0
    """Pages that were settled and will be visited again, not among `queued` yet."""
    due_in_s: float | None = None
    """When the first of those is due; below zero: it is."""
    parked: int = 0
    """URLs that wait in `traps` until somebody says that these are none. Not among `queued`."""
    traps: Sequence[Trap] = ()
    """Patterns of URLs that are parked, or would be, those that cost most first."""
