"""Where a frontier keeps what must not be lost: the door between its memory and a disk."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..model import Request, Url
from ..policy.redirects import Hop
from .change import Change
from .order import Entry, Packed
from .seen import U64


class Load(NamedTuple):
    """The next entries of a site, in order, and whether that was all it had."""

    entries: Sequence[Packed]
    was_all: bool


class Shelved(NamedTuple):
    """A site that comes back from the shelf with the front of its queue."""

    site_id: int
    queued: int
    next_at: float
    """Unix seconds."""
    load: Load


class Shelf(NamedTuple):
    """Sites taken from the shelf, earliest turns first, and how many are left there."""

    sites: Sequence[Shelved]
    left: int


class Due(NamedTuple):
    """Pages that are due for another visit, the longest overdue first, and when the first of all others is."""

    entries: Sequence[Entry]
    next_due: float | None
    """Unix seconds."""


class Linking(NamedTuple):
    """A page that was read, and what rules kept out of its links."""

    entry: Entry
    left_out: int
    visited_at: float


class Root(NamedTuple):
    """What scope measures from."""

    row: int
    url: Url
    seed: Url | None
    """The seed it descends from; None: it is one."""


class Visited(NamedTuple):
    """One URL that was visited."""

    row: int
    site: str
    disposition: str
    reason: str | None


class Ended(NamedTuple):
    """Pick URLs that failed or were excluded, for these reasons."""

    reasons: tuple[str, ...]


class Left(NamedTuple):
    """Pick pages with links that these rules (bits of `LeftOut`) kept out of the crawl."""

    left_out: int


class Waiting(NamedTuple):
    """Pick what is parked under the patterns; empty: under any."""

    patterns: tuple[str, ...] = ()


class Rows(NamedTuple):
    """Pick these."""

    rows: tuple[int, ...]
    is_reread: bool = False
    """Whether pages among them are to be read again for their links, rather than visited once more."""
    reasons: tuple[str, ...] | None = None
    """Of those that were visited, only these: that failed or were excluded so. None: all."""


Pick = Ended | Left | Waiting | Rows


class Picked(NamedTuple):
    """Something that is not queued, as it would be queued again."""

    entry: Entry
    pattern: str = ""
    """The one it is parked under; empty: it was visited."""
    disposition: str = ""
    """What became of it."""
    is_scheduled: bool = False
    """Whether a revisit was to come."""


class Store(Protocol):
    """Does all it is told in the order it is told: each call is under way when it returns, awaited or not."""

    @property
    def is_usable(self) -> bool:
        """Not closed, and nothing failed before: memory is ahead of the disk then."""
        ...

    def check(self) -> None:
        """Raises FrontierError if it is not usable."""
        ...

    def write(self, change: Change) -> Awaitable[None]:
        """Make it durable, as one transaction. Raises FrontierError, StorageFull."""
        ...

    def load(self, site_id: int, behind: int, limit: int) -> Future[Load]:
        """The next entries of a site whose keys lie behind the one given."""
        ...

    def unshelve(self, limit: int, room: int) -> Future[Shelf]:
        """Take sites from the shelf, with the first `room` of their entries each."""
        ...

    async def due(self, until: float, limit: int) -> Due:
        """Pages whose revisit is due by then. They stay on the schedule until a change queues them."""
        ...

    async def first(self, row: int) -> tuple[Url, bytes | None]:
        """The URL of a row that was fetched once, and the digest its last visit left."""
        ...

    async def came_by(self, row: int, request: Request) -> list[Hop]:
        """The visits that led to it by redirects, the nearest first, as far as they ended so."""
        ...

    def pick(self, pick: Pick, after: int, limit: int) -> Future[list[Picked]]:
        """What may be queued again, with rows behind the one given, in their order."""
        ...

    async def rows_of(self, fingerprints: U64) -> NDArray[np.int64]:
        """The rows of known URLs, in their own order."""
        ...

    async def no_seeds(self, rows: Sequence[int]) -> list[int]:
        """Those of the rows that are no seeds."""
        ...

    async def linking_to(self, places: U64, after: int) -> tuple[list[int], int]:
        """The rows of pages that link to places out of reach, in order, as written after a mark; and the next mark."""
        ...

    async def roots(self, after: int, limit: int) -> list[Root]:
        """The seeds, and where seeds redirected to, with rows behind the one given, in their order."""
        ...

    async def visited(self, after: int, limit: int) -> list[Visited]:
        """What was visited, with rows behind the one given, in their order."""
        ...

    async def left_out(self) -> Mapping[int, int]:
        """How many pages have links that rules kept out, by the bits of these rules."""
        ...
