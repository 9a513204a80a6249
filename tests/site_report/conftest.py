"""One browser for all tests of the page."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.daemon.browser import share_browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_browser() -> AsyncIterator[None]:
    async with share_browser():
        yield
