"""Several nodes of one crawl as real processes, a real server, and a web that logs what it sees."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO

import orjson

from crawler.testing import Web, open_web
from crawler.testing.server import Served
from tests.postgres import Server
from tests.redis_server import RedisServer

TTL_S = 3.0
DELAY_S = 0.25
PATIENCE_S = 120.0
CRAWL = Path(sys.executable).with_name("crawl")
TOLERANCE_S = 0.01
"""The web notes the end of an answer a moment before the client has it, and a beginning a moment later."""


class Crowd:
    """The nodes of one crawl, named NAME, in one folder."""

    def __init__(self, url: str, served: Served, folder: Path) -> None:
        self.url = url
        self.served = served
        self.folder = folder
        self.home = folder / "NAME"
        self.options: list[str] = ["--delay", f"{DELAY_S}", "--set", f"frontier.ttl_s={TTL_S}", "--set", "shards=32"]
        self.nodes: list[asyncio.subprocess.Process] = []
        (folder / "urls.txt").write_text("\n".join(served.seeds))

    async def join(self) -> asyncio.subprocess.Process:
        """Starts a node: the same command each time."""
        log = (self.folder / f"node-{len(self.nodes)}.log").open("wb")
        return await self._start(["urls.txt", "--engine", self.url, "-o", "NAME", *self.options], log)

    async def work(self) -> asyncio.subprocess.Process:
        """Starts a node that takes part in all crawls until it is stopped."""
        log = (self.folder / f"node-{len(self.nodes)}.log").open("wb")
        return await self._start(["work", "--engine", self.url, "--set", f"frontier.ttl_s={TTL_S}"], log)

    async def _start(self, words: list[str], log: IO[bytes]) -> asyncio.subprocess.Process:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("CRAWL_")}
        node = await asyncio.create_subprocess_exec(
            CRAWL, *words, "--allow-network", "127.0.0.0/8",
            cwd=self.folder, stdout=log, stderr=log, start_new_session=True, env=environ,
        )  # fmt: skip
        log.close()
        self.nodes.append(node)
        return node

    async def hits(self, number: int) -> None:
        """Waits until the web has seen so many requests."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.served.hits) < number:
                self.check_alive()
                await asyncio.sleep(0.01)

    def check_alive(self) -> None:
        """Raises AssertionError if all nodes have ended."""
        if all(node.returncode is not None for node in self.nodes):
            raise AssertionError(f"all nodes have ended:\n{self.said()}")

    def send(self, node: asyncio.subprocess.Process, word: signal.Signals) -> None:
        """Sends a signal to a node and all its helpers."""
        if node.returncode is None:
            os.killpg(node.pid, word)

    async def end(self, *, killed: int = 0) -> None:
        """Waits until every node has ended by itself. All but the killed ones have done their work."""
        async with asyncio.timeout(PATIENCE_S):
            codes = [await node.wait() for node in self.nodes]
        assert Counter(codes)[-signal.SIGKILL] == killed, self.said()
        assert set(codes) <= {0, -signal.SIGKILL}, self.said()

    async def command(self, *words: str) -> tuple[int, str]:
        """Runs another command; returns its exit code and what it said."""
        made = await asyncio.create_subprocess_exec(
            CRAWL, *words, cwd=self.folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await made.communicate()
        return made.returncode or 0, said.decode()

    async def tell(self, action: str, *words: str) -> str:
        """Asks something of all nodes; returns what the command said."""
        code, said = await self.command("nodes", "NAME", action, *words, "--engine", self.url)
        assert code == 0, said
        return said

    async def merge(self) -> Counter[str]:
        """Merges what the nodes wrote; returns how often each URL is in it."""
        code, said = await self.command("merge", "NAME", "--engine", self.url, "-o", "pages.jsonl")
        assert code == 0, said
        lines = (self.folder / "pages.jsonl").read_bytes().splitlines()
        return Counter(orjson.loads(line)["url"] for line in lines)

    def said(self) -> str:
        logs = sorted(self.folder.glob("node-*.log"))
        return "\n".join(f"{log.name}: {log.read_text()[-3000:]}" for log in logs)

    def check_politeness(self, overlaps: int = 0) -> None:
        """Raises AssertionError where a site had too little rest between two requests, whoever made them.

        `overlaps` is how many requests may have been under way when their node was stopped.
        """
        breaches = []
        for site in self.served.web.sites:
            for earlier, later in pairwise(self.served.of(site.host)):
                rest = later.began - (earlier.ended or earlier.began)
                if rest < DELAY_S - TOLERANCE_S:
                    breaches.append((site.host, earlier.target, later.target, rest))
        assert len(breaches) <= overlaps, breaches

    def in_flight(self) -> int:
        """Returns how many visits a node may have under way, or not settled, when it is killed."""
        return 2 * len(self.served.web.sites)


@asynccontextmanager
async def open_crowd(server: Server | RedisServer, database: str, web: Web, folder: Path) -> AsyncIterator[Crowd]:
    """Opens a crawl for which no node works yet; ends all nodes in the end."""
    if isinstance(server, RedisServer):
        url = server.new_url()
    else:
        await server.ask(f"CREATE DATABASE {database}")
        url = server.url.rpartition("/")[0] + f"/{database}"
    async with open_web(web) as served:
        crowd = Crowd(url, served, folder)
        try:
            yield crowd
        finally:
            for node in crowd.nodes:
                if node.returncode is None:
                    os.killpg(node.pid, signal.SIGKILL)
                    await node.wait()
