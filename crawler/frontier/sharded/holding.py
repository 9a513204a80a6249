"""Keeps the shards of one node: says that it lives, takes the shards that it wins, and gives up those that it does not.

Every node sees the same living nodes, so all come to the same division, and a shard that changes hands waits for its
old holder to finish.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...runtime.clock import monotonic
from ..backend import Backend, Beat, Fenced, Hold, Membership, Wish

log = logging.getLogger(__name__)

BEATS_A_LIFE = 6
"""Beats in the time after which a silent node is taken for dead."""
LEAST_PAUSE_S = 0.02
"""Seconds between two beats, however much is wanted."""
MARGIN = 0.2
"""Part of that time which a node leaves unused: its clock and its thread may be slower than others."""
RANKED_AT_ONCE = 512
"""Shards whose nodes are ranked at once: with a thousand nodes these ranks take 4 MB."""
SPARE = 1.25
"""A node holds at most this many times its equal part of all shards."""


def divide(shards: int, nodes: Sequence[str]) -> Mapping[str, Sequence[int]]:
    """Returns which shards each node wins. Few change hands where a node comes or goes."""
    return _divide(shards, tuple(nodes))


@lru_cache(maxsize=2)
def _divide(shards: int, nodes: Sequence[str]) -> Mapping[str, Sequence[int]]:
    """Asks each shard for the node that it ranks first of those that have room."""
    if not nodes:
        return {}
    most = -(-shards * SPARE // len(nodes))
    marks = np.array([_mark(node) for node in nodes], np.uint64)
    has_room = np.ones(len(nodes), np.uint64)
    won: list[list[int]] = [[] for _ in nodes]
    for start in range(0, shards, RANKED_AT_ONCE):
        numbers = np.arange(start, min(start + RANKED_AT_ONCE, shards), dtype=np.uint64)
        ranks = _mix(_mix(numbers)[:, None] ^ marks) | np.uint64(1)
        for shard, first, ranked in zip(numbers.tolist(), ranks.argmax(axis=1).tolist(), ranks, strict=True):
            chosen = first if has_room[first] else int((ranked * has_room).argmax())
            won[chosen].append(shard)
            has_room[chosen] = len(won[chosen]) < most
    return dict(zip(nodes, won, strict=True))


def _mark(node: str) -> int:
    return int.from_bytes(blake2b(node.encode(), digest_size=8).digest(), "little")


def _mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Returns 64 bits for each number that follow from it without a pattern (the last steps of SplitMix64)."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return mixed ^ mixed >> np.uint64(31)


class Part(NamedTuple):
    """The part of one node in a crawl."""

    takes_all: bool
    """It is to hold all shards."""
    peers: Sequence[str]
    """The names of all nodes, where these never change. Empty: those that live divide the shards."""
    most_sites: int
    most_entries: int


class Keeper(Protocol):
    """Holds the shards in memory."""

    @property
    def holds(self) -> Sequence[Hold]: ...

    def is_free(self, shard: int) -> bool:
        """Whether a shard may be given up: nothing of it is out, and nothing of it waits to be stored."""
        ...

    async def leave(self, shards: Iterable[int]) -> None:
        """Lends nothing of these shards any more, but of all others. On return what they had to write is stored."""
        ...

    async def take(self, hold: Hold) -> None:
        """Reads a shard that was taken."""
        ...

    def drop(self, shard: int) -> None:
        """Forgets a shard."""
        ...

    def wish(self) -> Wish:
        """Returns the pages and addresses that it wants."""
        ...

    def note_beat(self, beat: Beat, wish: Wish, valid_until: float) -> None:
        """Takes what was granted. Nothing may be lent after `valid_until` (monotonic seconds)."""
        ...


class Holding:
    """Beats for one node until it is cancelled."""

    def __init__(
        self, backend: Backend, member: Membership, keeper: Keeper, part: Part, fail: Callable[[Exception], None]
    ) -> None:
        self._backend = backend
        self._member = member
        self._keeper = keeper
        self._part = part
        self._fail = fail
        self._nodes: Sequence[str] = ()
        self._hurry = asyncio.Event()

    @property
    def nodes(self) -> Sequence[str]:
        """The living nodes at the last beat."""
        return self._nodes

    def renew(self, member: Membership) -> None:
        """Beats for another life of the node from now on."""
        self._member = member

    def hurry(self) -> None:
        """Beats soon: something is wanted, or given back."""
        self._hurry.set()

    async def run(self) -> None:
        """Beats until it is cancelled. A failure is raised at the next call of the frontier."""
        pause_s = self._member.ttl_s / BEATS_A_LIFE
        while True:
            await asyncio.sleep(LEAST_PAUSE_S)
            try:
                async with asyncio.timeout(pause_s):
                    await self._hurry.wait()
            except TimeoutError:
                pass
            self._hurry.clear()
            try:
                await self.beat()
            except Exception as error:  # noqa: BLE001 - a bug, too
                self._fail(error)
                return

    async def beat(self) -> None:
        """Says that the node lives, and takes and gives up what has to be."""
        keeper, began = self._keeper, monotonic()
        wanted = set(self._wanted())
        held = {hold.shard: hold for hold in keeper.holds}
        await keeper.leave(held.keys() - wanted)
        free = [hold for shard, hold in held.items() if shard not in wanted and keeper.is_free(shard)]
        for hold in free:
            keeper.drop(hold.shard)
        wish = keeper.wish()._replace(
            held=[hold for hold in held.values() if hold not in free], free=free, take=sorted(wanted - held.keys())
        )
        beat = await self._backend.beat(self._member, wish)
        has_changed = list(self._nodes) != list(beat.nodes)
        self._nodes = beat.nodes
        keeper.note_beat(beat, wish, began + self._member.ttl_s * (1 - MARGIN))
        now_held = {hold.shard: hold for hold in beat.held}
        for hold in wish.held:
            if now_held.get(hold.shard) != hold:
                raise Fenced(f"shard {hold.shard} was lost to another node: this one was silent for too long")
        for shard in now_held.keys() - held.keys():
            await keeper.take(now_held[shard])
        if has_changed:
            self._hurry.set()

    def _wanted(self) -> Iterable[int]:
        if self._part.takes_all:
            return range(self._member.cut.shards)
        return divide(self._member.cut.shards, self._part.peers or self._nodes).get(self._member.node, ())
