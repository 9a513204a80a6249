"""A finished job is worth looking at: its report, its records, its log; and it is run again, or cloned."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.async_api import expect

from crawler.daemon import State
from crawler.testing import Site, Web, error, html, open_web

from .browser import Dashboard, in_browser, open_dashboard
from .conftest import Open, submit, until
from .looks import measure, read_contrast
from .test_dashboard import EVIL, crawled, is_unharmed

pytestmark = in_browser


def web() -> Web:
    pages = {f"/{n}": html(f"Page {n}") for n in range(30)}
    home = html("Home", [*pages, "/no/1", "/no/2", "/evil", "/broken"])
    one = Site("a.test", {"/": home, **pages, "/evil": html(EVIL), "/broken": error(503)})
    return Web([one, Site("b.test", {"/": html("B", ["/1"]), "/1": html("B1")})], ["http://a.test/", "http://b.test/"])


async def test_the_report_tells_how_a_job_came_out_and_leads_to_its_pages(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        job = await crawled(dashboard, served, settings={"max_attempts": 1})
        await dashboard.show(f"job/{job.id}")
        await page.get_by_role("tab", name="Report").click()
        await expect(page.get_by_text("37 records")).to_be_visible()
        statuses = page.get_by_role("region", name="HTTP status")
        assert (await statuses.get_by_role("listitem").all_inner_texts())[0].split()[:2] == ["200", "34"]
        outcomes = page.get_by_role("region", name="Outcomes")
        await expect(outcomes.get_by_role("link", name="failed: status 5xx")).to_be_visible()
        await expect(page.get_by_role("region", name="Media types").get_by_role("listitem")).to_have_count(1)

        sites = page.get_by_role("region", name="Sites").get_by_role("row")
        await expect(sites.nth(1)).to_contain_text("of 35 visits")
        await page.get_by_role("button", name="Failed").click()
        await page.get_by_role("button", name="Failed").click()
        await expect(page.get_by_role("columnheader", name="Failed")).to_have_attribute("aria-sort", "ascending")
        await expect(sites.nth(1)).to_contain_text("of 2 visits")
        await expect(page.get_by_role("region", name="Slowest pages").get_by_role("row")).to_have_count(6)
        await page.get_by_role("region", name="Slowest pages").get_by_role("button", name="All 20").click()
        await expect(page.get_by_role("region", name="Slowest pages").get_by_role("row")).to_have_count(21)
        errors = page.get_by_role("region", name="Most frequent errors")
        await expect(errors.get_by_role("row").nth(1)).to_contain_text("HTTP 404")

        async with page.expect_download() as coming:
            await page.get_by_role("button", name="Save with all findings").click()
        saved = await (await coming.value).path()
        assert "Broken links" in saved.read_text()

        await statuses.get_by_role("link", name="404").click()
        await expect(page.get_by_role("row")).to_have_count(3)
        await page.go_back()
        await page.get_by_role("region", name="Media types").get_by_role("link", name="text/html").click()
        await expect(page.get_by_label("type", exact=True)).to_have_value("text/html")
        await expect(page.get_by_role("row")).to_have_count(38)
        assert await is_unharmed(page)
        dashboard.assert_calm()


async def test_a_row_of_pages_opens_to_the_whole_record_which_can_be_copied(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        job = await crawled(dashboard, served, settings={"max_attempts": 1, "sinks": [{"links": True, "text": True}]})
        await dashboard.show(f"job/{job.id}/pages?status=503")
        await page.get_by_role("button", name=re.compile("Record of .*broken")).click()
        record = page.locator(".record")
        lines = (dashboard.jobs.folder(job.id) / "pages.jsonl").read_text().splitlines()
        written = next(one for one in map(json.loads, lines) if one["status"] == 503)
        await expect(record.locator("dt")).to_have_text([*written])
        await expect(record).to_contain_text("HTTP 503")
        await page.get_by_role("button", name="Copy as JSON").click()
        await expect(page.get_by_text("Copied.")).to_be_visible()
        assert json.loads(await page.evaluate("navigator.clipboard.readText()")) == written
        await page.get_by_role("button", name=re.compile("Record of .*broken")).press("Enter")
        await expect(record).to_have_count(0)

        await dashboard.show(f"job/{job.id}/pages")
        await page.get_by_role("row", name=re.compile("evil")).get_by_role("cell").nth(1).click()
        await expect(record).to_contain_text("window.pwned=1")
        assert await is_unharmed(page)
        dashboard.assert_calm()


async def test_the_log_of_a_job_is_shown_sought_and_saved(open_daemon: Open, tmp_path: Path) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        job = await crawled(dashboard, served, settings={"max_attempts": 1})
        file = dashboard.jobs.folder(job.id) / "crawl.log"
        news = "2026-11-30T10:00:00Z WARNING crawler: <img src=x onerror=window.pwned=1>\n"
        file.write_text(
            "".join(f"2026-11-30T09:00:00Z INFO    crawler: line {n} {'x' * 100}\n" for n in range(5000)) + news
        )
        await dashboard.show(f"job/{job.id}/log")
        log = page.get_by_role("log")
        await expect(log).to_contain_text("line 4999")
        await expect(page.get_by_text(re.compile("These are the last .* lines"))).to_be_visible()
        await page.get_by_label("Find in the log", exact=True).fill("LINE 4998")
        await expect(log.locator("span")).to_have_count(1)
        await page.get_by_label("Find in the log", exact=True).fill("")
        await page.get_by_label("Warnings and errors only", exact=True).check()
        await expect(log.locator("span")).to_have_text([re.compile("onerror")])
        async with page.expect_download() as saved:
            await page.get_by_role("button", name="Save the whole log").click()
        await (await saved.value).save_as(tmp_path / "saved")
        assert (tmp_path / "saved").read_bytes() == file.read_bytes()
        file.unlink()
        await page.reload()
        await expect(page.get_by_text("The log is empty.")).to_be_visible()
        assert await is_unharmed(page)
        dashboard.assert_calm()


async def test_a_job_is_run_again_with_one_press(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        job = await crawled(dashboard, served, name="mine", settings={"max_attempts": 1, "max_depth": 0})
        await dashboard.show(f"job/{job.id}")
        await page.get_by_role("button", name="Run again").click()
        await page.wait_for_url(lambda url: job.id not in url)
        await expect(page.get_by_role("heading", name="mine")).to_contain_text("finished")
        again = dashboard.jobs.list()[0]
        assert (again.id != job.id, again.settings, again.pages) == (True, job.settings, job.pages)
        dashboard.assert_calm()


async def test_a_clone_opens_the_form_with_the_wishes_of_the_job_and_sends_what_was_changed(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        settings = {"max_attempts": 1, "max_depth": 3, "limit": 9, "robots": "obey", "reach": "host",
                    "headers": {"X-Key": "secret"}, "sinks": [{"links": True}]}  # fmt: skip
        job = await crawled(dashboard, served, name="mine", settings=settings, labels={"team": "x"})
        await dashboard.show(f"job/{job.id}")
        await page.get_by_role("button", name="Clone").click()
        await expect(page.get_by_label("Seeds", exact=True)).to_have_value("\n".join(served.seeds))
        await expect(page.get_by_label("Depth", exact=True)).to_have_value("3")
        await expect(page.get_by_label("Rules of robots.txt", exact=True)).to_have_value("")
        await expect(page.get_by_label("Follow links", exact=True)).to_have_value("host")
        await expect(page.get_by_label("Links", exact=True)).to_be_checked()
        await page.get_by_label("Depth", exact=True).fill("")
        await page.get_by_label("Pages at most", exact=True).fill("2")
        await page.get_by_label("Text", exact=True).check()
        await page.get_by_role("button", name="Start the crawl").click()
        await page.wait_for_url(re.compile("#/job/"))
        again = dashboard.jobs.list()[0]
        assert (again.id != job.id, again.name, dict(again.labels)) == (True, "mine", {"team": "x"})
        assert again.settings["scope"] == {"limit": 2, "reach": "host"}
        chosen = dashboard.jobs.settings(again.id)
        assert chosen.fetch.headers == settings["headers"]
        assert (chosen.sinks[0].links, chosen.sinks[0].text) == (True, True)
        assert again.seeds.given == 2
        await until(dashboard.jobs, again.id, State.COMPLETED)
        dashboard.assert_calm()


async def test_a_clone_of_a_job_with_many_seeds_keeps_them_unseen(open_daemon: Open) -> None:
    async with open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        seeds = [f"http://a.test/{n}/{'x' * 100}" for n in range(1000)]
        job = await submit(dashboard.jobs, seeds, is_paused=True, name="many")
        await dashboard.show(f"new?from={job.id}")
        await expect(page.get_by_label("Seeds", exact=True)).to_have_value("")
        await expect(page.get_by_text("Leave it empty for the 1,000 seeds of that job.")).to_be_visible()
        await page.get_by_label("Name", exact=True).fill("again")
        await page.get_by_role("button", name="Start the crawl").click()
        await page.wait_for_url(re.compile("#/job/"))
        again = dashboard.jobs.list()[0]
        assert (again.name, again.seeds.given) == ("again", 1000)
        await dashboard.jobs.cancel(again.id)
        await dashboard.show("new?from=j-gone")
        await expect(page.get_by_role("alert")).to_contain_text("there is no job")


async def look(dashboard: Dashboard, place: str) -> list[str]:
    """What is cut, overlaps or is hard to read, at two widths and in light and dark."""
    found = []
    for width in (390, 1180):
        await dashboard.page.set_viewport_size({"width": width, "height": 844})
        found += [f"{place} at {width}: {fault}" for fault in await measure(dashboard.page)]
    for scheme in ("light", "dark"):
        await dashboard.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{place} in {scheme}: {fault}" for fault in await read_contrast(dashboard.page)]
    return found


async def test_an_open_record_and_a_clone_are_not_cut_on_a_phone_and_can_be_read_in_the_dark(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        job = await crawled(dashboard, served, settings={"max_attempts": 1, "sinks": [{"links": True, "text": True}]})
        await dashboard.show(f"job/{job.id}/report")
        await page.get_by_role("region", name="Sites").wait_for()
        found = await look(dashboard, "the report")
        await dashboard.show(f"job/{job.id}/pages")
        await page.get_by_role("button", name=re.compile("Record of ")).first.click()
        await page.locator(".record").wait_for()
        found += await look(dashboard, "a record")
        await dashboard.show(f"new?from={job.id}")
        await page.get_by_label("Depth", exact=True).wait_for()
        assert [*found, *await look(dashboard, "a clone")] == []
