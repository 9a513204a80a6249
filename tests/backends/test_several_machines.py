"""Several nodes on one PostgreSQL server: whoever dies, every page is in the output once, and no site is pressed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from crawler.testing import link_graph
from tests.backends.stories import TTL_S, Crowd, open_crowd
from tests.postgres import Server, open_server, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_server() as opened:
        yield opened


async def test_two_nodes_one_killed_a_third_joins_and_all_come_to_an_end(server: Server, tmp_path: Path) -> None:
    web = link_graph(seed=3, sites=12, pages_per_site=14, links_per_page=6)
    async with open_crowd(server, "joined", web, tmp_path) as crowd:
        first = await crowd.join()
        await crowd.hits(20)
        await crowd.join()
        await crowd.hits(60)
        crowd.send(first, signal.SIGKILL)
        await crowd.join()
        await check_whole(crowd, 1)
        again = sum(crowd.served.counts(robots=False).values()) - len(crowd.served.web.reachable())
        assert again <= crowd.in_flight()


async def check_whole(crowd: Crowd, kills: int, overlaps: int = 0) -> None:
    """Raises AssertionError unless every node ended, every page is in the output once, and few were fetched again."""
    await crowd.end(killed=kills)
    found = await crowd.merge()
    assert set(found) == crowd.served.web.reachable()
    assert set(found.values()) == {1}
    crowd.check_politeness(overlaps)


@pytest.mark.long
async def test_a_node_that_stood_still_for_longer_than_its_life_joins_again(server: Server, tmp_path: Path) -> None:
    web = link_graph(seed=4, sites=12, pages_per_site=20, links_per_page=6)
    async with open_crowd(server, "stopped", web, tmp_path) as crowd:
        first, second = await crowd.join(), await crowd.join()
        await crowd.hits(40)
        crowd.send(first, signal.SIGSTOP)
        stood = len(crowd.served.hits)
        await asyncio.sleep(TTL_S * 1.5)  # it is taken for dead meanwhile
        crowd.send(first, signal.SIGCONT)
        assert second.returncode is None
        assert len(crowd.served.hits) > stood
        await check_whole(crowd, 0, overlaps=len(web.sites))


@pytest.mark.long
async def test_a_server_that_is_killed_and_comes_back_costs_no_page(server: Server, tmp_path: Path) -> None:
    web = link_graph(seed=5, sites=12, pages_per_site=16, links_per_page=6)
    async with open_crowd(server, "crashed", web, tmp_path) as crowd:
        await crowd.join()
        await crowd.join()
        await crowd.hits(50)
        server.crash()
        await asyncio.sleep(1.0)  # both find out
        server.start()
        await check_whole(crowd, 0)


@pytest.mark.long
async def test_a_server_that_is_away_for_three_lives_costs_no_page(server: Server, tmp_path: Path) -> None:
    web = link_graph(seed=6, sites=12, pages_per_site=16, links_per_page=6)
    async with open_crowd(server, "away", web, tmp_path) as crowd:
        await crowd.join()
        await crowd.join()
        await crowd.hits(50)
        server.crash()
        await asyncio.sleep(3 * TTL_S)
        asked = len(crowd.served.hits)
        await asyncio.sleep(1.0)
        assert len(crowd.served.hits) == asked, "nothing is fetched while nobody knows who may"
        server.start()
        await check_whole(crowd, 0)


@pytest.mark.long
async def test_whatever_happens_in_whatever_order_every_page_is_there_once(server: Server, tmp_path: Path) -> None:
    moments = Random(11)
    web = link_graph(seed=7, sites=12, pages_per_site=24, links_per_page=6)
    async with open_crowd(server, "mixed", web, tmp_path) as crowd:
        for _ in range(3):
            await crowd.join()
        kills = 0
        for asked in range(40, 220, 30):
            await crowd.hits(asked)
            node = moments.choice([node for node in crowd.nodes if node.returncode is None])
            match moments.choice(("kill", "stop", "server")):
                case "kill":
                    crowd.send(node, signal.SIGKILL)
                    await node.wait()
                    kills += 1
                    await crowd.join()
                case "stop":
                    crowd.send(node, signal.SIGSTOP)
                    await asyncio.sleep(TTL_S * 1.2)
                    crowd.send(node, signal.SIGCONT)
                case "server":
                    server.crash()
                    await asyncio.sleep(0.3)
                    server.start()
        await check_whole(crowd, kills, overlaps=len(web.sites))
