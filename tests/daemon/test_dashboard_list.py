"""The list of jobs on the dashboard: sorted, filtered, and many jobs at once."""

from __future__ import annotations

import re

from playwright.async_api import expect

from crawler.daemon import State
from crawler.testing import Site, Web, html, open_web

from .browser import Dashboard, in_browser, open_dashboard
from .conftest import Open, submit, until

pytestmark = in_browser


async def fill(dashboard: Dashboard, n: int) -> None:
    """Jobs that wait: paused-0, paused-1, ..."""
    for at in range(n):
        await submit(dashboard.jobs, ["http://127.0.0.1:9/"], name=f"paused-{at:02}", is_paused=True)


async def test_the_list_is_sorted_by_its_headings_and_stays_so(open_daemon: Open) -> None:
    two, one = {"/": html("Home", ["/1"]), "/1": html("More")}, {"/": html("Home")}
    async with open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        for name, pages in (("bee", two), ("Ant", one)):
            async with open_web(Web([Site("site.test", pages)])) as served:
                job = await submit(dashboard.jobs, served.seeds, name=name)
                await until(dashboard.jobs, job.id, State.COMPLETED)
        await fill(dashboard, 1)
        rows = page.locator("tbody .name")
        await expect(rows).to_have_text(["paused-00", "Ant", "bee"])
        await page.get_by_role("button", name="Pages", exact=True).click()
        await expect(rows).to_have_text(["bee", "Ant", "paused-00"])
        heading = page.get_by_role("columnheader", name="Pages", exact=True)
        await expect(heading).to_have_attribute("aria-sort", "descending")
        await page.get_by_role("button", name="Job", exact=True).press("Enter")
        await expect(rows).to_have_text(["Ant", "bee", "paused-00"])
        await submit(dashboard.jobs, ["http://127.0.0.1:9/"], name="cat", is_paused=True)
        await expect(rows).to_have_text(["Ant", "bee", "cat", "paused-00"])
        await page.reload()
        await expect(rows).to_have_text(["Ant", "bee", "cat", "paused-00"])
        await page.get_by_role("link", name="finished").click()
        await expect(rows).to_have_text(["Ant", "bee"])
        dashboard.assert_calm()


async def test_many_jobs_are_chosen_and_changed_after_one_question(open_daemon: Open) -> None:
    async with open_dashboard(open_daemon) as dashboard:
        page, jobs = dashboard.page, dashboard.jobs
        await fill(dashboard, 53)
        rows = page.locator("tbody tr")
        await expect(rows).to_have_count(50)
        await page.get_by_role("button", name="More").click()
        await expect(rows).to_have_count(53)
        await expect(page.get_by_role("button", name="More")).to_have_count(0)

        for name in ("paused-07", "paused-09"):
            await page.get_by_label(f"Select {name}", exact=True).check()
        await expect(page.get_by_text("2 jobs selected.")).to_be_visible()
        await page.get_by_role("button", name="Stop", exact=True).first.click()
        await expect(page.get_by_role("dialog")).to_contain_text("Stop 2 jobs?")
        await page.keyboard.press("Escape")
        assert jobs.numbers()[State.CANCELLED] == 0
        await page.get_by_role("region", name="Selected jobs").get_by_role("button", name="Stop").click()
        await page.get_by_role("dialog").get_by_role("button", name="Stop").click()
        await expect(page.locator(".notice")).to_have_text("2 jobs stopped.")
        assert {job.name for job in jobs.list(State.CANCELLED)} == {"paused-07", "paused-09"}
        await expect(page.get_by_role("row", name=re.compile("paused-07"))).to_contain_text("stopped")

        await page.reload()
        await expect(rows).to_have_count(50)
        await page.get_by_label("Select all that are shown", exact=True).check()
        await page.get_by_role("button", name="Select all that match").click()
        await page.get_by_role("region", name="Selected jobs").get_by_role("button", name="Stop").click()
        await expect(page.get_by_role("dialog")).to_contain_text("Stop 51 jobs?")
        await expect(page.get_by_role("dialog")).to_contain_text("2 other jobs stay as they are.")
        await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()

        await page.get_by_label("Find by name or label", exact=True).fill("paused-1")
        await expect(rows).to_have_count(10)
        await expect(page.get_by_role("region", name="Selected jobs")).to_have_count(0)
        await page.get_by_label("Select all that are shown", exact=True).check()
        gone = jobs.list(name="paused-15")[0]
        await jobs.remove(gone.id)
        await expect(rows).to_have_count(9)
        await page.get_by_role("region", name="Selected jobs").get_by_role("button", name="Delete").click()
        await expect(page.get_by_role("dialog")).to_contain_text("Delete 9 jobs?")
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("No job has this name or label.")).to_be_visible()
        assert len(jobs.list(limit=100)) == 43
        dashboard.assert_calm()
