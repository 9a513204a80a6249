"""The doors: what each room promises the others. Any object of the shape will do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from .model import Lease, Outcome, Position, Request, Response, Url
from .standing import Counts, SiteView

T = TypeVar("T")


class Frontier(Protocol):
    """What to visit next and what is already known. Lends a site only in its turn."""

    async def add(self, requests: Iterable[Request]) -> int:
        """Queue what was never seen; return how many were new. Durable on return, idempotent. Raises FrontierError."""
        ...

    async def revisit(self, due: float) -> int:
        """Queue again some of the pages that are due by then (Unix seconds), behind all that is new; how many.

        0: there are no more. Durable on return; safe to cancel.
        """
        ...

    async def lease(self, limit: int) -> Sequence[Lease]:
        """Claim up to `limit` requests due now, within each site's turn. Never waits for a turn; all or nothing."""
        ...

    async def wait(self) -> bool:
        """Wait until a lease may succeed; False: nothing is queued and nothing is out. Safe to cancel."""
        ...

    async def settle(self, outcomes: Sequence[Outcome], positions: Mapping[str, Position]) -> None:
        """Close leases, queue what they found, set next turns, keep the sinks' positions: ONE transaction.

        Turns and discoveries count at once; the transaction is durable on return.
        """
        ...

    async def release(self, leases: Sequence[Lease]) -> None:
        """Give back unvisited, at the head of the queue."""
        ...

    async def claim(self, digest: bytes, lease: Lease) -> Url:
        """The first URL with this content: the lease's own, or that of an earlier claim. Settled with the outcome."""
        ...

    async def way(self, start: Url, lease: Lease) -> Sequence[tuple[int, Url]]:
        """The visits that led from a URL to that of the lease by redirects alone: rows and URLs; empty: none did."""
        ...

    async def positions(self) -> Mapping[str, Position]:
        """What each sink, by name, had durably written at the last settle."""
        ...

    def counts(self) -> Counts:
        """Where the frontier stands, from memory."""
        ...

    def why_wait(self) -> str:
        """Why nothing may be lent now: a `politeness.Wait`, from memory."""
        ...

    def busiest(self, limit: int) -> Sequence[SiteView]:
        """The sites with most to do, from memory."""
        ...


class Fetcher(Protocol):
    """The wire. A behaviour around fetching (a cache, a login, a browser) is a Fetcher that holds a Fetcher."""

    async def fetch(self, request: Request) -> Response:
        """One exchange, following nothing. Raises FetchError."""
        ...


class Rules(Protocol):
    """One site's robots.txt as it concerns us (RFC 9309)."""

    @property
    def delay_s(self) -> float | None: ...

    @property
    def sitemaps(self) -> Sequence[str]: ...

    def allows(self, url: Url) -> bool: ...


class Robots(Protocol):
    """What every site allows us."""

    async def rules(self, request: Request) -> tuple[Rules, bool]:
        """The rules of the request's site, fetched at most once while fresh; and whether that took a fetch just now.

        Raises FetchError where the site cannot be asked (RFC 9309 2.3.1.4: unreachable means disallowed).
        """
        ...


class Offloader(Protocol):
    """Where CPU work goes, so that the loop stays free."""

    async def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        """Run a picklable pure function in a worker; `size` bytes below the inline bound run here.

        Raises OffloadError when the worker died of it, and whatever `work` raises.
        """
        ...


class Sink(Protocol):
    """Where outcomes go. `name` keys its position in the frontier."""

    @property
    def name(self) -> str: ...

    async def rewind(self, position: Position | None) -> None:
        """On open: cut off whatever was written after `position`; None: keep nothing."""
        ...

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        """Store final outcomes in order; what is returned is durable. Raises SinkError."""
        ...


class Bounds(Protocol):
    """Which links belong to this crawl, asked in workers: picklable."""

    def sieve(self, anchor: Url, depth: int, page: Url | None = None) -> Callable[[str], int]:
        """For links of a page that lie `depth` hops out and descend from root `anchor`: canonical text -> the bit of
        LeftOut that keeps it out; 0: it belongs to the crawl."""
        ...

    def place(self, text: str) -> str:
        """Where a link out of reach leads: a new seed of the same place may let it in. Empty: none could."""
        ...
