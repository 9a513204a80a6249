"""The protocols (doors) between rooms. Any object with these methods will do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol, TypeVar

from .model import Lease, Outcome, Position, Request, Response, Url
from .records import Filter, Record, Stretch, Survivors
from .standing import Counts, SiteView

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
        """Stores final outcomes in order; returns the position up to which all is durable. Raises SinkError.

        All sinks of a crawl write the same outcomes at the same time. If one fails, the others finish.
        """
        ...


class Output(Protocol):
    """One output of a crawl folder: how its format is written, which files it makes, and how it is read back.

    It holds nothing open, and making one touches no file.
    """

    @property
    def name(self) -> str:
        """The name of its sink. Stable: the frontier finds the sink's position by it."""
        ...

    @property
    def place(self) -> str:
        """Where people find its records: a path, or a URL without its password."""
        ...

    @property
    def files(self) -> Sequence[str]:
        """The names of its files in the folder, those that it has and those that it would begin with."""
        ...

    @property
    def drafts(self) -> Sequence[str]:
        """The names of temporary files in the folder that it makes meanwhile; nobody reads them."""
        ...

    @property
    def reader(self) -> Reader | None:
        """Reads its records back. None: this format cannot."""
        ...

    @property
    def mender(self) -> Mender | None:
        """Finds the records that are left after damage. None: this format is trusted to hold all that was settled."""
        ...

    def open(self, *, is_synced: bool) -> AbstractAsyncContextManager[Sink]:
        """Opens the sink for one run. With `is_synced`, what it has written survives a power cut.

        Raises SinkError, StorageFull, ConfigError.
        """
        ...


class Reader(Protocol):
    """Reads the records of an output back, also while a crawl writes to it. A record that is half written is left out.

    A place is a number of the format's own that lies between two records; 0 is before the first. Calls block and
    belong in a thread. An output that is not there yet is empty. Raises OSError, also where a file is not safe to read.
    """

    def read(self, start: int, limit: int, wanted: Filter, most_bytes: int) -> Stretch:
        """Returns up to `limit` matching records from place `start` on; reads about `most_bytes` at most."""
        ...

    def start_of_last(self, n: int, wanted: Filter, most_bytes: int) -> int:
        """Returns the place before the last `n` matching records, or of those among the last `most_bytes` or so."""
        ...

    def end(self, position: Position | None = None) -> int:
        """Returns the place after the last record; with `position`, after the last that had been written there."""
        ...

    def find_links(self, start: int, end: int) -> Iterator[tuple[int, str, int]]:
        """Yields place, URL and the place after it for each record that has a list of links."""
        ...


class Mender(Protocol):
    """Finds and keeps the whole records of a damaged output. Calls block and belong in a thread. Raises OSError."""

    def is_whole(self, position: Position, *, is_thorough: bool) -> bool:
        """Whether all that was settled at `position` seems to be there; `is_thorough` reads it all."""
        ...

    def find_survivors(self, position: Position, key: bytes) -> Survivors:
        """Returns the whole records up to `position`; `key` is that of the frontier's fingerprints."""
        ...

    def keep(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Position:
        """Removes all but these records, so that a power cut leaves the old state or the new; returns the position."""
        ...

    def records(self, position: Position) -> Iterator[Record]:
        """Yields the readable records up to `position`."""
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
