"""The protocols (doors) between rooms. Any object with these methods will do. `frontier_protocols` has the widest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from .frontier_protocols import DurableFrontier as DurableFrontier  # noqa: PLC0414 - offered here with the others
from .frontier_protocols import Frontier as Frontier  # noqa: PLC0414
from .model import CrawlInfo, Outcome, Position, Post, Request, Response, Url
from .records import Filter, Record, Stretch, Survivors
from .standing import RobotsState, RobotsVerdict, WorkCost

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")


class Fetcher(Protocol):
    """Makes HTTP exchanges. To add a cache or a browser, write a Fetcher that holds another Fetcher.

    `open_crawl(fetcher=lambda inner: Mine(inner))` gives it the crawl's own one to hold (docs/own-fetcher.md).

    Thousands of calls run at a time on one event loop. A Fetcher may offer the methods of `Capping` and `PerAddress`
    as well.
    """

    async def fetch(self, request: Request) -> Response:
        """Makes one exchange and returns the answer, whatever its status. Follows no redirect, tries nothing twice.

        Waits as long as it needs to: for the name, the connection, the answer, and for memory for the body. Safe to
        cancel: then the exchange is dropped, and its memory is free. The body is complete in `Response.body`, in its
        content codings; `truncated` says if it was cut. `url` is the URL of the request. Raises FetchError: its
        `reason` becomes that of the record, and `transient` says whether another attempt may succeed. OutOfFiles means
        that no request was sent for a lack of files; it is no attempt.

        The response may hold memory of a budget. The crawl releases each response that it gets, once the visit is
        recorded or dropped. What a Fetcher got from another one and does not return, as it is or as a copy made with
        `dataclasses.replace`, is its own: its memory goes back to the budget when the Fetcher answers or fetches again.
        Responses of other clients are made with `Response.decoded`.
        """
        ...


@runtime_checkable
class Capping(Protocol):
    """A Fetcher that can stop reading a body at a limit. It is used for robots.txt."""

    def capped(self, limit_bytes: int) -> Fetcher:
        """Returns a Fetcher that reads the first `limit_bytes` of each body, ignores the rest, and is otherwise equal.

        A body that was cut is not marked as `truncated`. A Fetcher that holds one without this method returns itself.
        Never waits.
        """
        ...


@runtime_checkable
class PerAddress(Protocol):
    """A Fetcher that limits how many exchanges run at a time with one IP address."""

    def limit_per_address(self, most: int) -> None:
        """Allows `most` exchanges at a time with each address. Never waits; exchanges under way go on."""
        ...


class Vetting(Fetcher, Protocol):
    """A Fetcher that can check the address of a request without sending it. A dry run needs one."""

    async def vet(self, request: Request) -> None:
        """Looks up the host, and raises the FetchError of a host that must not or cannot be connected to.

        Connects to nothing but name servers. Safe to cancel.
        """
        ...


class Rules(Protocol):
    """The rules of one site's robots.txt that apply to this crawler (RFC 9309). They never change and never wait."""

    @property
    def delay_s(self) -> float | None:
        """The Crawl-delay in seconds, as the file has it and without any limit. None: there is none."""
        ...

    @property
    def sitemaps(self) -> Sequence[str]:
        """The values of the Sitemap lines in order, as the file has them. They need not be URLs."""
        ...

    def allows(self, url: Url) -> bool:
        """Whether this crawler may fetch the URL, which is one of the site. Takes microseconds; a millisecond at most.

        The longest matching rule decides, and `allow` wins a tie. Without a matching rule the URL is allowed. The URL
        of robots.txt itself is always allowed.
        """
        ...

    def verdict(self, url: Url) -> RobotsVerdict:
        """Returns the answer of `allows` with the line that decided."""
        ...


class Robots(Protocol):
    """Answers which URLs the robots.txt of each site allows. All methods but `rules` answer from memory."""

    async def rules(self, request: Request) -> tuple[Rules, bool]:
        """Returns the rules of the request's site, and whether this call sent a request to the site for them.

        The answer of a site is kept while it is fresh, and callers that come meanwhile wait for the same answer. May
        wait as long as a fetch with five redirects. Safe to cancel: another caller that waits asks instead.

        Raises FetchError where the site cannot be asked: unreachable means disallowed (RFC 9309 2.3.1.4). Its reason is
        ROBOTS_UNREACHABLE, or the one that every request to this host would meet (DNS, CONNECT ...). Callers get the
        same error from memory until the site is asked again. Raises OutOfFiles as `Fetcher.fetch` does, and SinkError
        where an Observer cannot store the answer.
        """
        ...

    def state(self, site: str) -> RobotsState:
        """Returns what is known of a site, such as `https://example.org`, fresh or old."""
        ...

    def ask_again(self) -> None:
        """Makes each site be asked again before its next page. If that fails, its old rules hold."""
        ...


class Offloader(Protocol):
    """Runs CPU work in workers, so that the event loop stays free."""

    @property
    def waiting(self) -> int:
        """How many calls no worker has taken yet, of this lane or, outside of any lane, of all. From memory."""
        ...

    def lane(self) -> Offloader:
        """Returns an Offloader over the same workers for one of several crawls. Workers serve the lanes by turns."""
        ...

    async def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        """Returns the result of `work(*args)`, which runs in a worker: a process, a thread, or here.

        `work`, its arguments and its result can be pickled, and it changes nothing outside itself: it may run twice if
        a worker dies. `size` is the number of bytes that it reads; it estimates memory and how long the call takes.
        Calls of fewer bytes than `inline_below_bytes` run here at once; 0 means unknown, and never runs here where
        there are workers. Waits for a free worker and for the result. A call that is cancelled before a worker has
        taken it never runs; otherwise its result is dropped.

        Raises OffloadError if the worker died of the call (PARSE_CRASH), if it took too much CPU time (PARSE_TIMEOUT)
        or more memory than allowed (PARSE); WorkersGone if the workers were closed; and every Exception that `work`
        raises.
        """
        ...


class WorkerState(Protocol):
    """One worker of an Offloader, as it is seen from outside."""

    @property
    def is_busy(self) -> bool:
        """Whether it works on something."""
        ...

    @property
    def pid(self) -> int | None:
        """The id of its process. None: it is a thread, or does not run yet."""
        ...


@runtime_checkable
class Staffed(Protocol):
    """An Offloader that has workers, whose figures can be shown."""

    @property
    def members(self) -> Sequence[WorkerState]:
        """Its workers, from memory."""
        ...


@runtime_checkable
class Choosing(Protocol):
    """An Offloader that chooses where work is done by what it costs."""

    def costs(self) -> Sequence[WorkCost]:
        """Returns what was measured and chosen, by kind of work and size. From memory."""
        ...


class Sink(Protocol):
    """Stores outcomes. The frontier keeps the sink's position under `name`."""

    @property
    def name(self) -> str:
        """The name of the sink, different from those of all other sinks of a crawl."""
        ...

    async def rewind(self, position: Position | None) -> None:
        """Cuts off all that was written after `position`; None: keeps nothing of this crawl. Called once, on open.

        None comes in the first run of a crawl, and when this sink is new in a crawl that has begun. A store that
        several crawls share must know which records are this crawl's: see `PerCrawl`.
        """
        ...

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        """Stores final outcomes in order; returns the position up to which all is durable. Raises SinkError.

        All sinks of a crawl write the same outcomes at the same time. If one fails, the others finish.
        """
        ...


@runtime_checkable
class PerCrawl(Protocol):
    """A sink that tells crawls apart, since they share its store. A sink becomes one by having this method."""

    async def begin_crawl(self, crawl: CrawlInfo) -> None:
        """Takes the crawl that it will write for. Called once, on open, before `rewind`. Raises SinkError."""
        ...


@runtime_checkable
class Patient(Protocol):
    """A sink that waits for a store that is away. A sink becomes one by having this method."""

    def hurry(self) -> None:
        """Makes `write` wait for a few seconds more at most, for the run is to end. Never waits itself."""
        ...


@runtime_checkable
class Follower(Protocol):
    """A sink that goes on with records once they are settled. A sink becomes one by having this method."""

    def note_settled(self) -> None:
        """Hears that all it has written so far is settled. Called after each batch. Never waits."""
        ...


@runtime_checkable
class Archive(Protocol):
    """A sink that keeps every exchange, also those of attempts that are not final. Its method makes it one."""

    async def archive(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Stores the answers of a batch that is about to be settled; returns the outcomes in their order, with places.

        Called before `write`, which gets the final ones of the outcomes returned here, and which returns the position
        after all that was placed. All sinks of the crawl get these outcomes, so that their records can name
        `Outcome.capture`. Then `write` is called for every batch, also with no outcome. Raises SinkError.
        """
        ...


class Output(Protocol):
    """One output of a crawl folder: its format, its files, and how it is read back. Making one touches no file."""

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


@runtime_checkable
class Posting(Protocol):
    """An Output that posts to webhooks. The crawl gives it the function that does, with the guard for addresses."""

    def open_posting(self, post: Post, *, is_synced: bool) -> AbstractAsyncContextManager[Sink]:
        """Opens the sink as `Output.open` does. It is called instead."""
        ...


@runtime_checkable
class Finishing(Protocol):
    """An Output that knows which of its files can be copied elsewhere, since nothing in them changes any more."""

    def find_finished(self, position: Position, *, is_over: bool) -> Sequence[str]:
        """Returns their names in the crawl folder; `is_over`: also of those that only the next run makes longer."""
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

    def reaches(self, anchor: Url) -> Callable[[str], bool]:
        """Returns a function that tells whether a link, as canonical text, that descends from `anchor` is in reach."""
        ...

    def sieve_beyond(self, page: Url) -> Callable[[str], int]:
        """Returns a function as of `sieve`, for links of a page that lead out of the reach, and for requisites."""
        ...

    def place(self, text: str) -> str:
        """Returns the place of a link out of reach: a new seed of that place may admit it. Empty: no seed can."""
        ...


@runtime_checkable
class Observer(Protocol):
    """Sees exchanges that bring no outcome: robots.txt, requests of rendered pages. This method makes a sink one."""

    async def observe(self, response: Response) -> None:
        """Takes one such answer, whatever its status. Redirects come one by one.

        `response.heads` has request and answer as they were sent. The site waits for the end of this call, which is
        never cancelled; `write` of the same sink may run at the same time. A robots.txt is cut at 500 KiB.

        Not exactly once: a site is asked again in each run and whenever its answer is no longer fresh, and what was
        stored after the last settled position is cut off by `rewind`. Raises SinkError, which ends the crawl, as every
        other exception does.
        """
        ...
