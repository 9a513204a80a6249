"""The browser reaches nothing by itself: a page that tries every way out is not heard, with a namespace or without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from crawler.engine.site_turns import SiteTurns
from crawler.frontier import open_memory
from crawler.model import Request, Url
from crawler.offload import Inline
from crawler.policy.pace import Pace
from crawler.render import (
    BrowserTerms,
    PageTerms,
    Patterns,
    Recycling,
    RenderingFetcher,
    Steps,
    Supply,
    find_browser,
    open_browsers,
)
from crawler.robots import IgnoreRobots
from crawler.settings import FetchConfig
from crawler.testing import open_web
from tests.defaults import make_politeness, make_terms, open_fetcher

from .webs import Canary, escaping, needs_chromium, open_canary

pytestmark = [needs_chromium, pytest.mark.slow]
ROUNDS = 3
"""`make torture` makes fifty."""


@asynccontextmanager
async def open_rendering(
    network: str = "127.0.0.2/32", *, has_namespace: bool = True
) -> AsyncIterator[RenderingFetcher]:
    """A fetcher that renders every page, and may go to one network alone: the canary sits in another."""
    terms = BrowserTerms(find_browser(""), "test/1.0", 512 << 20, 4 << 30, has_namespace=has_namespace)
    async with (
        open_memory(make_terms()) as frontier,
        open_fetcher(FetchConfig(allow_networks=(network,)), "test/1.0") as http,
        open_browsers(terms, 4, Recycling(500, 2 << 30)) as browsers,
    ):
        politeness = make_politeness(delay_s=0.0)
        supply = Supply(http, IgnoreRobots(), SiteTurns(frontier), Inline(), politeness, Pace(), 1 << 20)
        yield RenderingFetcher(http, browsers, supply, PageTerms(5.0, 3.0, 200, Steps()), "always", Patterns())


async def tries_to_escape(rounds: int, *, has_namespace: bool) -> tuple[Canary, int]:
    """Render the page so many times; what the canary heard, and how often the page had tried all it can."""
    tried = 0
    async with (
        open_canary() as canary,
        open_web(escaping(canary)) as served,
        open_rendering(has_namespace=has_namespace) as fetcher,
    ):
        for _ in range(rounds):
            response = await fetcher.fetch(Request(Url(served.seeds[0])))
            assert response.rendered
            assert not response.rendered.trouble
            tried += b"websocket" in response.rendered.html and b"webtransport" in response.rendered.html
            response.release()
        await asyncio.sleep(0.5)  # for datagrams under way
    return canary, tried


@pytest.mark.long
@pytest.mark.parametrize("has_namespace", [True, False], ids=["in an empty network", "by its switches alone"])
async def test_a_page_that_tries_every_way_out_is_heard_by_nobody(has_namespace: bool) -> None:
    canary, tried = await tries_to_escape(ROUNDS, has_namespace=has_namespace)
    assert tried == ROUNDS
    assert canary.heard == []


async def test_the_canary_hears_whoever_comes() -> None:
    async with open_canary() as canary:
        _, writer = await asyncio.open_connection("127.0.0.1", canary.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await writer.drain()
        while not canary.heard:
            await asyncio.sleep(0.01)
        writer.close()
    assert canary.heard[0].startswith("tcp b'GET /")
