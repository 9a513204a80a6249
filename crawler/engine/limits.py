"""The limits of one run of a crawl, and how much of them earlier runs have used."""

from __future__ import annotations

from typing import Protocol

from ..dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a run. None: there is no limit."""

    concurrency: int
    pages: int | None
    """Fetched pages over the whole life of the frontier. The limit is exact."""
    time_s: float | None
    size_bytes: int | None
    known_bytes: int
    """Memory planned for known URLs and sites, in bytes; there is a warning before it is used up. 0: no warning."""
    grace_s: float = 30.0
    """Seconds that visits under way get after `stop`."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Time and bytes of earlier runs that count towards the limits of this one."""

    time_s: float = 0.0
    bytes: int = 0


class Quota(Protocol):
    """The part of one engine in a limit of pages that several share."""

    @property
    def is_used_up(self) -> bool:
        """Whether all together fetched as many pages as the limit says."""
        ...

    def left(self, out: int) -> int:
        """Returns how many visits may begin beside the `out` that are under way. Zero: more may be allowed later."""
        ...


NOTHING_SPENT = Spent()
