"""The door of a backend: the memory that several event loops share, on one machine or on many.

The owner of a site decides, the backend remembers. A crawl is cut into shards (`shards.Cut`). At any time a shard is
held by one node at most: one event loop with its workers. The holder runs the mind of a frontier over it, in memory,
and the backend stores what the mind decided. It stores changes of many shards, messages to other shards and the
positions of outputs in one transaction, so a link that leads to a site of another node is never lost and never
queued twice.

Rules for all methods: they may wait for the backend; they raise FrontierError when it failed, StorageFull when its
disk is full. Calls of one node take effect in their order. A method that is cancelled took effect as a whole or not at
all. Times in `_s` are seconds by the backend's clock: no clock of a node decides who holds a shard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import NamedTuple, Protocol, TypeVar

from ..dataclass import dataclass
from ..errors import FrontierError
from ..frontier_protocols import Look
from ..model import Position, Url
from ..standing import Instructions, Linking, Root
from .change import Change
from .shards import Cut
from .state import State
from .store import Reader
from .terms import Terms

T = TypeVar("T")


class Fenced(FrontierError):
    """Raised where a node writes to a shard that it no longer holds. Nothing of the call took effect.

    All that the node has in memory of its shards is void then: it drops it without writing, and joins again. Outcomes
    that it drops unsettled need a new `ParseJob.run`, or workers would keep back the links they reported with them.
    """


class Hold(NamedTuple):
    """The hold of one node on one shard."""

    shard: int
    epoch: int
    """Grows by one each time the shard is taken. A commit under an older epoch is refused."""


class Membership(NamedTuple):
    """One life of a node in a crawl. It ends with `leave`, with `forget`, or when the node was silent for `ttl_s`."""

    node: str
    """The name: the same in each life, so that a node that comes back wins the same shards."""
    incarnation: int
    """The number of this life, unique in this crawl and growing."""
    crawl: str
    """The crawl's id. A node of another crawl is refused at each call."""
    key: bytes
    """The key of fingerprints."""
    cut: Cut
    ttl_s: float
    """A hold lasts this long from the beat that took or renewed it."""


class Wish(NamedTuple):
    """The wishes of a node for one beat."""

    held: Sequence[Hold] = ()
    """Shards that it holds and keeps."""
    free: Sequence[Hold] = ()
    """Shards that it gives up. It has nothing out there, and all its changes are committed."""
    take: Sequence[int] = ()
    """Shards that it wants if no living node holds them."""
    pages: int = 0
    """Pages that it wants to be allowed in all, those it is allowed already included. Fewer than before: it gives some
    back. Without effect where `limit` is None."""
    limit: int | None = None
    """The most pages that the crawl may fetch, over all nodes and runs."""
    addresses: Mapping[str, int] = {}
    """Slots that it wants at each address, in all; an address that is left out is given back."""
    per_address: int = 1
    """The most slots of an address over all nodes."""
    version: int = 0
    """The version of the owner's instructions that it has."""


class Beat(NamedTuple):
    """The answer to a beat."""

    nodes: Sequence[str]
    """The names of all living nodes, this one included, sorted."""
    held: Sequence[Hold]
    """All shards that the node holds now. One of `Wish.held` that is missing was lost: another node may have it."""
    control: str = "run"
    """`run`, `pause` or `stop`: the wish of the crawl's owner for all nodes."""
    settled: Mapping[str, int] = {}
    """Final visits of the whole crawl, by disposition."""
    fetched: int = 0
    """Pages that the whole crawl has fetched, requisites left out."""
    pages: int = 0
    """Pages that the node is allowed to fetch now: at most `limit`, less all fetched ones, less those that other living
    nodes are allowed. Each fetched page of a commit takes one of them away, in the same transaction."""
    addresses: Mapping[str, int] = {}
    """Slots that the node has at each address. Over all living nodes they are never more than `per_address`."""
    wanted: Sequence[str] = ()
    """Addresses of which another node wants more slots than it got: who has one to spare gives it back soon."""
    instructions: Instructions | None = None
    """The owner's instructions, where they are newer than `Wish.version`. None: they are not, or there are none."""


class Message(NamedTuple):
    """Requests for a shard that another node may hold, packed by the frontier. The backend does not look inside."""

    shard: int
    data: bytes
    number: int = 0
    """Its number in the inbox; messages of a shard come in the order of their numbers. 0: it is not stored yet."""


class ContentClaim(NamedTuple):
    """A page that asks whether its content is the first of its kind."""

    digest: bytes
    row: int
    url: Url


@dataclass(slots=True)
class Commit:
    """All that one transaction stores."""

    changes: Sequence[tuple[Hold, Change]] = ()
    """In their order: one shard may have several. `Change.positions`, `settled` and `claims` are not to be stored."""
    messages: Sequence[Message] = ()
    consumed: Sequence[Message] = ()
    """Messages whose requests are in `changes`: they leave the inbox."""
    positions: Mapping[str, Position] = field(default_factory=dict)
    """By sink, those that changed; the others stay."""
    forgotten: Sequence[str] = ()
    """Sinks whose positions are no longer wanted."""
    settled: Mapping[str, int] = field(default_factory=dict)
    """By how much each count of final visits grew; it may shrink, where a visit is made once more."""
    pages: int = 0
    """By how much the number of fetched pages grew, requisites left out."""
    notes: Mapping[str, object] = field(default_factory=dict)
    """By name, those that changed."""
    claimed: Sequence[int] = ()
    """Rows whose claims are settled: their pages are the first with their contents from now on."""
    unclaimed: Sequence[int] = ()
    """Rows whose claims are given up."""
    holds: Sequence[Hold] = ()
    """Further shards that must still be held for this to be stored."""

    def __bool__(self) -> bool:
        return bool(
            self.changes or self.messages or self.consumed or self.positions or self.forgotten or self.settled
            or self.notes or self.claimed or self.unclaimed
        )  # fmt: skip


class Standing(NamedTuple):
    """The state of a crawl beside its shards."""

    notes: Mapping[str, object]
    positions: Mapping[str, Position]
    settled: Mapping[str, int]
    pages: int


class ShardReader(Reader, Protocol):
    """The stored part of one shard, for the node that holds it. It sees all that this node committed before."""

    async def state(self, terms: Terms, now: float) -> State:
        """Returns the state for memory; `now` in Unix seconds. Rows count from `shards.base_of`, as all rows here.

        All sites with work are on the shelf afterwards. `claims`, `positions`, `settled` and `notes` of it are empty.
        """
        ...


class Backend(Protocol):
    """One crawl in a backend, as one process sees it. Nodes of this process share the object, or have one each."""

    async def join(self, node: str, terms: Terms) -> Membership:
        """Begins a life of a node. A life that a node of this name had before ends, and its shards are free.

        What is stored is brought to these terms, which are those of all nodes: the order of queues (`in_depth_order`),
        pages that go on the schedule (`revisit_after_s`), and whether it is kept how URLs belong to the crawl.
        """
        ...

    async def beat(self, member: Membership, wish: Wish) -> Beat:
        """Says that the node lives; renews, takes and gives up shards, pages and addresses: one call, one transaction.

        A shard is taken if it is free or its holder was silent for `ttl_s`; its epoch then grows. Raises Fenced if the
        life of the node has ended.
        """
        ...

    async def leave(self, member: Membership) -> None:
        """Ends the life of a node that has nothing out: its shards, pages, addresses and open claims are free."""
        ...

    async def forget(self, node: str) -> None:
        """Ends the life of a node that is known to be dead, without waiting for `ttl_s`."""
        ...

    def reader(self, member: Membership, hold: Hold) -> ShardReader:
        """Returns the stored part of a shard."""
        ...

    async def commit(self, member: Membership, batch: Commit) -> None:
        """Stores a batch durably, as one transaction.

        Raises Fenced if the node does not hold one of the shards under its epoch.
        """
        ...

    async def inbox(self, shards: Sequence[int], limit: int) -> Sequence[Message]:
        """Returns up to `limit` messages for these shards, those of each shard in order, the earliest ones.

        They stay until a commit consumes them.
        """
        ...

    async def claim(self, member: Membership, claims: Sequence[ContentClaim]) -> Sequence[Url]:
        """Returns for each page the first URL with its content: its own, or one that was settled or is under way.

        The claim of a node whose life has ended is void unless it was settled. A row holds one claim, its latest.
        """
        ...

    async def standing(self) -> Standing:
        """Returns the state of the crawl beside its shards."""
        ...

    async def roots(self, after: int, limit: int) -> Sequence[Root]:
        """Returns up to `limit` roots of all shards, with rows above `after`, in their order."""
        ...

    async def linking(self, rows: Sequence[int], left_out: int) -> Sequence[Linking]:
        """Returns those of the rows that are pages with links which these rules (bits of `LeftOut`) kept out."""
        ...

    async def ask(self, question: Callable[[Look], T]) -> T:
        """Returns the answer of `question`, which runs in a thread and may block. Raises what it raises, too."""
        ...

    async def is_finished(self) -> bool:
        """Returns whether nothing is queued, waits for another attempt, or lies in an inbox: one consistent answer."""
        ...

    async def inboxes(self) -> Mapping[int, int]:
        """Returns how many messages each shard has, without those that have none."""
        ...
