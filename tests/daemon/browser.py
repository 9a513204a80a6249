"""The dashboard in a real browser: chromium as the system has it, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from crawler.daemon import Jobs
from crawler.daemon.http import open_server

from .conftest import Open

TOKEN = "a-token-of-this-test"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no chromium: install it (apt-get install chromium) to test the dashboard"
)
in_browser = [
    needs_chromium,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.usefixtures("shared_browser"),
]
"""Marks tests that use a browser: one for all of them, and a loop that it lives on, for to start one takes a second."""
ARGUMENTS = ["--disable-gpu", "--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
"""Root has no sandbox, and containers little shared memory."""
WAIT_MS = 30_000
"""A busy machine may take its time."""


@dataclass
class Dashboard:
    """A page of the dashboard, the daemon behind it, and all that the browser said and asked for."""

    url: str
    jobs: Jobs
    browser: Browser
    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def show(self, path: str = "") -> None:
        """Go to a view: `new`, `job/ID/pages`."""
        await self.page.goto(f"{self.url}/#/{path}")

    def watch(self) -> None:
        """Note from now on what the page says and what it asks for."""
        self.page.on("console", lambda one: self.said.append(one.text) if one.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def assert_calm(self) -> None:
        """Nothing was refused by the page's own policy, nothing failed, and nothing came from elsewhere."""
        assert self.said == []
        assert self.asked
        assert [url for url in self.asked if not url.startswith((f"{self.url}/", "data:", f"blob:{self.url}/"))] == []


@asynccontextmanager
async def launch() -> AsyncIterator[Browser]:
    """A browser of its own."""
    expect.set_options(timeout=WAIT_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def share_browser() -> AsyncIterator[None]:
    """A browser for all that is opened within the block, on its loop."""
    async with launch() as browser:
        _shared.append(browser)
        try:
            yield
        finally:
            _shared.remove(browser)


_shared: list[Browser] = []


@asynccontextmanager
async def open_browser(**options: Any) -> AsyncIterator[tuple[Browser, Page]]:
    """A browser with one page, and nothing that others left in it."""
    async with nullcontext(_shared[0]) if _shared else launch() as browser:
        try:
            context = await browser.new_context(**{"locale": "en-GB", "timezone_id": "UTC", **options})
            context.set_default_timeout(WAIT_MS)
            yield browser, await context.new_page()
        finally:
            for one in browser.contexts:
                await one.close()


@asynccontextmanager
async def open_blank(open_daemon: Open, **options: Any) -> AsyncIterator[Dashboard]:
    """A daemon, and a browser that is watched and has not gone anywhere."""
    async with (
        open_daemon() as jobs,
        open_server(jobs, host="127.0.0.1", port=0, token=TOKEN) as listening,
        open_browser(**options) as (browser, page),
    ):
        dashboard = Dashboard(listening.url, jobs, browser, page)
        dashboard.watch()
        yield dashboard


@asynccontextmanager
async def open_dashboard(open_daemon: Open, **options: Any) -> AsyncIterator[Dashboard]:
    """A daemon, and a browser that was given its address with the token."""
    async with open_blank(open_daemon, **options) as dashboard:
        await dashboard.page.goto(f"{dashboard.url}/#token={TOKEN}")
        await dashboard.page.get_by_role("heading", name="Jobs").wait_for()
        yield dashboard
