"""What it takes to take over one shard with a million known URLs, from PostgreSQL and from SQLite: `takeover`.

A node that takes a shard reads what is known in it. On the way it tells what storing a page costs, with commits as
`engine_cost` makes them, and the bytes of a known URL. CPU is that of the node, and of all processes of the server.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import engine_cost
from benchmarks.contestants import PYTHON
from benchmarks.machine import describe

GOAL_S = 2.0
GOAL_BYTES = {"postgres": 130, "sqlite": 140}
LINKS, PAGES = 60, 200


class Opened(NamedTuple):
    """An engine with one crawl of one shard."""

    open: Callable[[], AbstractAsyncContextManager[Any]]
    """Opens the crawl, as another process would."""
    server_s: Callable[[], float]
    """Returns the CPU seconds of the server so far."""
    read_size: Callable[[], Awaitable[int]]


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    return max([asyncio.run(_measure(name, given.known)) for name in given.engines])


async def _measure(name: str, known: int) -> int:
    from crawler.frontier.backend import Wish
    from crawler.frontier.terms import WITHOUT_RULES

    async with {"postgres": _open_postgres, "sqlite": _open_sqlite}[name]() as engine:
        commits = -(-known // (LINKS * PAGES))
        async with engine.open() as backend:
            member = await backend.join("one", WITHOUT_RULES)
            [hold] = (await backend.beat(member, Wish(take=[0]))).held
            made, ours_s = engine_cost._Made(member, {0: hold}, LINKS), 0.0
            before = engine.server_s()
            for _ in range(commits):
                batch = made.commit(PAGES)
                batch.messages = [one._replace(shard=0) for one in batch.messages]
                began = time.process_time()
                await backend.commit(member, batch)
                ours_s += time.process_time() - began
            server_s = engine.server_s() - before
            await backend.leave(member)
        size = await engine.read_size()
        async with engine.open() as backend:
            member = await backend.join("two", WITHOUT_RULES)
            [hold] = (await backend.beat(member, Wish(take=[0]))).held
            wall, cpu, before = time.perf_counter(), time.process_time(), engine.server_s()
            state = await backend.reader(member, hold).state(WITHOUT_RULES, time.time())
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            taken_s = cpu + engine.server_s() - before
    a_url = size / len(state.seen)
    pages = commits * PAGES
    print(f"\n{name}: {commits} commits of {PAGES} pages with {LINKS} new links each")
    print(f"{ours_s / pages * 1e3:.3f} ms of CPU a page in the node, {server_s / pages * 1e3:.3f} ms in the server")
    print(f"{a_url:.0f} bytes a known URL, goal {GOAL_BYTES[name]}")
    print(f"a shard of {len(state.seen):,} known URLs is taken over in {taken_s:.2f} s of CPU of both, {wall:.2f} s")
    is_met = taken_s <= GOAL_S and a_url <= GOAL_BYTES[name]
    print(f"goal: {GOAL_S:g} s: {'met' if is_met else 'missed'}")
    return int(not is_met)


@asynccontextmanager
async def _open_postgres() -> AsyncIterator[Opened]:
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
            crawl = await engine.make_crawl("bench", 1)
            assert server.process is not None
            pid = server.process.pid
            yield Opened(
                lambda: engine.open_backend(crawl, ttl_s=600.0), lambda: engine_cost._server_cpu(pid), read_size
            )


@asynccontextmanager
async def _open_sqlite() -> AsyncIterator[Opened]:
    from crawler.backends.sqlite import cut_file, open_sqlite_backend

    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        path = Path(name, "frontier.sqlite")
        cut_file(path, 1, "process")

        async def read_size() -> int:
            return sum(one.stat().st_size for one in path.parent.glob("frontier.sqlite"))

        yield Opened(lambda: open_sqlite_backend(path, durability="process", ttl_s=600.0), lambda: 0.0, read_size)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks takeover", description=__doc__)
    parser.add_argument("engines", nargs="*", default=["postgres", "sqlite"], metavar="ENGINE", help="postgres, sqlite")
    parser.add_argument("--known", type=int, default=1_000_000)
    return parser.parse_args(arguments or None)


if __name__ == "__main__":
    raise SystemExit(main())
