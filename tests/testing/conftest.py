"""A client that is not the crawler's, to meet the fake web with."""

from collections.abc import AsyncIterator

import aiohttp
import pytest


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """The threaded resolver, because the asynchronous one keeps a thread beyond the session."""
    connector = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver(), limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session
