"""What every page of the dashboard looks like: nothing cut, over another or hard to read, on phones and in the dark."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from crawler.daemon.schedules.schedule import Schedule
from crawler.testing import open_web

from .browser import Dashboard, in_browser, open_dashboard
from .conftest import Open, submit
from .looks import find_movement, find_unseen_focus, measure, read_contrast
from .test_dashboard import TABS, crawled, web

pytestmark = in_browser

WIDTHS = (320, 390, 840, 1180)
LONG = "a-very-long-name-without-any-place-to-break-it" * 3


async def look(page: Page, place: str) -> list[str]:
    """What is wrong with what the page shows now, at every width and in light and dark."""
    found = []
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 844})
        found += [f"{place} at {width}: {fault}" for fault in await measure(page)]
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{place} in {scheme}: {fault}" for fault in await read_contrast(page)]
    return [*found, *(f"{place} moves: {one}" for one in await find_movement(page))]


async def look_at_forms(dashboard: Dashboard) -> list[str]:
    """The forms, open to the last field, and with a field that is wrong."""
    page = dashboard.page
    await dashboard.show("new")
    await page.get_by_text("More settings").click()
    await page.get_by_label("Depth", exact=True).fill("deep")
    await page.get_by_label("Seeds", exact=True).fill("http://127.0.0.1:9/")
    await page.get_by_role("button", name="Start the crawl").click()
    await expect(page.get_by_label("Depth", exact=True)).to_be_focused()
    found = await look(page, "the form")
    await dashboard.show("schedules")
    await page.get_by_role("row", name="every morning").wait_for()
    await page.get_by_text("New schedule").click()
    await page.get_by_label("Time zone", exact=True).wait_for()
    return [*found, *await look(page, "schedules")]


async def look_at_list(dashboard: Dashboard) -> list[str]:
    """The list with a job that is chosen, and the question before it is deleted."""
    page = dashboard.page
    await dashboard.show("")
    await page.get_by_label(f"Select {LONG}", exact=True).check()
    found = await look(page, "the list")
    await page.get_by_role("region", name="Selected jobs").get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").wait_for()
    found += await look(page, "the question")
    await page.keyboard.press("Escape")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.get_by_label("Order by").select_option("Job")
    await page.get_by_label("Direction").select_option("Lowest first")
    await expect(page.locator("tbody .name")).to_have_text([LONG, "waits"])
    return found


async def test_every_page_fits_and_can_be_read_on_phones_and_in_the_dark(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon, reduced_motion="reduce") as dashboard:
        page = dashboard.page
        job = await crawled(dashboard, served, name=LONG)
        waits = await submit(dashboard.jobs, served.seeds, name="waits", labels={"team": "search"}, is_paused=True)
        await dashboard.jobs.schedules.add(Schedule("", "0 6 * * *", ("https://example.org/",), name="every morning"))
        found = await look_at_list(dashboard)
        for place in (f"job/{waits.id}", *(f"job/{job.id}/{tab}" for tab in TABS)):
            await dashboard.show(place)
            await page.get_by_role("tabpanel").locator(".bound, .wide, .empty, form").first.wait_for()
            found += await look(page, place.partition("/")[2])
        found += await look_at_forms(dashboard)
        assert found == []


async def test_the_way_in_is_told_what_is_wrong_and_every_stop_of_the_keyboard_is_seen(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        await submit(dashboard.jobs, served.seeds, name="waits", is_paused=True)
        for place in ("new", "schedules", ""):
            await dashboard.show(place)
            await page.get_by_role("heading", level=1).wait_for()
            assert await find_unseen_focus(page) == [], place
        await page.evaluate("sessionStorage.setItem('crawld-token', 'a guess')")
        await page.reload()
        await expect(page.get_by_role("alert")).to_contain_text(re.compile("token", re.IGNORECASE))
        assert await look(page, "the way in") == []
        assert await find_unseen_focus(page) == []
