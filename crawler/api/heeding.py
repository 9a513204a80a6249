"""Does in one node of a crawl what the owner of the crawl asks of all its nodes, also of those that join later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from anyio import create_task_group

from ..assembly.works import Works
from ..engine.engine import Engine
from ..engine.site_turns import SiteTurns
from ..frontier_protocols import Heeding
from ..loops.run import Loops
from ..settings import Config
from ..settings.loading import Changes, amend
from ..standing import Instructions


class Steered(Protocol):
    """The part of a `Crawl` that its owner steers."""

    config: Config

    def stop(self) -> None: ...
    async def change(self, config: Config | None = None, *, who: str = "program") -> Changes: ...


@asynccontextmanager
async def heed_owner(crawl: Steered, works: Works, engine: Engine | Loops) -> AsyncIterator[None]:
    """Heeds the owner of a crawl of several nodes within the block: all that was asked before holds when it begins."""
    asking: object = works.frontier
    if not isinstance(asking, Heeding):
        yield
        return
    node = _Node(crawl, works.turns, engine, asking)
    await node.catch_up()
    async with create_task_group() as tasks:
        tasks.start_soon(node.follow)
        does = {"stop": crawl.stop, "pause": engine.pause}
        asking.heed_by(lambda word: does.get(word, engine.resume)())
        yield
        tasks.cancel_scope.cancel()


class _Node:
    """One node, which follows the instructions of the owner."""

    def __init__(self, crawl: Steered, turns: SiteTurns, engine: Engine | Loops, asked: Heeding) -> None:
        self._crawl = crawl
        self._turns = turns
        self._engine = engine
        self._asked = asked
        self._held: frozenset[str] = frozenset()
        """The sites that the owner holds; those that the program holds itself are its own."""
        self._version = 0
        self._news = asyncio.Event()
        asked.follow_by(self._note)

    def _note(self, said: Instructions) -> None:
        """Holds sites at once; settings are changed by `follow`."""
        wanted = frozenset(said.held)
        for site in wanted - self._held:
            self._turns.hold(site)
        for site in self._held - wanted:
            self._turns.let_go(site)
        self._held = wanted
        self._news.set()

    async def catch_up(self) -> None:
        """Puts the newest instructions in force, if they are not."""
        while (said := self._asked.instructions).version != self._version:
            self._note(said)
            if said.settings:
                await self._crawl.change(amend(self._crawl.config, said.settings), who=said.who)
            self._version = said.version

    async def follow(self) -> None:
        """Puts instructions in force as they come, until it is cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            with self._engine.keep_open():
                await self.catch_up()
