"""The frontier of a node whose outputs are its own: it writes files of its own, in a folder of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from anyio import CancelScope

from ..frontier import Clock, Terms
from ..frontier.backend import Backend, Beat, Wish
from ..frontier.sharded import ShardedFrontier
from ..frontier.sharded.opening import MOST_ENTRIES, MOST_SITES
from ..model import Outcome, Position

SEPARATOR = "/"


def position_of(node: str, sink: str) -> str:
    """Returns the name under which the crawl keeps what an output of a node has written."""
    return f"{node}{SEPARATOR}{sink}"


class NodeFrontier(ShardedFrontier):
    """A `Frontier` of one node: it knows the positions of its own outputs alone."""

    _control = "run"
    _heed: Callable[[str], None] = staticmethod(lambda word: None)

    async def settle(self, outcomes: Sequence[Outcome], positions: Mapping[str, Position]) -> None:
        node = self.member.node
        await super().settle(outcomes, {position_of(node, sink): one for sink, one in positions.items()})

    def heed_by(self, heed: Callable[[str], None]) -> None:
        """Calls `heed` with the wish of the crawl's owner (run, pause, stop) whenever it changed."""
        self._heed = heed

    def note_beat(self, beat: Beat, wish: Wish, valid_until: float) -> None:
        super().note_beat(beat, wish, valid_until)
        if beat.control != self._control:
            self._control = beat.control
            self._heed(beat.control)

    async def positions(self) -> Mapping[str, Position]:
        mine = position_of(self.member.node, "")
        found = await super().positions()
        return {name.removeprefix(mine): one for name, one in found.items() if name.startswith(mine)}


@asynccontextmanager
async def open_node(backend: Backend, node: str, terms: Terms) -> AsyncIterator[NodeFrontier]:
    """Joins a crawl as a node. At the end it gives its shards up, once what it was told to store is stored."""
    member = await backend.join(node, terms)
    frontier = NodeFrontier(
        backend, member, terms, await backend.standing(), Clock(),
        takes_all=False, most_sites=MOST_SITES, most_entries=MOST_ENTRIES,
    )  # fmt: skip
    try:
        await frontier.begin()
        yield frontier
    finally:
        with CancelScope(shield=True):
            await frontier.end()
