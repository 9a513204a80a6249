"""The door of an engine: a server that keeps any number of crawls by name, each of them a `Backend`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from ..frontier.backend import Backend
from ..model import Position
from ..proof import HistoryEvent, SettingChange
from ..standing import CrawlStanding, Instructions, Paper


class CrawlRow(NamedTuple):
    """A crawl as the engine has it."""

    number: int
    name: str
    key: bytes
    shards: int


class NodeRow(NamedTuple):
    """A node of a crawl, in its latest life."""

    name: str
    is_alive: bool
    joined_at: float
    """Unix seconds."""
    beat_s: float
    """Seconds since it said that it lives."""
    shards: int
    settled: Mapping[str, int]
    """Its final visits, in all its lives."""
    drains: bool


class EngineServer(Protocol):
    """An engine that is there. All methods raise FrontierError where the server is away."""

    place: str
    """The server and the database, without a password."""

    async def check_safety(self, durability: str) -> None:
        """Raises ConfigError for a server that would lose a crawl without a word; not with the durability `none`."""
        ...

    async def find_crawl(self, name: str) -> CrawlRow | None:
        """Returns the crawl of this name; None: there is none."""
        ...

    async def make_crawl(self, name: str, shards: int) -> CrawlRow:
        """Returns the crawl of this name, made if there is none."""
        ...

    def open_backend(self, crawl: CrawlRow, *, ttl_s: float) -> AbstractAsyncContextManager[Backend]:
        """Opens a crawl."""
        ...

    async def agree(self, crawl: CrawlRow, settings: str, seeds: str) -> tuple[str, str]:
        """Keeps the settings and the seeds of a crawl, if nobody did before; returns those that are kept."""
        ...

    async def crawls(self) -> Sequence[str]:
        """Returns the names of all crawls, in the order in which they were made."""
        ...

    async def standings(self, name: str = "") -> Sequence[CrawlStanding]:
        """Returns where all crawls stand whose settings are agreed, or the one of this name, in the order of making."""
        ...

    async def mark_seeded(self, crawl: CrawlRow) -> None:
        """Notes that all seeds are stored, once those that are on their way now have come to their shards."""
        ...

    async def nodes(self, crawl: CrawlRow) -> Sequence[NodeRow]:
        """Returns the nodes of a crawl, by name."""
        ...

    async def positions(self, crawl: CrawlRow) -> Mapping[str, Position]:
        """Returns what the outputs of all nodes had durably written, by `position_of`."""
        ...

    async def settled(self, crawl: CrawlRow) -> Mapping[str, int]:
        """Returns the final visits of a crawl, by disposition."""
        ...

    async def is_finished(self, crawl: CrawlRow) -> bool:
        """Returns whether nothing is left to do."""
        ...

    async def instructions(self, crawl: CrawlRow) -> Instructions:
        """Returns what its owner asks of all nodes, those that join later included."""
        ...

    async def instruct(
        self, crawl: CrawlRow, wanted: Instructions, changes: Sequence[SettingChange], control: str = ""
    ) -> bool:
        """Keeps instructions of the next version, with what they change, and the word for all nodes if there is one.

        Returns False if somebody else was faster with that version: then nothing is kept.
        """
        ...

    async def history(self, crawl: CrawlRow) -> Sequence[HistoryEvent]:
        """Returns what was asked of all nodes, in order: when, by whom, old and new."""
        ...

    async def now(self) -> float:
        """Returns the server's time (Unix seconds)."""
        ...

    async def papers(self, prefix: str) -> Mapping[str, Paper]:
        """Returns the texts of control planes whose names begin so."""
        ...

    async def keep_paper(self, name: str, after: int, text: str | None) -> bool:
        """Keeps or drops a text. Returns False if its version is another one by now."""
        ...

    async def forget(self, crawl: CrawlRow, node: str) -> int:
        """Queues again what a lost node visited; returns how many visits. Raises FrontierError if it is alive."""
        ...

    async def drain(self, crawl: CrawlRow, node: str) -> None:
        """Asks a node to finish what it has under way, and to leave."""
        ...
