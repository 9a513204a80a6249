"""Where a frontier keeps what must not be lost: the door between its memory and a disk."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Sequence
from typing import NamedTuple, Protocol

from ..errors import FrontierError
from ..model import Url
from .change import Change
from .order import Packed


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

    async def first(self, row: int) -> tuple[Url, bytes]:
        """The URL of a row that was fetched, and its digest."""
        ...


class Nowhere:
    """Keeps just what a claim needs: for crawls that end with their process."""

    def __init__(self) -> None:
        self._fetched: dict[int, tuple[Url, bytes]] = {}

    is_usable = True

    def check(self) -> None:
        """Memory does not fail."""

    async def write(self, change: Change) -> None:
        requests = {entry.row: entry.request for entry in change.gone}
        for visit in change.visits:
            if visit.digest:
                self._fetched[visit.row] = requests[visit.row].url, visit.digest

    def load(self, site_id: int, behind: int, limit: int) -> Future[Load]:
        raise FrontierError("a frontier in memory has nothing elsewhere")

    def unshelve(self, limit: int, room: int) -> Future[Shelf]:
        raise FrontierError("a frontier in memory has nothing elsewhere")

    async def first(self, row: int) -> tuple[Url, bytes]:
        return self._fetched[row]
