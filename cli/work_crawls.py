"""Takes part in the crawls of an engine: one task for each crawl that is not finished, until the node is stopped."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from crawler import (
    Config,
    ConfigError,
    Crawl,
    CrawlError,
    CrawlStanding,
    Engine,
    Fenced,
    FrontierError,
    Shared,
    claim_node,
    escape_text,
    join_engine,
    open_crawl,
    open_engine,
    open_shared,
)

from . import show
from .exit_codes import Exit
from .signals import end_at_once, on_signals
from .stderr import tell_line

LOOK_S = 1.0
"""Seconds between two looks for crawls to take part in."""
AGAIN_S = 15.0
"""Seconds after which a crawl that ended here with an error is joined again."""


class Worker:
    """One node of all crawls."""

    def __init__(
        self, url: str, home: Path, config: Config, only: Collection[str] = (), *, alive: Path | None, is_quiet: bool
    ) -> None:
        self._url = url
        self._home = home
        self._config = config
        self._only = frozenset(only)
        self._alive = alive
        self._is_quiet = is_quiet
        self._parts: dict[str, asyncio.Task[None]] = {}
        """By the name of the crawl."""
        self._open: dict[str, Crawl] = {}
        self._done: dict[str, int] = {}
        """Crawls that came to their limit, and those that this node was asked to leave: by name, the version of their
        owner's instructions then."""
        self._not_before: dict[str, float] = {}
        self._asked = 0
        self._stopped = asyncio.Event()
        self._is_away = False

    async def work(self) -> Exit:
        """Works until it is stopped; returns the exit code. Raises ConfigError, FrontierError if it cannot begin."""
        with self._heed_signals():
            async with open_engine(self._url) as engine, open_shared(self._config) as shared:
                self._tell(f"works on the crawls of {engine.place}; files are written to {self._home.resolve()}")
                try:
                    while not self._stopped.is_set():
                        await self._look(engine, shared)
                        await self._rest()
                finally:
                    await self._drain()
        self._tell("stopped; all that was under way is stored, and other nodes have its sites")
        return Exit.INTERRUPTED if self._asked > 1 else Exit.DONE

    async def _drain(self) -> None:
        """Waits until its part in all crawls has ended."""
        while parts := [part for part in self._parts.values() if not part.done()]:
            await self._show_life()
            await asyncio.wait(parts, timeout=LOOK_S)
        await asyncio.gather(*self._parts.values())

    async def _look(self, engine: Engine, shared: Shared) -> None:
        """Begins to take part in crawls that have work, and forgets those that ended here."""
        self._parts = {name: part for name, part in self._parts.items() if not part.done()}
        try:
            standings = await engine.standings()
        except FrontierError as error:
            if not self._is_away:
                self._tell(f"{error}; it waits for it")
            self._is_away = True
            return
        self._is_away = False
        for crawl in standings:
            if self._wants(crawl):
                self._parts[crawl.name] = asyncio.create_task(self._take_part(crawl, shared))

    def _wants(self, crawl: CrawlStanding) -> bool:
        """Whether to begin to take part. A crawl whose seeds are still read is for the nodes that read them."""
        if crawl.control == "stop" or self._done.get(crawl.name, crawl.version) != crawl.version:
            self._done.pop(crawl.name, None)  # whoever lets it go on, or changes it, may have another limit in mind
        has_work = crawl.is_seeded and not crawl.is_finished and crawl.control != "stop"
        is_asked_for = not self._only or crawl.name in self._only
        is_time = asyncio.get_running_loop().time() >= self._not_before.get(crawl.name, 0.0)
        return has_work and is_asked_for and is_time and crawl.name not in {*self._parts, *self._done}

    async def _take_part(self, crawl: CrawlStanding, shared: Shared) -> None:
        """Takes part in one crawl until it ends, or ends here. An error of one crawl leaves the others alone."""
        name = crawl.name
        try:
            config = Engine.settle(self._config, crawl)
            with claim_node(self._home / name) as node:
                self._tell(f"{name}: joined as {node.name}")
                mine = join_engine(config, self._url, name, node)
                async with open_crawl(mine, folder=node.folder, shared=shared) as opened:
                    await self._run(crawl, opened)
        except Fenced as error:
            self._tell(f"{name}: {error}. The node joins again; what was not stored is fetched again")
        except CrawlError as error:
            self._not_before[name] = asyncio.get_running_loop().time() + AGAIN_S
            self._tell(f"{name}: {error}. It is tried again in {AGAIN_S:.0f} s")

    async def _run(self, crawl: CrawlStanding, opened: Crawl) -> None:
        name = crawl.name
        self._open[name] = opened
        try:
            if self._asked:
                self._end(opened)
            summary = await opened.run()
        finally:
            del self._open[name]
        if summary.ended != "exhausted" and not self._asked:  # a limit was reached, or this node was asked to leave
            self._done[name] = crawl.version
        done = show.many(sum(summary.counts.settled.values()), "URL")
        self._tell(f"{name}: {summary.ended} here; the whole crawl has {done} done")

    async def _rest(self) -> None:
        """Waits for a moment, or until the node is stopped."""
        await self._show_life()
        waits = [asyncio.ensure_future(self._stopped.wait())]
        await asyncio.wait(waits, timeout=LOOK_S)
        waits[0].cancel()

    async def _show_life(self) -> None:
        if self._alive is None:
            return
        try:
            await asyncio.to_thread(self._alive.touch)
        except OSError as error:
            raise ConfigError(f"--alive {self._alive}: {error.strerror}") from None

    def _tell(self, line: str) -> None:
        if not self._is_quiet:
            tell_line(escape_text(line))

    @contextmanager
    def _heed_signals(self) -> Iterator[None]:
        acts = {signal.SIGINT: self._interrupt, signal.SIGTERM: self._stop, signal.SIGHUP: self._stop}
        with on_signals(acts, heeds_ignored=True):
            yield

    def _interrupt(self) -> None:
        """Stops; the second time at once, the third time without a word."""
        if self._asked == 0:
            self._stop()
            return
        self._asked += 1
        if self._asked > 2:
            end_at_once()
        self._tell("stopping at once; pages under way will be fetched again")
        for opened in list(self._open.values()):
            self._end(opened)

    def _stop(self) -> None:
        """Finishes what is under way. A supervisor may say so twice."""
        if self._asked:
            return
        self._asked = 1
        self._stopped.set()
        self._tell("finishing pages under way, for half a minute at most; another Ctrl-C stops at once")
        for opened in list(self._open.values()):
            self._end(opened)

    def _end(self, opened: Crawl) -> None:
        if self._asked > 1:
            opened.abort()
        else:
            opened.stop()
