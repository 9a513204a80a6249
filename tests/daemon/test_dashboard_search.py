"""The search box on a job's list of pages."""

from __future__ import annotations

from playwright.async_api import expect

from crawler.daemon import State
from crawler.testing import Site, Web, html, open_web

from .browser import in_browser, open_dashboard
from .conftest import Open, submit, until

pytestmark = in_browser


async def test_pages_are_found_by_words_and_the_address_keeps_them(open_daemon: Open) -> None:
    pages = {"/": html("Home", ["/cats", "/evil"]), "/cats": html("On cats"), "/evil": html("<b>cats</b> & co")}
    async with open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        async with open_web(Web([Site("site.test", pages)])) as served:
            job = await submit(
                dashboard.jobs, served.seeds, settings={"sinks": [{"kind": "jsonl", "text": True}]}, name="site"
            )
            await until(dashboard.jobs, job.id, State.COMPLETED)
        await dashboard.show(f"job/{job.id}/pages")
        await page.get_by_role("search").get_by_role("searchbox").fill("cat* -co")
        await page.get_by_role("button", name="Search").click()
        hits = page.locator(".hits li")
        await expect(hits).to_have_count(1)
        await expect(hits.get_by_role("link", name="On cats")).to_be_visible()
        await expect(hits.locator("mark").first).to_have_text("cats")
        await page.reload()
        await expect(hits).to_have_count(1)
        await page.get_by_role("search").get_by_role("searchbox").fill("co")
        await page.get_by_role("button", name="Search").click()
        await expect(hits).to_contain_text("<b>cats</b> & co")
        await page.get_by_role("search").get_by_role("searchbox").fill("xylophone")
        await page.get_by_role("button", name="Search").click()
        await expect(page.get_by_text("No page holds all these words.")).to_be_visible()
        await page.get_by_role("button", name="All records").click()
        await expect(page.get_by_role("button", name="Filter")).to_be_visible()
        dashboard.assert_calm()
