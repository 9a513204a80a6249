"""The protocols (doors) between rooms. Any object with these methods will do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from .model import Lease, Outcome, Position, Request, Response, Url
from .standing import Counts, SiteView

T = TypeVar("T")


class Frontier(Protocol):
    """Holds the URLs that are known and those to visit next. Lends requests to a site only in the site's turn."""

    async def add(self, requests: Iterable[Request]) -> int:
        """Queues the requests whose URLs are new, and returns how many those are.

        Durable on return, idempotent. Raises FrontierError.
        """
        ...

    async def revisit(self, due: float) -> int:
        """Queues again some of the pages that are due by `due` (Unix seconds), behind all new URLs; returns how many.

        Returns 0 when no more are due. Durable on return; safe to cancel.
        """
        ...

    async def lease(self, limit: int) -> Sequence[Lease]:
        """Lends up to `limit` requests that are due now, each in its site's turn. Never waits; all or nothing."""
        ...

    async def wait(self) -> bool:
        """Waits until a lease may succeed. Returns False if nothing is queued and nothing is leased. Safe to cancel."""
        ...

    async def settle(self, outcomes: Sequence[Outcome], positions: Mapping[str, Position]) -> None:
        """Closes leases, queues the links found, sets next turns, keeps the sinks' positions: ONE transaction.

        Turns and new links count at once; the transaction is durable on return.
        """
        ...

    async def release(self, leases: Sequence[Lease]) -> None:
        """Puts unvisited requests back at the head of the queue."""
        ...

    async def claim(self, digest: bytes, lease: Lease) -> Url:
        """Returns the first URL with this content, the lease's own or an earlier one. Settled with the outcome."""
        ...

    async def way(self, start: Url, lease: Lease) -> Sequence[tuple[int, Url]]:
        """Returns the chain of redirects from `start` to the lease's URL, as rows and URLs. Empty: there is none."""
        ...

    async def positions(self) -> Mapping[str, Position]:
        """Returns by name of the sink what each one had durably written at the last settle."""
        ...

    def counts(self) -> Counts:
        """Returns the counts of URLs and sites, from memory."""
        ...

    def why_wait(self) -> str:
        """Returns why nothing may be lent now: a value of `politeness.Wait`, from memory."""
        ...

    def busiest(self, limit: int) -> Sequence[SiteView]:
        """Returns the sites with the most URLs left, from memory."""
        ...


class Fetcher(Protocol):
    """Makes HTTP exchanges. To add a cache, a login or a browser, write a Fetcher that holds another Fetcher."""

    async def fetch(self, request: Request) -> Response:
        """Makes one exchange and follows no redirect. Raises FetchError."""
        ...


class Rules(Protocol):
    """The rules of one site's robots.txt that apply to this crawler (RFC 9309)."""

    @property
    def delay_s(self) -> float | None:
        """The Crawl-delay in seconds; None: there is none."""
        ...

    @property
    def sitemaps(self) -> Sequence[str]:
        """The URLs of sitemaps, as robots.txt has them."""
        ...

    def allows(self, url: Url) -> bool:
        """Whether this crawler may fetch the URL."""
        ...


class Robots(Protocol):
    """Answers which URLs the robots.txt of each site allows."""

    async def rules(self, request: Request) -> tuple[Rules, bool]:
        """Returns the rules of the request's site, and whether they were fetched just now: at most once while fresh.

        Raises FetchError where the site cannot be asked (RFC 9309 2.3.1.4: unreachable means disallowed).
        """
        ...


class Offloader(Protocol):
    """Runs CPU work in workers, so that the event loop stays free."""

    async def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        """Runs a picklable pure function in a worker; work of fewer `size` bytes than the inline bound runs here.

        Raises OffloadError if the worker died of it, and every error that `work` raises.
        """
        ...


class Sink(Protocol):
    """Stores outcomes. The frontier keeps the sink's position under `name`."""

    @property
    def name(self) -> str:
        """The name of the sink, different from those of all other sinks of a crawl."""
        ...

    async def rewind(self, position: Position | None) -> None:
        """Cuts off all that was written after `position`; None: keeps nothing. Called once, on open."""
        ...

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        """Stores final outcomes in order; returns the position up to which all is durable. Raises SinkError."""
        ...


class Bounds(Protocol):
    """Decides which links belong to this crawl. Workers ask it, so it is picklable."""

    def sieve(self, anchor: Url, depth: int, page: Url | None = None) -> Callable[[str], int]:
        """Returns a function that judges the links of one page: canonical text -> the bit of LeftOut that keeps it out.

        0: the link belongs to the crawl. The links lie `depth` hops out and descend from the root `anchor`.
        """
        ...

    def place(self, text: str) -> str:
        """Returns the place of a link out of reach: a new seed of that place may admit it. Empty: no seed can."""
        ...
