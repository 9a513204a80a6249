"""The frontier of a node whose outputs are its own: it writes files of its own, in a folder of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from ..frontier import Terms
from ..frontier.backend import Backend, Beat
from ..frontier.sharded import ShardedFrontier, open_sharded
from ..frontier.sharded.node import Node
from ..model import Outcome, Position
from ..standing import Instructions

SEPARATOR = "/"


def position_of(node: str, sink: str) -> str:
    """Returns the name under which the crawl keeps what an output of a node has written."""
    return f"{node}{SEPARATOR}{sink}"


class NodeFrontier(ShardedFrontier):
    """A `Frontier` of one node: it knows the positions of its own outputs alone."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._control = node.control
        self._version = node.instructions.version
        self._heed: Callable[[str], None] = _heed_nothing
        self._follow: Callable[[Instructions], None] = _follow_nothing
        node.show_beats_to(self._note_beat)

    def heed_by(self, heed: Callable[[str], None]) -> None:
        """Calls `heed` with the wish of the crawl's owner (run, pause, stop), now and whenever it changed."""
        self._heed = heed
        if self._control != "run":
            heed(self._control)

    @property
    def instructions(self) -> Instructions:
        """The instructions of the crawl's owner, as this node knows them."""
        return self.node.instructions

    def follow_by(self, follow: Callable[[Instructions], None]) -> None:
        """Calls `follow` with the instructions of the crawl's owner whenever they changed."""
        self._follow = follow

    def share(self, limit: int | None, wake: Callable[[], None]) -> None:
        """Shares a limit of pages with all other nodes. Calls `wake` when more may be allowed."""
        self.node.allowances.limit_pages(limit)
        self.node.tell_by(wake)
        self.node.hurry()

    @property
    def is_used_up(self) -> bool:
        """Whether all nodes together fetched as many pages as the limit says."""
        return self.node.allowances.is_used_up

    def left(self, out: int) -> int:
        """Returns how many visits this node may begin beside those under way."""
        return self.node.pages_left(out)

    def _note_beat(self, beat: Beat) -> None:
        if beat.control != self._control:
            self._control = beat.control
            self._heed(beat.control)
        if self.node.instructions.version != self._version:
            self._version = self.node.instructions.version
            self._follow(self.node.instructions)

    async def settle(self, outcomes: Sequence[Outcome], positions: Mapping[str, Position]) -> None:
        name = self.node.member.node
        await super().settle(outcomes, {position_of(name, sink): one for sink, one in positions.items()})

    async def positions(self) -> Mapping[str, Position]:
        mine = position_of(self.node.member.node, "")
        found = await super().positions()
        return {name.removeprefix(mine): one for name, one in found.items() if name.startswith(mine)}


@asynccontextmanager
async def open_node(backend: Backend, name: str, terms: Terms) -> AsyncIterator[NodeFrontier]:
    """Joins a crawl as a node. At the end it gives its shards up, once what it was told to store is stored."""
    async with open_sharded(backend, name, terms) as opened:
        yield NodeFrontier(opened.node)


def _heed_nothing(word: str) -> None:
    """Does nothing: no run is under way."""


def _follow_nothing(said: Instructions) -> None:
    """Does nothing: no run is under way."""
