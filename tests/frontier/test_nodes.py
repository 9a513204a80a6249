"""Several nodes of one crawl: shards change hands while visits are under way, and nothing is lost or lent twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from crawler.backends.sqlite import open_memory_backend
from crawler.frontier import Clock
from crawler.frontier.sharded import open_sharded
from crawler.model import Lease
from crawler.protocols import Frontier
from tests.defaults import make_terms
from tests.frontier.conftest import HandClock, fetched, page, request

SITES = 40
PAGES = 6
TTL_S = 3.0


class Wire:
    """All sites, and who is there when."""

    def __init__(self) -> None:
        self.there: Counter[str] = Counter()
        self.visits: Counter[str] = Counter()

    async def visit(self, lease: Lease, seconds: float) -> None:
        site = lease.request.url.site
        self.there[site] += 1
        assert self.there[site] == 1, f"{site} is visited twice at once"
        await asyncio.sleep(seconds)
        self.there[site] -= 1
        self.visits[lease.request.url.text] += 1


def links_of(text: str) -> list[str]:
    """Each page leads to the next one of its site, and to the same one of two other sites."""
    site, number = text.removeprefix("http://s").split("/")
    n, at = int(site.partition(".")[0]), int(number)
    further = [f"http://s{n}.test/{at + 1}"] if at + 1 < PAGES else []
    return [*further, f"http://s{(n * 7 + 1) % SITES}.test/{at}", f"http://s{(n + 13) % SITES}.test/{at}"]


async def work(frontier: Frontier, wire: Wire, chance: random.Random) -> None:
    """Visits until nothing is left, several sites at a time."""
    real = Clock()

    async def visit(lease: Lease) -> None:
        await wire.visit(lease, chance.uniform(0, 0.01))
        found = page(frontier, *links_of(lease.request.url.text))
        clock = HandClock()
        clock.now = real.monotonic()
        outcome = fetched(lease, clock, page=found)
        await frontier.settle([outcome], {})

    under_way: set[asyncio.Task[None]] = set()
    while True:
        for lease in await frontier.lease(4):
            under_way.add(asyncio.create_task(visit(lease)))
        if len(under_way) >= 8:
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        elif not await frontier.wait():
            break
        else:
            done = {task for task in under_way if task.done()}
            under_way -= done
        for task in done:
            task.result()
    await asyncio.gather(*under_way)


@pytest.mark.parametrize("seed", range(3))
async def test_nodes_come_and_go_and_each_page_is_visited_once(seed: int) -> None:
    chance, wire, terms = random.Random(seed), Wire(), make_terms()
    async with open_memory_backend(16, ttl_s=TTL_S) as backend:
        async with open_sharded(backend, "first", terms, takes_all=True) as frontier:
            await frontier.add(request(f"http://s{n}.test/0") for n in range(0, SITES, 5))

        async def node(name: str, after_s: float) -> None:
            await asyncio.sleep(after_s)
            async with open_sharded(backend, name, terms) as frontier:
                await work(frontier, wire, random.Random(f"{seed}/{name}"))

        await asyncio.gather(*[node(f"node-{n}", chance.uniform(0, 0.5)) for n in range(4)])
        assert await backend.is_finished()
    assert wire.visits == Counter({f"http://s{n}.test/{at}": 1 for n in range(SITES) for at in range(PAGES)})
