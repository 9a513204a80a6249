"""The network between nodes and their server breaks: nothing is lost, nothing is twice, and every node ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crawler.testing import link_graph
from tests.backends.relay import Relay, open_relay
from tests.backends.stories import TTL_S, open_crowd
from tests.postgres import Server, open_server, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_server() as opened:
        yield opened


def short_stall(relay: Relay) -> float:
    relay.stall()
    return TTL_S / 2


def long_stall(relay: Relay) -> float:
    relay.stall()
    return TTL_S * 1.6


def resets(relay: Relay) -> float:
    relay.reset()
    return 0.3


def half_opens(relay: Relay) -> float:
    relay.half_open()
    return TTL_S * 1.6


@pytest.mark.parametrize(
    "breaks",
    [
        pytest.param((long_stall, resets), id="stalls and is reset"),
        pytest.param((half_opens,), id="is half open", marks=pytest.mark.long),
        pytest.param((resets, short_stall, half_opens, resets, long_stall), id="all of it", marks=pytest.mark.long),
    ],
)
async def test_a_node_that_is_parted_from_the_server_loses_nothing(
    server: Server, tmp_path: Path, breaks: tuple[Callable[[Relay], float], ...]
) -> None:
    """One node of two goes through a relay; the other one takes over what the first one cannot hold."""
    web = link_graph(seed=15, sites=12, pages_per_site=10 + 4 * len(breaks), links_per_page=6)
    name = f"parted_{'_'.join(one.__name__ for one in breaks)}"
    async with open_crowd(server, name, web, tmp_path) as crowd, open_relay(server.port) as relay:
        straight, through = crowd.url, crowd.url.replace(f":{server.port}/", f":{relay.port}/")
        crowd.url = through
        await crowd.join()
        await crowd.hits(10)
        crowd.url = straight
        await crowd.join()
        for number, fail in enumerate(breaks, 1):
            await crowd.hits(30 * number)
            await asyncio.sleep(fail(relay))
            relay.go_on()
        await crowd.end()
        found = await crowd.merge()
        assert set(found) == crowd.served.web.reachable()
        assert set(found.values()) == {1}
        crowd.check_politeness()
