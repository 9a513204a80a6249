"""The page of the API in a real browser: all operations, light and dark, wide and on a phone, and nothing refused."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from crawler.daemon.http.app import operations

from .browser import in_browser, open_blank
from .conftest import Open

pytestmark = in_browser
PHONE = {"width": 390, "height": 844}


@pytest.mark.parametrize(
    "options",
    [{"color_scheme": "light"}, {"color_scheme": "dark", "viewport": PHONE}],
    ids=["wide and light", "a phone and dark"],
)
async def test_the_page_of_the_api_shows_every_operation_and_nothing_is_refused(
    open_daemon: Open, options: dict[str, Any]
) -> None:
    async with open_blank(open_daemon, **options) as seen:
        page = seen.page
        await page.goto(f"{seen.url}/docs")
        await expect(page.get_by_role("heading", name="The API of crawld")).to_be_visible()
        names = [entry.name for entry in operations()]
        links = page.get_by_role("navigation", name="Operations").locator("li a")
        assert await links.evaluate_all("all => all.map(one => one.hash.slice(1))") == names
        await links.nth(1).click()
        await expect(page.locator("#list_jobs h3")).to_be_in_viewport()
        await page.locator("#list_jobs summary").click()
        await expect(page.locator("#list_jobs details")).to_contain_text("wrong-token")
        assert await _is_dark(page) is (options["color_scheme"] == "dark")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut"
        seen.assert_calm()
        assert f"{seen.url}/assets/reference.css" in seen.asked


async def _is_dark(page: Page) -> bool:
    """Whether the paper is darker than the ink."""
    paper, ink = await page.evaluate(
        "(style => [style.backgroundColor, style.color].map(one => one.match(/\\d+/g).slice(0, 3)"
        ".reduce((sum, part) => sum + Number(part), 0)))(getComputedStyle(document.body))"
    )
    return bool(paper < ink)
