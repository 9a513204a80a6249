"""Defines the store of a frontier: the door between its memory and a disk."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..model import Request, Url
from ..policy.redirects import Hop
from ..standing import Pick, Visited
from .change import Change
from .extras import Extra
from .fingerprints import U64
from .order import Entry, Packed


class Load(NamedTuple):
    """The next requests of a site, in order, and whether these were all it had."""

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
    """Pages that are due for another visit, the longest overdue first, and the due time of the first other one."""

    entries: Sequence[Entry]
    next_due: float | None
    """Unix seconds."""


class Picked(NamedTuple):
    """A request that is not queued, as it would be queued again."""

    entry: Entry
    pattern: str = ""
    """The pattern it is parked under; empty: it was visited."""
    disposition: str = ""
    """The disposition of its visit."""
    is_scheduled: bool = False
    """Whether a revisit was to come."""


class Reader(Protocol):
    """The part of a store that answers questions. It makes all calls in their order: each is under way when it returns,
    awaited or not."""

    def load(self, site_id: int, behind: int, limit: int) -> Future[Load]:
        """Returns the next requests of a site, with keys above `behind`."""
        ...

    def unshelve(self, limit: int, room: int) -> Future[Shelf]:
        """Takes sites from the shelf, with the first `room` requests of each."""
        ...

    async def due(self, until: float, limit: int) -> Due:
        """Returns pages whose revisit is due by then. They stay on the schedule until a change queues them."""
        ...

    async def extras(self, rows: Sequence[int]) -> Mapping[int, Extra]:
        """Returns the extras of these rows, by row; rows without one are left out."""
        ...

    async def first(self, row: int) -> tuple[Url, bytes | None]:
        """Returns the URL of a row that was fetched once, and the digest of its last visit."""
        ...

    async def came_by(self, row: int, request: Request) -> list[Hop]:
        """Returns the visits that led to a row by redirects, the nearest first, as far as they ended in redirects."""
        ...

    def pick(self, pick: Pick, after: int, limit: int) -> Future[list[Picked]]:
        """Returns requests that may be queued again, with rows above `after`, in their order."""
        ...

    async def rows_of(self, fingerprints: U64) -> NDArray[np.int64]:
        """Returns the rows of known URLs, in the order of rows."""
        ...

    async def row_of_each(self, fingerprints: U64) -> NDArray[np.int64]:
        """Returns the row of each request, in the order given; 0 for an unknown one."""
        ...

    async def no_seeds(self, rows: Sequence[int]) -> list[int]:
        """Returns the rows that are no seeds."""
        ...

    async def linking_to(self, places: U64, after: int) -> tuple[list[int], int]:
        """Returns the rows of pages that link to places out of reach, written after a mark, in order; and the next
        mark."""
        ...

    async def visited(self, after: int, limit: int) -> list[Visited]:
        """Returns visited URLs, with rows above `after`, in their order."""
        ...

    async def left_out(self) -> Mapping[int, int]:
        """Returns how many pages have links that rules kept out, by the bits of these rules."""
        ...


class Store(Reader, Protocol):
    """The store of a frontier. It makes all calls in their order, as its reader does."""

    @property
    def is_usable(self) -> bool:
        """Whether it is open and nothing has failed: after a failure memory is ahead of the disk."""
        ...

    def check(self) -> None:
        """Raises FrontierError if it is not usable, and the error itself if that was a bug."""
        ...

    def fail(self, error: Exception) -> None:
        """Makes it unusable because of a bug outside it: `check` raises this error from now on."""
        ...

    def write(self, change: Change) -> Awaitable[None]:
        """Makes a change durable, as one transaction. Raises FrontierError, StorageFull."""
        ...
