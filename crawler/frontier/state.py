"""The stored state that a frontier's memory must know before it lends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from ..dataclass import dataclass
from ..model import Position
from ..policy.traps import StoredPattern
from .change import Parking
from .claims import Claims
from .depths import Depths
from .fingerprints import Fingerprints
from .order import Entry


@dataclass(slots=True)
class State:
    """The state of an opened store. Empty: a new crawl."""

    claims: Claims
    seen: Fingerprints = field(default_factory=Fingerprints)
    names: int = 0
    """Number of URLs that are referred to but were never queued."""
    queued: int = 0
    shelved: int = 0
    """Sites with URLs queued."""
    setbacks: Sequence[tuple[Entry, float]] = ()
    """Requests that wait for another attempt, and until when, in Unix seconds."""
    rests: Mapping[int, float] = field(default_factory=dict)
    """Sites without queued URLs whose turn is still to come, and when, in Unix seconds."""
    positions: Mapping[str, Position] = field(default_factory=dict)
    settled: Mapping[str, int] = field(default_factory=dict)
    scheduled: int = 0
    next_due: float | None = None
    """When the first revisit is due, in Unix seconds."""
    patterns: Sequence[StoredPattern] = ()
    pages: Mapping[str, int] = field(default_factory=dict)
    """Fetched pages by site, where these are bounded."""
    parkings: Sequence[tuple[Parking, int]] = ()
    """Patterns under which URLs are parked, and how many."""
    base: int = 0
    """The number after which rows begin: they are those of one shard."""
    depths: Depths | None = None
    """The depths, where a depth limit is set."""
    notes: Mapping[str, object] = field(default_factory=dict)
    owed: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """Rows whose next record goes to these sinks alone: all others have it."""
