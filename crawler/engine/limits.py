"""What bounds one run of a crawl, and what earlier runs have spent of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a run. None: nothing."""

    concurrency: int = 256
    pages: int | None = None
    """Fetched pages over the whole life of the frontier, exact."""
    time_s: float | None = None
    size_bytes: int | None = None
    grace_s: float = 30.0
    """What visits in hand get after `stop`."""
    known_bytes: int = 0
    """What is known should take no more of memory: there is a warning before it does. 0: there is none."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What counts already towards the limits of time and size, when a run begins."""

    time_s: float = 0.0
    bytes: int = 0


NOTHING_SPENT = Spent()
