"""One engine in Redis or Valkey: its crawls by name, and their nodes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import orjson
from anyio import CancelScope

from ...errors import ConfigError, FrontierError
from ...frontier.terms import WITHOUT_RULES
from ...model import Position
from ...proof import HistoryEvent, SettingChange
from ...settings.loading import project_version
from ...standing import CrawlStanding, Instructions, Paper
from ..engines import CrawlRow, NodeRow
from . import losses
from .backend import ENGINE, RedisBackend, open_backend, prefix_of
from .link import Link

KEY_BYTES = 16
PAUSE_S = 0.1
PATIENCE_S = 0.0
"""A command that looks or changes a little waits for no server."""
LAYOUT = 1
"""The layout of the keys. Nodes of another one do not join."""
HIDDEN = "seeds-"
"""Names of short lives that visit nothing begin so."""
FORGET_TTL_S = 60.0


class RedisEngine:
    """An engine that is there."""

    def __init__(self, url: str, link: Link) -> None:
        self._url = url
        self._link = link
        self.place: str = link.place

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[RedisEngine]:
        """Opens the engine in a database; makes it where there is none. Raises ConfigError, FrontierError."""
        link = Link(url, PATIENCE_S)
        try:
            await link.open()
            await _make_engine(link)
            yield cls(url, link)
        finally:
            with CancelScope(shield=True):
                await link.close()

    async def check_safety(self, durability: str) -> None:
        """Raises ConfigError for a server that would lose a crawl without a word; not with the durability `none`."""
        if durability != "none" and (trouble := _find_trouble(*await self._settings())):
            raise ConfigError(
                f"{self.place} {trouble}. Or say that the crawl may be lost: --durability none", ["frontier.durability"]
            )

    async def _settings(self) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Returns what the server tells of itself, and its settings; none where it does not show them."""
        told = await self._link.ask("INFO")
        try:
            found = await self._link.ask("CONFIG", "GET", "appendfsync")
        except FrontierError:  # services that rent servers out show none
            return told, {}
        return told, {_text(name): _text(value) for name, value in found.items()}

    async def find_crawl(self, name: str) -> CrawlRow | None:
        """Returns the crawl of this name; None: there is none."""
        number = await self._link.ask("HGET", f"{ENGINE}:crawls", name)
        return None if number is None else await self._crawl(int(number))

    async def make_crawl(self, name: str, shards: int) -> CrawlRow:
        """Returns the crawl of this name, made if there is none."""
        return await self._crawl(int(await self._call("make", None, name, secrets.token_bytes(KEY_BYTES), shards)))

    async def _crawl(self, number: int) -> CrawlRow:
        name, key, shards = await self._link.ask("HMGET", f"{ENGINE}:{number}:crawl", "name", "key", "shards")
        return CrawlRow(number, name.decode(), key, int(shards))

    def open_backend(
        self, crawl: CrawlRow, *, ttl_s: float, clock: Callable[[], str] | None = None
    ) -> AbstractAsyncContextManager[RedisBackend]:
        return open_backend(self._url, crawl, ttl_s=ttl_s, clock=clock)

    async def agree(self, crawl: CrawlRow, settings: str, seeds: str) -> tuple[str, str]:
        """Keeps the settings and the seeds of a crawl, if nobody did before; returns those that are kept."""
        told = await self._call("agree", crawl, settings, seeds)
        return told[0].decode(), told[1].decode()

    async def crawls(self) -> Sequence[str]:
        """Returns the names of all crawls, in the order in which they were made."""
        found = await self._link.ask("HGETALL", f"{ENGINE}:crawls")
        return [name.decode() for name, _ in sorted(found.items(), key=lambda one: int(one[1]))]

    async def standings(self, name: str = "") -> Sequence[CrawlStanding]:
        """Returns where all crawls stand whose settings are agreed, or the one of this name, in the order of making."""
        names = [name] if name else await self.crawls()
        found = [await self._standing(crawl) for one in names if (crawl := await self.find_crawl(one))]
        return [one for one in found if one is not None]

    async def _standing(self, crawl: CrawlRow) -> CrawlStanding | None:
        found = await self._link.ask("HGETALL", f"{prefix_of(crawl)}crawl")
        told = {name.decode(): value for name, value in found.items()}
        if not told["settings"]:
            return None
        waiting = await self._link.ask("SCARD", f"{prefix_of(crawl)}waiting")
        nodes = [node for node in await self.nodes(crawl) if node.is_alive]
        said = await self.instructions(crawl)
        settings = {**orjson.loads(told["settings"]), **said.settings}
        return CrawlStanding(
            crawl.name, settings, told["control"].decode(), "is_seeded" in told,
            await self.is_finished(crawl), max(0, int(told.get("queued", 0))) + waiting, int(told.get("known", 0)),
            len(nodes), await self.settled(crawl), float(told["made_at"]) / 1000, said.held, said.version,
        )  # fmt: skip

    async def mark_seeded(self, crawl: CrawlRow) -> None:
        """Notes that all seeds are stored, once those that are on their way now have come to their shards."""
        _, last = await self._call("oldest_mail", crawl)
        while True:
            first, _ = await self._call("oldest_mail", crawl)
            if not 0 < int(first) <= int(last):
                break
            await asyncio.sleep(PAUSE_S)
        await self._link.ask("HSET", f"{prefix_of(crawl)}crawl", "is_seeded", 1)

    async def nodes(self, crawl: CrawlRow) -> Sequence[NodeRow]:
        """Returns the nodes of a crawl, by name."""
        found = orjson.loads(await self._call("nodes", crawl)) or ()
        rows = [
            NodeRow(
                one["name"], one["alive"], float(one["joined"]) / 1000, one["beat"] / 1000, one["shards"],
                {name: int(number) for name, number in dict(one["settled"]).items()}, one["drains"],
            ) for one in found
        ]  # fmt: skip
        return sorted(rows)

    async def positions(self, crawl: CrawlRow) -> Mapping[str, Position]:
        """Returns what the outputs of all nodes had durably written, by `position_of`."""
        found = await self._link.ask("HGETALL", f"{prefix_of(crawl)}positions")
        return {sink.decode(): orjson.loads(value) for sink, value in found.items()}

    async def settled(self, crawl: CrawlRow) -> Mapping[str, int]:
        """Returns the final visits of a crawl, by disposition."""
        found = await self._link.ask("HGETALL", f"{prefix_of(crawl)}settled")
        return {name.decode(): int(number) for name, number in found.items() if int(number)}

    async def is_finished(self, crawl: CrawlRow) -> bool:
        """Returns whether nothing is left to do."""
        return bool(await self._call("is_finished", crawl))

    async def instructions(self, crawl: CrawlRow) -> Instructions:
        """Returns what its owner asks of all nodes, those that join later included."""
        number, last = await self._call("instructions", crawl)
        return Instructions.unpack(int(number), orjson.loads(last)["text"]) if last else Instructions()

    async def instruct(
        self, crawl: CrawlRow, wanted: Instructions, changes: Sequence[SettingChange], control: str = ""
    ) -> bool:
        """Keeps instructions of the next version, with what they change, and the word for all nodes if there is one.

        Returns False if somebody else was faster with that version: then nothing is kept.
        """
        told = orjson.dumps([one._asdict() for one in changes], default=str)
        words = (wanted.version, wanted.who, wanted.pack(), told, control)
        return bool(await self._call("instruct", crawl, *words))

    async def history(self, crawl: CrawlRow) -> Sequence[HistoryEvent]:
        """Returns what was asked of all nodes, in order: when, by whom, old and new."""
        found = [orjson.loads(text) for text in await self._link.ask("LRANGE", f"{prefix_of(crawl)}history", 0, -1)]
        return [
            HistoryEvent(
                one["at"] / 1000, "change", one["who"], {},
                tuple(SettingChange(**change) for change in orjson.loads(one["changes"])),
            ) for one in found
        ]  # fmt: skip

    async def now(self) -> float:
        """Returns the server's time (Unix seconds)."""
        seconds, microseconds = await self._link.ask("TIME")
        return float(seconds) + float(microseconds) / 1e6

    async def papers(self, prefix: str) -> Mapping[str, Paper]:
        """Returns the texts of control planes whose names begin so."""
        found = await self._link.ask("HGETALL", f"{ENGINE}:papers")
        told = {name.decode(): text.decode().partition(" ") for name, text in found.items()}
        return {name: Paper(int(told[name][0]), told[name][2]) for name in sorted(told) if name.startswith(prefix)}

    async def keep_paper(self, name: str, after: int, text: str | None) -> bool:
        """Keeps or drops a text. Returns False if its version is another one by now."""
        return bool(await self._call("keep_paper", None, name, after, int(text is None), text or ""))

    async def forget(self, crawl: CrawlRow, node: str) -> int:
        """Queues again what a lost node visited; returns how many visits. Raises FrontierError if it is alive."""
        lives = await self._call("forget", crawl, node)
        if lives is None:
            raise FrontierError(f"the node {node} is alive: end its process, or drain it; what it wrote is not lost")
        async with self.open_backend(crawl, ttl_s=FORGET_TTL_S) as backend:
            member = await backend.join(f"{HIDDEN}{secrets.token_hex(4)}", WITHOUT_RULES)
            number = await losses.forget(backend, member, node, [int(life) for life in lives])
            await backend.leave(member)
        return number

    async def drain(self, crawl: CrawlRow, node: str) -> None:
        """Asks a node to finish what it has under way, and to leave."""
        life = await self._link.ask("HGET", f"{prefix_of(crawl)}nodes", node)
        if life is not None:
            await self._link.ask("HSET", f"{prefix_of(crawl)}life:{life.decode()}", "drains", 1)

    async def _call(self, name: str, crawl: CrawlRow | None, *words: object) -> Any:
        return await self._link.call(name, prefix_of(crawl) if crawl else f"{ENGINE}:", *words)


async def _make_engine(link: Link) -> None:
    """Makes the engine where there is none. Raises FrontierError for one of another crawld."""
    kind = await link.ask("TYPE", ENGINE)
    if kind == b"none":
        await link.ask("HSETNX", ENGINE, "layout", LAYOUT)
        await link.ask("HSETNX", ENGINE, "version", project_version())
        return
    layout, version = await link.ask("HMGET", ENGINE, "layout", "version") if kind == b"hash" else (None, b"")
    if layout is None or version is None:
        raise FrontierError(
            f"{link.place} has a key `{ENGINE}` of another program: give the engine a database of its own"
        )
    if int(layout) != LAYOUT:
        raise FrontierError(
            f"{link.place} has the keys of crawld {version.decode()} (layout {layout.decode()}), and this is layout"
            f" {LAYOUT}: use that version on all nodes, or another database"
        )


def _find_trouble(told: Mapping[str, Any], settings: Mapping[str, str]) -> str:
    """Returns how the server would lose a crawl without a word, and what to do; empty: it would not."""
    if not told.get("aof_enabled"):
        return "keeps nothing when it ends (appendonly no): CONFIG SET appendonly yes"
    if settings.get("appendfsync") == "no":
        return "leaves it to chance when it writes (appendfsync no): CONFIG SET appendfsync everysec"
    if (policy := str(told.get("maxmemory_policy", "noeviction"))) != "noeviction":
        return (
            f"throws keys away when its memory is full (maxmemory-policy {policy}): CONFIG SET maxmemory-policy"
            " noeviction"
        )
    return ""


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
