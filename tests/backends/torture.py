"""Whatever happens to nodes, server and network, mixed from a seed: every page once, no site pressed, every node ends.

`python -m tests.backends.torture --stories 200 --seed 1` tells many stories on a real PostgreSQL server,
`test_torture.py` tells ten. Each story is a function of its seed, but for the moments at which processes are served.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

import orjson

from crawler import FrontierError, open_engine
from crawler.testing import link_graph
from tests.backends.relay import Relay, open_relay
from tests.backends.stories import TTL_S, Crowd, open_crowd
from tests.postgres import Server, open_server, why_not

SITES, PAGES, LINKS = 10, 14, 5
EVENTS = 3
LEFT = 11
"""The exit code of a node that was told to leave."""
ALLOWED = {0, LEFT, -signal.SIGKILL}
TELLING = ("url", "disposition", "reason", "detail")
SEED = 20261201
ENDS_S = 240.0
"""Within so many seconds after the last event all nodes have ended."""


class Told(NamedTuple):
    """What a story told."""

    events: list[str]
    asked: int
    """Requests that the web saw beside those for robots.txt."""
    pages: int
    forgotten: int
    seconds: float


class Story:
    """One crawl, with events in an order that follows from the seed."""

    def __init__(self, crowd: Crowd, server: Server, relay: Relay, random: Random) -> None:
        self.crowd = crowd
        self.server = server
        self.relay = relay
        self.random = random
        self.straight = crowd.url
        self.through = crowd.url.replace(f":{server.port}/", f":{relay.port}/")
        self.overlaps = 0
        """Requests that may have been under way when their node was stopped, or parted from the engine."""
        self.killed = 0
        self.forgotten = 0
        """Visits of lost machines, which are made again."""

    async def join(self, *, through: bool = False) -> Process:
        self.crowd.url = self.through if through else self.straight
        node = await self.crowd.join()
        self.crowd.url = self.straight
        return node

    @property
    def alive(self) -> list[Process]:
        return [node for node in self.crowd.nodes if node.returncode is None]

    def any(self) -> Process | None:
        """Returns one of the nodes that live."""
        return self.random.choice(self.alive) if self.alive else None

    # -- events ------------------------------------------------------------------------------------------------------

    async def kill(self) -> None:
        if node := self.any():
            await self._kill(node)
        await self.join()

    async def _kill(self, node: Process) -> None:
        self.crowd.send(node, signal.SIGKILL)
        self.killed += await node.wait() == -signal.SIGKILL

    async def stop(self) -> None:
        """A node stands still beyond its lease, and goes on."""
        if node := self.any():
            self.crowd.send(node, signal.SIGSTOP)
            self.overlaps += SITES
            await asyncio.sleep(TTL_S * self.random.uniform(1.1, 1.6))
            self.crowd.send(node, signal.SIGCONT)

    async def crash(self) -> None:
        self.server.crash()
        await asyncio.sleep(self.random.uniform(0.1, 1.0))
        self.server.start()

    async def away(self) -> None:
        """The server is away for three lives."""
        self.overlaps += SITES
        self.server.crash()
        await asyncio.sleep(3 * TTL_S)
        self.server.start()

    async def stall(self) -> None:
        self.overlaps += SITES
        self.relay.stall()
        await asyncio.sleep(TTL_S * self.random.uniform(0.3, 1.6))
        self.relay.go_on()

    async def reset(self) -> None:
        self.relay.reset()

    async def half_open(self) -> None:
        self.overlaps += SITES
        self.relay.half_open()
        await asyncio.sleep(TTL_S * self.random.uniform(0.3, 1.6))
        self.relay.go_on()

    async def joins(self) -> None:
        await self.join(through=self.random.random() < 0.5)

    async def drain(self) -> None:
        """A node leaves on the owner's wish; another one stays, or comes."""
        if len(self.alive) < 2:
            await self.join()
        node = self.any()
        if name := await self._name(node):
            async with open_engine(self.crowd.url) as engine:
                await engine.drain("NAME", name)

    async def forget(self) -> None:
        """A machine is lost with its files, and its pages are fetched again."""
        node = self.any()
        name = await self._name(node)
        if node is None or not name:
            return
        await self._kill(node)
        shutil.rmtree(self.crowd.home / name, ignore_errors=True)
        await self.join()
        async with asyncio.timeout(ENDS_S), open_engine(self.crowd.url) as engine:
            while True:
                try:
                    self.forgotten += await engine.forget("NAME", name)
                    break
                except FrontierError as error:
                    if "is alive" not in str(error):
                        raise
                await asyncio.sleep(0.2)

    async def _name(self, node: Process | None) -> str:
        """Returns the name of a node in the engine, once it says so; empty: it has ended."""
        if node is None:
            return ""
        log = self.crowd.folder / f"node-{self.crowd.nodes.index(node)}.log"
        while node.returncode is None:
            if found := re.search(
                r"NAME: node (\S+), in [^\n]*\n(?:crawling|continuing)", log.read_text(errors="replace")
            ):
                return found[1]
            await asyncio.sleep(0.05)
        return ""

    # -- the story ---------------------------------------------------------------------------------------------------

    async def tell(self, events: list[str]) -> None:
        await self.join(through=True)
        await self.join()
        whole = SITES * PAGES
        for number, event in enumerate(events, 1):
            await self._hits(whole * number // (len(events) + 2))
            happen: Callable[[], Awaitable[None]] = getattr(self, event)
            await happen()
        await self.end()

    async def _hits(self, number: int) -> None:
        """Waits until the web has seen so many requests. Where all nodes have left before, another one joins."""
        async with asyncio.timeout(ENDS_S):
            while len(self.crowd.served.hits) < number:
                if not self.alive:
                    await self.join()
                await asyncio.sleep(0.01)

    async def end(self) -> None:
        """Waits until every node has ended by itself; one more finds nothing to do, or does what is left."""
        async with asyncio.timeout(ENDS_S):
            codes = [await node.wait() for node in self.crowd.nodes]
            if 0 not in codes or codes[-1] == LEFT:
                codes.append(await (await self.join()).wait())
        refused = [at for at, code in enumerate(codes) if code == 1 and self._was_refused(at)]
        codes = [code for at, code in enumerate(codes) if at not in refused]
        assert set(codes) <= ALLOWED, f"exit codes {codes}\n{self.crowd.said()}"
        assert Counter(codes)[-signal.SIGKILL] == self.killed

    def _was_refused(self, number: int) -> bool:
        """Whether a node found no server when it was started, and said so in one line instead of joining."""
        said = (self.crowd.folder / f"node-{number}.log").read_text(errors="replace").splitlines()
        return len(said) <= 2 and bool(re.search(r"^crawl: postgresql://.* (is the server running|see that)", said[-1]))

    async def judge(self) -> None:
        found = await self.crowd.merge()
        wanted = self.crowd.served.web.reachable()
        lost, twice = wanted - set(found), [url for url, number in found.items() if number > 1]
        assert not lost, f"lost {sorted(lost)}"
        assert not twice, f"twice {sorted(twice)}"
        assert not set(found) - wanted
        records = map(orjson.loads, (self.crowd.folder / "pages.jsonl").read_bytes().splitlines())
        left_out = [[one[name] for name in TELLING] for one in records if one["disposition"] != "fetched"]
        assert not left_out, f"all pages may be fetched: {left_out}"
        asked = self.crowd.served.counts(robots=False).total()
        assert asked >= len(wanted) + self.forgotten, "what was forgotten is fetched again"
        self.crowd.check_politeness(self.overlaps)


KINDS = ("kill", "stop", "crash", "away", "stall", "reset", "half_open", "joins", "drain", "forget")


def events_of(seed: int) -> list[str]:
    """Returns the events of a story. The first one goes by turns, so that ten stories in a row have all kinds."""
    random = Random(seed)
    return [KINDS[seed % len(KINDS)], *random.choices(KINDS, k=EVENTS - 1)]


async def tell_story(server: Server, seed: int, folder: Path) -> Told:
    """Raises AssertionError, or TimeoutError, where a promise was broken."""
    began = time.monotonic()
    web = link_graph(seed=seed, sites=SITES, pages_per_site=PAGES, links_per_page=LINKS)
    events = events_of(seed)
    async with open_crowd(server, f"story_{seed}", web, folder) as crowd, open_relay(server.port) as relay:
        story = Story(crowd, server, relay, Random(seed))
        try:
            await story.tell(events)
            await story.judge()
        except BaseException:
            print(crowd.said()[-6000:], file=sys.stderr)  # noqa: T201
            raise
        asked = crowd.served.counts(robots=False).total()
        return Told(events, asked, len(web.reachable()), story.forgotten, time.monotonic() - began)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.backends.torture", description=__doc__)
    parser.add_argument("--stories", type=int, default=200)
    parser.add_argument("--seed", type=int, default=SEED, help="of the first story; the next ones follow")
    chosen = parser.parse_args()
    if reason := why_not():
        print(f"skipped: {reason}")  # noqa: T201
        return 0
    failed: list[int] = []
    with open_server() as server:
        for seed in range(chosen.seed, chosen.seed + chosen.stories):
            failed += [] if _tell_one(server, seed) else [seed]
    print(f"{chosen.stories} stories from seed {chosen.seed}: {len(failed)} failed {failed or ''}")  # noqa: T201
    return int(bool(failed))


def _tell_one(server: Server, seed: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        try:
            told = asyncio.run(tell_story(server, seed, Path(folder)))
        except (AssertionError, TimeoutError, OSError, FrontierError):
            traceback.print_exc()
            print(f"{seed}: {events_of(seed)} FAILED", flush=True)  # noqa: T201
            if server.process is None:
                server.start()
            return False
    again = told.asked - told.pages
    found = f"{told.pages} pages once, {again} asked again ({told.forgotten} of lost machines), {told.seconds:.0f} s"
    print(f"{seed}: {', '.join(told.events)}: {found}", flush=True)  # noqa: T201
    return True


if __name__ == "__main__":
    raise SystemExit(main())
