"""The dashboard of a control plane in a real browser: every view shows, and asks for nothing that an engine has not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from crawler import open_engine
from tests.backends.test_plane import Plane, open_one
from tests.daemon.browser import ARGUMENTS, CHROMIUM, WAIT_MS, needs_chromium
from tests.postgres import Server, open_server, why_not

pytestmark = [
    pytest.mark.slow, pytest.mark.long, needs_chromium,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server"),
]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_server() as opened:
        yield opened


@asynccontextmanager
async def open_page(plane: Plane, said: list[str]) -> AsyncIterator[Page]:
    """Opens the dashboard; what goes wrong in the page is added to `said`."""
    expect.set_options(timeout=WAIT_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 1180, "height": 720})
        page.on("console", lambda one: said.append(one.text) if one.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("response", lambda one: said.append(f"{one.status} {one.url}") if one.status >= 400 else None)
        await page.goto(f"{plane.address}/#token={plane.token}")
        try:
            yield page
        finally:
            await browser.close()


async def test_a_job_is_made_held_and_scheduled_in_the_browser(server: Server, tmp_path: Path) -> None:
    said: list[str] = []
    async with open_one(server, "shown", tmp_path) as plane, open_page(plane, said) as page:
        await expect(page.get_by_text("No jobs yet")).to_be_visible()
        await page.goto(f"{plane.address}/#/new")
        await page.get_by_role("textbox", name="Seeds").fill("http://127.0.0.1:9/")
        await page.get_by_label("Name", exact=True).fill("shop")
        await page.get_by_role("button", name="Start the crawl").click()
        await expect(page.get_by_role("heading", name="shop")).to_be_visible()
        await expect(page.get_by_text("No node works on it")).to_be_visible()
        assert await page.get_by_role("tab").all_inner_texts() == ["Overview", "Nodes", "Explain", "History"]
        await page.get_by_role("tab", name="Nodes").click()
        await expect(page.get_by_text("No node has joined yet")).to_be_visible()
        await page.get_by_label("Hold a site").fill("https://example.org/a")
        await page.get_by_role("button", name="Hold").click()
        await expect(page.get_by_role("button", name="Release")).to_be_visible()
        async with open_engine(plane.url) as engine:
            assert (await engine.standing("shop")).held == ("https://example.org",)
        await page.get_by_role("tab", name="History").click()
        await expect(page.get_by_text('["https://example.org"]')).to_be_visible()
        await page.get_by_role("button", name="Pause").click()
        await expect(page.locator(".badge.paused")).to_be_visible()
        await page.goto(f"{plane.address}/#/schedules")
        await page.get_by_role("textbox", name="Seeds").fill("http://127.0.0.1:9/")
        await page.get_by_role("button", name="Save the schedule").click()
        await expect(page.get_by_role("button", name="Switch off")).to_be_visible()
        await page.goto(f"{plane.address}/#/jobs")
        await expect(page.get_by_role("link", name="shop")).to_be_visible()
        await expect(page.get_by_text("live")).to_be_visible()
    assert said == []
