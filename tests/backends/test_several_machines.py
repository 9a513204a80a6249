"""Several nodes on one PostgreSQL server: whoever dies, every page is in the output once, and no site is pressed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.testing import link_graph
from tests.backends.stories import open_crowd
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
        await crowd.end(killed=1)
        found = await crowd.merge()
        assert set(found) == crowd.served.web.reachable()
        assert set(found.values()) == {1}
        again = sum(crowd.served.counts(robots=False).values()) - len(found)
        assert again <= crowd.in_flight()
        crowd.check_politeness()
