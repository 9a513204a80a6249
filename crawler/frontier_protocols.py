"""The door of a frontier, cut by who uses it. `protocols` offers `Frontier`, which is all of it.

Rules for all methods: one that is not asynchronous answers from the memory of this process and never waits. Times that
end in `_s` are seconds. Unless it says otherwise, an asynchronous method may wait for the store, is safe to cancel
(what it was told to write is written or not, as a whole), and raises FrontierError when the store failed, StorageFull
when its disk is full; after that `lease`, `wait` and all methods that write raise it again. Numbers called *row*
stand for known URLs, from 1, in the order of discovery.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from .model import Bar, Lease, LeftOut, Outcome, Position, Reason, Request, Url
from .standing import Counts, Instructions, Known, Linking, Pick, QueuedSite, Root, SiteTurn, SiteView, Trap, Visited

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")


class PerSite(Protocol):
    """Rules that differ for single sites, such as `https://example.org`. None: the site has no rule of its own."""

    def per_site(self, site: str) -> int | None:
        """Returns how many leases may be out at a time."""
        ...

    def delay_s(self, site: str) -> float | None:
        """Returns the rest after a visit whose end is not known."""
        ...


class Lending(Protocol):
    """The part for the engine: lends requests, each in its site's turn, and takes them back."""

    async def add(self, requests: Iterable[Request]) -> int:
        """Queues the requests whose URLs are new, and returns how many those are.

        Durable on return, idempotent. Lets other tasks run; after a cancellation some are queued and others are not.
        """
        ...

    async def revisit(self, due: float) -> int:
        """Queues again some of the pages that are due by `due` (Unix seconds), behind all new URLs; returns how many.

        Returns 0 when no more are due. Durable on return.
        """
        ...

    async def lease(self, limit: int) -> Sequence[Lease]:
        """Lends up to `limit` requests that are due now, each in its site's turn. All or nothing.

        Empty: nothing is due. Never waits for a turn, but may wait for the store. Not to be cancelled: leases that
        nobody got would stay out until the process ends. A lease that is out is never lent twice.
        """
        ...

    async def wait(self) -> bool:
        """Waits until a lease may succeed. Returns False if nothing is queued and nothing is leased."""
        ...

    async def settle(self, outcomes: Sequence[Outcome], positions: Mapping[str, Position]) -> None:
        """Closes leases, queues the links found, sets next turns, keeps the sinks' positions: ONE transaction.

        `positions` has those of the sinks that wrote, by name; the others stay. Turns and new links count at once; the
        transaction is durable on return. Raises FrontierError, before anything changes, if a lease is not out.
        """
        ...

    async def release(self, leases: Sequence[Lease]) -> None:
        """Puts unvisited requests back at the head of the queue. Does nothing once the store has failed.

        Raises FrontierError, before anything changes, if a lease is not out.
        """
        ...

    async def positions(self) -> Mapping[str, Position]:
        """Returns by name of the sink what each one had durably written at the last settle."""
        ...

    def counts(self) -> Counts:
        """Returns the counts of URLs and sites, a snapshot.

        All that was done through this object is in it. Where other processes work on the same frontier, their part
        is as old as the news of them; a limit of pages may then be exceeded by what they settled meanwhile.
        """
        ...

    def why_wait(self) -> str:
        """Returns why nothing may be lent now: a value of `politeness.Wait`."""
        ...


class Judging(Protocol):
    """The part for a visit: tells what the frontier knows of a request that is out on lease."""

    def bar(self, lease: Lease) -> Bar | None:
        """Returns why a lease is not to be fetched: a trap or a limit of pages, or no reason (not for now).

        None: it may be fetched, and its page counts as under way until it is settled or released.
        """
        ...

    async def claim(self, digest: bytes, lease: Lease) -> Url:
        """Returns the first URL with this content, the lease's own or an earlier one. Settled with the outcome.

        The claim of a lease that ends without a page is given up.
        """
        ...

    async def way(self, start: Url, lease: Lease) -> Sequence[tuple[int, Url]]:
        """Returns the chain of redirects from `start` to the lease's URL, as rows and URLs. Empty: there is none."""
        ...

    def knows_well(self, url: Url) -> bool:
        """Whether so many pages like the one at this URL were compared for traps that one in eight of the rest will do.

        The pages between are read in brief (`Page.is_brief`), which saves half of a worker's CPU time.
        """
        ...


class Watching(Protocol):
    """The part for panels and APIs, beside the counts. Gives snapshots: see `Lending.counts`."""

    def busiest(self, limit: int) -> Sequence[SiteView]:
        """Returns up to `limit` sites with the most URLs left, the busiest first, among those in memory."""
        ...

    def retrying(self) -> Mapping[str, int]:
        """Returns how many URLs wait for another attempt, by site."""
        ...

    async def left_out(self) -> Mapping[LeftOut, int]:
        """Returns how many pages have links that a rule kept out of the crawl, by rule. Looks through all visits."""
        ...


class Steering(Protocol):
    """The part for the owner of a crawl: changes it while it runs. None of it is stored."""

    def hold(self, site: str) -> None:
        """Lends nothing of a site, such as `https://example.org`, until `let_go`; leases that are out stay out."""
        ...

    def let_go(self, site: str) -> None:
        """Lends a held site again, in its turn. Does nothing if it is not held."""
        ...

    @property
    def held(self) -> frozenset[str]:
        """The sites that are held."""
        ...

    def limit_lending(
        self, *, per_site: int, per_ip: int, rest_s: float, most_asked_s: float, most_held_s: float, sites: PerSite
    ) -> None:
        """Lends by these limits from now on; leases that are out, and rests that began, stay as they are.

        At most `per_site` leases are out at a time to a site and `per_ip` to an address. `rest_s` is the rest after a
        visit whose end is not known, `most_asked_s` the longest Crawl-delay and `most_held_s` the longest Retry-After
        that is honoured. `sites` tells which sites have a `per_site` and a `rest_s` of their own.
        """
        ...


class Recalling(Protocol):
    """The part for second looks: queues known URLs again that were given as seeds, left out, failed or parked.

    What is queued again keeps its row. Where nothing says otherwise the return value says how many were queued, and all
    of it is durable on return; after a cancellation some are queued and others are not.
    """

    @property
    def key(self) -> bytes:
        """The key of `urls.fingerprint` in this crawl, 16 bytes. It never changes."""
        ...

    async def add_again(self, requests: Sequence[Request]) -> int:
        """Queues requests, known or new; the known ones become seeds. Returns how many it queued.

        What was visited is visited once more, as if for the first time: without validators, and with the label or data
        given now, if there are any. Requests that are queued or out are left alone.
        """
        ...

    async def revive(self, reasons: Iterable[str]) -> int:
        """Makes seeds of the known URLs that `add` was given since the last call.

        Queues again those that are parked, or that failed or were excluded for one of the `reasons`.
        """
        ...

    async def take_back(self, pick: Pick, but: Container[int] = ()) -> int:
        """Queues again the URLs that `pick` selects, except the rows in `but`. Those that are queued are left alone."""
        ...

    async def unpark(self, patterns: Sequence[str] = ()) -> int:
        """Queues again the URLs parked under these patterns and trusts the patterns; none given: all parked URLs."""
        ...

    async def parked(self, reason: Reason) -> Sequence[str]:
        """Returns the patterns under which URLs are parked for this reason."""
        ...

    async def reread_links_to(self, places: Sequence[int], after: int, done: set[int]) -> tuple[int, int]:
        """Queues pages again that link to these places (fingerprints) out of reach, to read their links.

        Looks through pages settled after a mark (0: all), leaves out the rows in `done`, and adds those it found to
        it. Returns how many were queued, and the mark for next time.
        """
        ...

    async def visited(self, after: int, limit: int) -> Sequence[Visited]:
        """Returns up to `limit` visited URLs, with rows above `after`, in the order of rows."""
        ...

    async def notes(self) -> Mapping[str, object]:
        """Returns the notes by name. They last as long as the rows do."""
        ...

    async def note(self, name: str, value: object) -> None:
        """Keeps a value, which JSON can hold, under a name. Durable on return."""
        ...


class Frontier(Lending, Judging, Watching, Steering, Recalling, Protocol):
    """Holds the URLs that are known and those to visit next. Lends requests to a site only in the site's turn."""

    @property
    def durable(self) -> DurableFrontier | None:
        """Its abilities if it outlasts its process. None: it begins empty and ends with its process.

        "Durable on return" then means: in memory.
        """
        ...


@runtime_checkable
class Heeding(Protocol):
    """The part of a frontier that several nodes share: its owner speaks to all of them by it."""

    def heed_by(self, heed: Callable[[str], None]) -> None:
        """Calls `heed` with the owner's wish, `run`, `pause` or `stop`, whenever it changed."""
        ...

    @property
    def instructions(self) -> Instructions:
        """The owner's instructions, as they are known here."""
        ...

    def follow_by(self, follow: Callable[[Instructions], None]) -> None:
        """Calls `follow` with the owner's instructions whenever they changed."""
        ...


@runtime_checkable
class Admitting(Protocol):
    """The part of a frontier that several nodes share: it lends URLs below roots that another node found."""

    def admit_by(self, admit: Callable[[Url, Url], object]) -> None:
        """Calls `admit` with a root that a seed redirected to, and the seed, before a URL below that root is lent."""
        ...


@runtime_checkable
class Sharing(Protocol):
    """The part of a frontier that shares a limit of pages with those of other nodes."""

    def share(self, limit: int | None, wake: Callable[[], None]) -> None:
        """Shares this limit from now on. Calls `wake` when more pages may be allowed than before."""
        ...

    @property
    def is_used_up(self) -> bool:
        """Whether all nodes together fetched as many pages as the limit says."""
        ...

    def left(self, out: int) -> int:
        """Returns how many visits may begin beside those under way."""
        ...


class DurableFrontier(Protocol):
    """The part of a frontier that outlasts its process: it knows what earlier runs did. See `Frontier.durable`."""

    @property
    def owed(self) -> Mapping[int, Sequence[str]]:
        """Rows whose next record goes to these sinks alone, for all others have it. As it was on opening."""
        ...

    def brought(self, url: Url) -> int:
        """Returns how many different contents URLs of this one's pattern had brought when it was opened."""
        ...

    async def roots(self, after: int, limit: int) -> Sequence[Root]:
        """Returns up to `limit` seeds and targets of redirected seeds, with rows above `after`, in their order."""
        ...

    async def row_of_each(self, fingerprints: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Returns the row of each URL, in the order given; 0: it is not known. Looks through all known URLs."""
        ...

    async def linking(self, rows: Sequence[int], left_out: int) -> Sequence[Linking]:
        """Returns those of the rows that are pages with links which these rules (bits of `LeftOut`) kept out."""
        ...

    async def judge(self, read: Sequence[tuple[Outcome, Linking]]) -> None:
        """Queues the URLs that pages lead to, and keeps which links are left out now, as after another visit.

        The outcome of each holds its page with the links that are news, and counts for nothing else. A page that was
        visited, or queued, since `linking` keeps what its visit finds. Durable on return.
        """
        ...

    async def ask(self, question: Callable[[Look], T]) -> T:
        """Returns the answer of `question`, which runs in a thread and may block. Raises what it raises, too."""
        ...


class Look(Protocol):
    """Answers questions about what a frontier has stored. Calls block. Requests out on lease look queued."""

    def find(self, url: Url) -> Known | None:
        """Returns all that is known of one URL; None: it was never queued. Looks through all known URLs."""
        ...

    def trap(self, url: Url) -> Trap | None:
        """Returns the trap that a URL leads into, queued or not; None: it leads into none."""
        ...

    def parkings(self) -> Sequence[Trap]:
        """Returns the patterns under which URLs are parked, those with the most first."""
        ...

    def parking(self, pattern: str) -> Trap | None:
        """Returns what waits under a pattern; None: nothing does."""
        ...

    def parked(self) -> int:
        """Returns how many URLs are parked."""
        ...

    def site(self, site: str) -> SiteTurn | None:
        """Returns the queue and the turn of a site; None: no URL of it was ever queued."""
        ...

    def busiest(self, limit: int) -> Sequence[QueuedSite]:
        """Returns up to `limit` sites with the most URLs queued, the busiest first."""
        ...

    def roots(self, limit: int, near: str = "") -> Sequence[Root]:
        """Returns the roots that scope measures from, in the order of discovery; only those whose URL holds `near`."""
        ...

    def queued(self) -> int:
        """Returns how many URLs are queued or out on lease, retries included."""
        ...

    def settled(self) -> Mapping[str, int]:
        """Returns how many URLs ended with each disposition."""
        ...

    def requisites(self) -> int:
        """Returns how many of the fetched URLs are requisites, which are no pages. Looks through all visits."""
        ...

    def failed(self) -> Mapping[str, int]:
        """Returns how many URLs failed, by reason. Looks through all visits."""
        ...

    def last_visit(self) -> float | None:
        """Returns when the latest visit ended, in Unix seconds; None: there was none. Looks through all visits."""
        ...

    def next_revisit(self) -> float | None:
        """Returns from when on a page is visited again, in Unix seconds; None: none is on schedule."""
        ...

    def positions(self) -> Mapping[str, Position]:
        """Returns what each sink, by name, had durably written at the last settle."""
        ...

    def note(self, name: str) -> object:
        """Returns the note with this name; None: there is none."""
        ...
