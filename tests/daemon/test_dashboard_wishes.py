"""The dashboard shows what a job did not fetch, and fetches it after all: parked URLs, failures."""

from __future__ import annotations

import re

import anyio
from playwright.async_api import expect

from crawler.daemon import Job, Jobs, State
from crawler.testing import Page, Site, Web, failing, html, open_web

from .browser import in_browser, open_dashboard
from .conftest import Open, lines, until
from .test_dashboard import PHONE, crawled, fact

pytestmark = in_browser


def endless(target: str) -> Page:
    """The same words under ever other numbers."""
    at = int(target.removeprefix("/without-end/"))
    return html("Without end", [f"/without-end/{n}" for n in range(at + 1, min(at + 6, 200))])


def trap() -> Web:
    """A place that looks endless, beside pages that fail at first."""
    pages = {"/": html("Home", ["/without-end/0", "/busy", "/late"])}
    pages |= {name: failing(html(name), times=1) for name in ("/busy", "/late")}
    return Web([Site("site.test", pages, traps={"/without-end/": endless})])


async def test_what_is_parked_is_shown_and_fetched_and_what_failed_is_tried_again(open_daemon: Open) -> None:
    async with open_web(trap()) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        job = await crawled(dashboard, served, settings={"max_attempts": 1})
        pattern = served.url("site.test", "/without-end/#")
        await dashboard.show(f"job/{job.id}")
        await expect(fact(page, "parked")).to_have_text(str(job.counts.parked))
        parked = page.get_by_role("region", name="Parked")
        await expect(parked).to_contain_text(pattern)
        await expect(parked).to_contain_text(re.compile(r"looks endless: 1 of 1\d\d pages were new"))
        await expect(parked.get_by_role("link")).to_have_count(2)
        await parked.get_by_role("link").first.click()
        await expect(page.locator(".why")).to_contain_text(f"parked under {pattern}")
        await page.go_back()
        await parked.get_by_role("button", name="Fetch them").click()
        await expect(page.locator(".said")).to_have_text(f"{job.counts.parked} URLs queued again.")
        done = await until(dashboard.jobs, job.id, State.COMPLETED)
        assert (done.counts.parked, done.pages) == (0, 201)
        await expect(parked).to_have_count(0)

        await page.get_by_role("tab", name="errors").click()
        await expect(page.get_by_text("2 URLs have failed.")).to_be_visible()
        await page.get_by_role("row", name=re.compile("status-5xx")).get_by_role("button", name="Try again").click()
        await expect(page.locator(".said")).to_have_text("2 URLs queued again.")
        await expect(page.get_by_text("have failed.")).to_have_count(0)
        assert (await until(dashboard.jobs, job.id, State.COMPLETED)).pages == 203
        dashboard.assert_calm()


async def test_all_that_is_parked_and_all_that_failed_is_asked_for_by_keyboard(open_daemon: Open) -> None:
    async with open_web(trap()) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        job = await crawled(dashboard, served, settings={"max_attempts": 1})
        await dashboard.show(f"job/{job.id}/errors")
        await page.get_by_role("button", name="Try all again").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(".said")).to_have_text("2 URLs queued again.")
        await _end_of_next_run(dashboard.jobs, job)
        await page.get_by_role("tab", name="overview").click()
        await page.get_by_role("button", name="Fetch all").focus()
        await page.keyboard.press("Space")
        await expect(page.locator(".said")).to_have_text(f"{job.counts.parked} URLs queued again.")
        await until(dashboard.jobs, job.id, State.COMPLETED)
        assert dashboard.jobs.find(job.id).pages == 203
        dashboard.assert_calm()


async def _end_of_next_run(jobs: Jobs, job: Job) -> None:
    """Waits for the end of a run behind the one that ended for `job`. The state alone may still be that of before."""

    def is_over() -> bool:
        now = jobs.find(job.id)
        return now.state is State.COMPLETED and now.ended_at != job.ended_at

    with anyio.fail_after(60), jobs.listen(job.id) as heard:
        if not is_over():
            async for _ in heard:
                if is_over():
                    break


async def test_what_is_wanted_of_a_paused_job_is_kept_and_said(open_daemon: Open) -> None:
    async with open_web(trap()) as served, open_dashboard(open_daemon, **PHONE) as dashboard:
        page = dashboard.page
        job = await crawled(dashboard, served, settings={"max_attempts": 1})
        await dashboard.jobs.change(job.id, {"delay_s": 30})
        await dashboard.jobs.plant(job.id, lines([served.url("site.test", f"/{n}") for n in range(9)]))
        await dashboard.show(f"job/{job.id}")
        await expect(page.get_by_text("There is more to do")).to_be_visible()
        await dashboard.jobs.resume(job.id)
        await dashboard.jobs.pause(job.id)
        await expect(page.get_by_role("heading", level=1)).to_contain_text("paused")
        await page.get_by_role("button", name="Fetch them").tap()
        await expect(page.locator(".said")).to_have_text("Saved. It is carried out when you resume the job.")
        await expect(page.get_by_text("Your request is saved")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await dashboard.show(f"job/{job.id}/errors")
        await page.get_by_role("button", name="Try all again").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        dashboard.assert_calm()
