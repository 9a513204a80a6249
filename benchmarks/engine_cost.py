"""What a page costs a node and its engine: commits of many pages with all their rows, and a takeover of the shards.

The frontier's own work is not in it (`frontier_cost` has that). The client's figure is the CPU of this process in the
commits, the server's that of all its processes, write-ahead log and vacuum included.
"""

import argparse
import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from benchmarks.contestants import PYTHON
from benchmarks.machine import describe

GOALS = {
    "postgres": {"client": 0.06, "server": 0.08, "bytes": 130, "takeover": 2.0},
    "redis": {"client": 0.06, "server": 0.04, "bytes": 90, "takeover": 2.0},
}
NAMES = {"postgres": "PostgreSQL", "redis": "Redis"}
PLACES = {"postgres": "on the disk, indexes included", "redis": "of the server's memory"}
SHARDS = 16
FAMILY = 5
"""Links of one page to one site."""


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    return asyncio.run(_measure(given))


async def _measure(given: argparse.Namespace) -> int:
    from crawler.frontier.backend import Wish
    from crawler.frontier.terms import WITHOUT_RULES
    from tests import postgres, redis_server

    if reason := (postgres if given.engine == "postgres" else redis_server).why_not():
        print(f"skipped: {reason}")
        return 0
    async with _open_redis() if given.engine == "redis" else _open_postgres() as (engine, pid, read_size):
        crawl = await engine.make_crawl("bench", SHARDS)
        async with engine.open_backend(crawl, ttl_s=600.0) as backend:
            member = await backend.join("one", WITHOUT_RULES)
            holds = (await backend.beat(member, Wish(take=range(SHARDS)))).held
            made = _Made(member, {hold.shard: hold for hold in holds}, given.links)
            client = 0.0
            before = _server_cpu(pid)
            began = time.monotonic()
            for _ in range(given.commits):
                batch = made.commit(given.pages)
                start = time.process_time()
                await backend.commit(member, batch)
                client += time.process_time() - start
            wall = time.monotonic() - began
            ours = _server_cpu(pid) - before
            await backend.leave(member)
        size = await read_size()
        async with engine.open_backend(crawl, ttl_s=600.0) as backend:
            member = await backend.join("two", WITHOUT_RULES)
            holds = (await backend.beat(member, Wish(take=range(SHARDS)))).held
            began, start = time.monotonic(), time.process_time()
            known = 0
            for hold in holds:
                state = await backend.reader(member, hold).state(WITHOUT_RULES, time.time())
                known += len(state.seen)
            takeover, taking = ((time.monotonic() - began) / known * 1e6, (time.process_time() - start) / known * 1e6)
    sums = Sums(client, ours, wall, size, known, takeover, taking)
    return _print(given, sums)


@asynccontextmanager
async def _open_postgres() -> AsyncIterator[tuple[Any, int, Callable[[], Awaitable[int]]]]:
    """Opens an engine on a new server; yields it, the server's process, and what tells its bytes on the disk."""
    from crawler.backends.postgres import PostgresEngine
    from tests.postgres import open_server

    with open_server() as server:
        await server.ask("SELECT 1")

        async def read_size() -> int:
            [[size]] = await server.ask(
                "SELECT sum(pg_total_relation_size(c.oid))::int8 FROM pg_class c JOIN pg_namespace n"
                " ON n.oid = c.relnamespace WHERE n.nspname = 'crawld' AND c.relkind = 'r'"
            )
            return int(size)

        async with PostgresEngine.open(server.url) as engine:
            assert server.process is not None
            yield engine, server.process.pid, read_size


@asynccontextmanager
async def _open_redis() -> AsyncIterator[tuple[Any, int, Callable[[], Awaitable[int]]]]:
    """Opens an engine on a new server; yields it, the server's process, and what tells its bytes of memory."""
    from crawler.backends.redis import RedisEngine
    from tests.redis_server import open_redis

    with open_redis() as server:
        empty = server.ask("INFO", "memory")["used_memory_dataset"]

        async def read_size() -> int:
            return int(server.ask("INFO", "memory")["used_memory_dataset"] - empty)

        async with RedisEngine.open(server.url()) as engine:
            assert server.process is not None
            yield engine, server.process.pid, read_size


class Sums(NamedTuple):
    """What was measured: CPU seconds, seconds, bytes, URLs, and seconds for a million URLs."""

    client: float
    server: float
    wall: float
    size: int
    known: int
    takeover: float
    taking: float
    """CPU seconds of the node for a million URLs."""


def _print(given: argparse.Namespace, sums: Sums) -> int:
    client, ours, wall, size, known, takeover, taking = sums
    pages = given.commits * given.pages
    found = {
        "client": client / pages * 1e3, "server": ours / pages * 1e3, "bytes": size / known, "takeover": takeover,
    }  # fmt: skip
    told = f"{given.commits} commits of {given.pages} pages with {given.links} new links each"
    print(f"\n{NAMES[given.engine]}, {told}, {known:,} known")
    print(
        f"client {found['client']:.3f} ms CPU a page, server {found['server']:.3f}; {wall / pages * 1e3:.2f} ms of wall"
    )
    print(f"{found['bytes']:.0f} bytes a known URL {PLACES[given.engine]}")
    print(f"a million known URLs are taken over in {found['takeover']:.1f} s, with {taking:.1f} s of the node's CPU")
    for name, goal in GOALS[given.engine].items():
        print(f"goal {name}: {goal:g}, {'met' if found[name] <= goal else 'missed'}")
    return int(any(found[name] > goal for name, goal in GOALS[given.engine].items()))


class _Made:
    """Makes commits as a crawl does: new families, visits, turns of sites, links for other nodes."""

    def __init__(self, member: Any, holds: dict[int, Any], links: int) -> None:
        from crawler.frontier.shards import base_of

        self._member = member
        self._holds = holds
        self._links = links
        self._rows = {shard: base_of(shard) for shard in holds}
        self._queued: dict[int, list[Any]] = {shard: [] for shard in holds}
        self._random = Random(1)
        self._sites = [f"https://www.site-{number}.example" for number in range(5000)]
        self._shards = {site: member.cut.shard_of(site) for site in self._sites}
        self._number = 0

    def commit(self, pages: int) -> Any:
        from crawler.frontier.backend import Commit, Message
        from crawler.frontier.change import Change

        changes = {shard: Change() for shard in self._holds}
        for _ in range(pages):
            self._visit(changes)
            for _ in range(self._links // FAMILY):
                self._find(changes)
        messages = [Message(shard, os.urandom(200)) for shard in range(pages // 20)]
        told = [(self._holds[shard], change) for shard, change in changes.items()]
        return Commit(told, messages, positions={"one/jsonl:pages.jsonl": {"pages.jsonl": self._number}},
                      settled={"fetched": pages}, pages=pages)  # fmt: skip

    def _find(self, changes: dict[int, Any]) -> None:
        """Adds a family of new links."""
        from crawler.frontier.change import RequestGroup
        from crawler.frontier.order import rank_of
        from crawler.model import Request, Url

        site = self._random.choice(self._sites)
        shard, change = self._shards[site], changes[self._shards[site]]
        self._number += 1
        texts = [f"{site}/articles/{self._number}/page-{at}-of-a-usual-length.html" for at in range(FAMILY)]
        via, seed = (
            Url(f"https://www.site-1.example/list/{self._number // 12}.html"),
            Url("https://www.site-1.example/"),
        )
        like = Request(Url(texts[0]), 3, via, seed, seed)
        first = self._rows[shard] + 1
        self._rows[shard] += FAMILY
        change.families.append(RequestGroup(first, site, rank_of(like, False), like, 7, 1, 1, texts))
        change.fingerprints += os.urandom(8 * FAMILY)
        change.grow(site, FAMILY)
        if len(self._queued[shard]) < 4000:
            self._queued[shard].append((first, rank_of(like, False), texts[0], via, seed))

    def _visit(self, changes: dict[int, Any]) -> None:
        """Ends a visit to a request that was queued before."""
        from crawler.frontier.change import Visit
        from crawler.frontier.order import Entry, key
        from crawler.model import Request, Url

        shard = self._random.choice(list(self._holds))
        if not self._queued[shard]:
            return
        row, rank, text, via, seed = self._queued[shard].pop(0)
        change = changes[shard]
        request = Request(Url(text), 3, via, seed, seed)
        if any(entry.row == row for entry in change.gone):
            return
        change.gone.append(Entry(key(rank, row), request, 1, 1))
        digest = os.urandom(20)
        change.visits.append(Visit(row, "fetched", None, "", 200, 1, time.time(), digest, None, 32768))
        change.grow(request.url.site, -1)
        change.rest(request.url.site, time.time() + 1.0)


def _server_cpu(pid: int) -> float:
    """Returns the CPU seconds of a server and all its processes, those that ended included."""
    ticks = 0
    for one in (pid, *_children(pid)):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15] if one == pid else fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks engine_cost", description=__doc__)
    parser.add_argument("--engine", choices=list(GOALS), default="postgres")
    parser.add_argument("--commits", type=int, default=60)
    parser.add_argument("--pages", type=int, default=200, help="pages of one commit")
    parser.add_argument("--links", type=int, default=60, help="new links of a page")
    return parser.parse_args(arguments or None)


if __name__ == "__main__":
    raise SystemExit(main())
