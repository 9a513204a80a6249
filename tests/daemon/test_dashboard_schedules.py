"""Schedules on the dashboard: kept, switched off and on, removed; what is wrong stands beside its field."""

from __future__ import annotations

from playwright.async_api import expect

from crawler.daemon.schedules.schedule import Schedule

from .browser import in_browser, open_dashboard
from .conftest import Open

pytestmark = in_browser
EVIL = "<script>window.pwned=1</script><img src=x onerror=window.pwned=1>"


async def test_a_schedule_is_made_switched_off_and_removed(open_daemon: Open) -> None:
    async with open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        await page.get_by_role("link", name="Schedules").click()
        await page.get_by_label("Seeds", exact=True).fill("https://example.org/")
        await page.get_by_label("When", exact=True).fill("0 25 * * *")
        await page.get_by_role("button", name="Save the schedule").click()
        await expect(page.get_by_label("When", exact=True)).to_be_focused()
        await expect(page.locator("#schedule-cron-fault")).to_contain_text("bad hour")
        await page.get_by_label("When", exact=True).fill("30 6 * * MON")
        await page.get_by_role("button", name="Save the schedule").click()
        row = page.get_by_role("row").filter(has_text="30 6 * * MON")
        await expect(row).to_contain_text("06:30:00")
        await row.get_by_role("button", name="Switch off").click()
        await expect(row.get_by_role("button", name="Switch on")).to_be_visible()
        [made] = dashboard.jobs.schedules.list()
        assert (made.is_enabled, made.zone, made.seeds) == (False, "UTC", ("https://example.org/",))
        await row.get_by_role("button", name="Switch on").click()
        await expect(row.get_by_role("button", name="Switch off")).to_be_visible()
        await row.get_by_role("button", name="Delete").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("No schedules yet")).to_be_visible()
        assert [said for said in dashboard.said if "422" not in said] == []


async def test_a_schedules_name_is_text_and_the_view_fits_a_phone(open_daemon: Open) -> None:
    async with open_dashboard(open_daemon, viewport={"width": 390, "height": 844}, is_mobile=True) as dashboard:
        await dashboard.jobs.schedules.add(Schedule("", "0 6 * * *", ("https://example.org/",), name=EVIL))
        await dashboard.show("schedules")
        await expect(dashboard.page.get_by_text(EVIL)).to_be_visible()
        assert await dashboard.page.evaluate("window.pwned === undefined")
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await dashboard.page.evaluate(wide) <= 0
        dashboard.assert_calm()
