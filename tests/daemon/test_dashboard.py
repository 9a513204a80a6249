"""The dashboard as people meet it: in a real browser, over a real daemon, with a hostile web behind it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from crawler.daemon import Job, State
from crawler.daemon.http import open_server
from crawler.testing import Served, Site, Web, error, html, open_web, robots

from .browser import TOKEN, Dashboard, in_browser, open_browser, open_dashboard
from .conftest import Open, submit, until

pytestmark = in_browser
EVIL = "<script>window.pwned=1</script><img src=x onerror=window.pwned=1>"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
TABS = ("overview", "report", "sites", "pages", "errors", "log", "explain", "settings", "files", "history")


def web() -> Web:
    """A site that takes a while when asked politely, with a page that means harm and one that is broken."""
    rest = {f"/{n}": html(f"Page {n}", ["/evil", "/broken"]) for n in range(30)}
    evil = {"/evil": html(EVIL, []), "/broken": error(404)}
    return Web([Site("site.test", {"/": html("Home", list(rest)), **rest, **evil})])


async def crawled(dashboard: Dashboard, served: Served, **spec: Any) -> Job:
    """A job that is over."""
    job = await submit(dashboard.jobs, served.seeds, **spec)
    return await until(dashboard.jobs, job.id, State.COMPLETED)


async def is_unharmed(page: Page) -> bool:
    return bool(await page.evaluate("window.pwned === undefined"))


# -- the way in -------------------------------------------------------------------------------------------------------


async def test_the_page_opens_with_the_printed_address_and_the_token_leaves_it(open_daemon: Open) -> None:
    async with open_dashboard(open_daemon) as dashboard:
        await expect(dashboard.page.get_by_role("status")).to_have_text("live")
        assert TOKEN not in dashboard.page.url
        assert not [url for url in dashboard.asked if TOKEN in url]
        dashboard.assert_calm()


async def test_without_a_token_the_page_asks_for_it(open_daemon: Open) -> None:
    async with (
        open_daemon() as jobs,
        open_server(jobs, host="127.0.0.1", port=0, token=TOKEN) as listening,
        open_browser() as (_, page),
    ):
        await page.goto(listening.url)
        await page.get_by_label("Token", exact=True).wait_for()
        await expect(page.get_by_role("alert")).to_have_count(0)
        await page.get_by_label("Token", exact=True).fill("a guess")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_label("Token", exact=True)).to_have_value("")  # asked again
        await expect(page.get_by_role("alert")).to_contain_text("this token is not known, or was replaced")
        await page.get_by_label("Token", exact=True).fill(TOKEN)
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Jobs").wait_for()
        await page.reload()
        await page.get_by_role("heading", name="Jobs").wait_for()


async def test_a_link_with_another_token_does_not_replace_the_one_that_is_kept(open_daemon: Open) -> None:
    async with open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        for is_reloaded in (True, False):  # a link is followed on the page itself, or opened anew in its tab
            await page.goto(f"{dashboard.url}/#token=of-somebody-else")
            if is_reloaded:
                await page.goto("about:blank")
                await page.goto(f"{dashboard.url}/#token=of-somebody-else")
            await expect(page.get_by_role("heading", name="Another token")).to_be_visible()
            assert "token" not in page.url
            assert await page.evaluate("sessionStorage.getItem('crawld-token')") == TOKEN
            await page.get_by_role("button", name="Keep the saved token").click()
            await page.get_by_role("heading", name="Jobs").wait_for()
        dashboard.assert_calm()
        await page.goto(f"{dashboard.url}/#token=of-somebody-else")
        await page.get_by_role("button", name="Use the new token").click()
        await page.get_by_label("Token", exact=True).wait_for()  # it is wrong, and asked for
        await page.goto(f"{dashboard.url}/#token={TOKEN}")
        await page.get_by_role("button", name="Use the new token").click()
        await page.get_by_role("heading", name="Jobs").wait_for()


# -- a job from its beginning to its end ------------------------------------------------------------------------------


@pytest.mark.long
async def test_a_job_is_asked_for_watched_paused_changed_and_finished(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        await page.get_by_role("link", name="New job").first.click()
        await page.get_by_label("Seeds", exact=True).fill(served.seeds[0])
        await page.get_by_label("Name", exact=True).fill("mine")
        await page.get_by_label("Rest between requests in seconds", exact=True).fill("0.4")
        await page.get_by_role("button", name="Start the crawl").click()
        await expect(page.get_by_role("heading", name="mine")).to_contain_text("running")
        await expect(fact(page, "pages")).not_to_have_text("0")
        await expect(page.locator(".chart canvas").first).to_be_visible()

        await page.get_by_role("button", name="Pause").click()
        await expect(page.get_by_role("heading", name="mine")).to_contain_text("paused")
        await page.get_by_role("tab", name="settings").click()
        row = page.get_by_role("row", name=re.compile("politeness.delay_s"))
        await row.get_by_role("button", name="Change").click()
        await row.get_by_role("textbox").fill("soon")
        await page.keyboard.press("Enter")
        await expect(row.get_by_role("alert")).to_contain_text("delay_s")
        await row.get_by_role("textbox").fill("0.01")
        await row.get_by_role("button", name="Save").click()
        await expect(row).to_contain_text("0.01")
        await expect(row).to_contain_text("job")

        await page.get_by_role("button", name="Resume").click()
        await expect(page.get_by_role("heading", name="mine")).to_contain_text("finished")
        await page.get_by_role("link", name="Jobs", exact=True).click()
        await expect(page.get_by_role("row", name=re.compile("mine"))).to_contain_text("finished")
        assert dashboard.jobs.list()[0].pages == 32
        assert [text for text in dashboard.said if "422" not in text] == []


async def test_progress_is_shown_towards_a_limit(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon) as dashboard:
        job = await submit(dashboard.jobs, served.seeds, settings={"limit": 20, "delay_s": 0.3}, name="bounded")
        bar = dashboard.page.get_by_role("row", name=re.compile("bounded")).get_by_role("progressbar")
        await expect(bar).to_have_attribute("max", "20")
        await expect(bar).to_have_attribute("title", re.compile("of 20 pages [(]the limit[)]"))
        await dashboard.jobs.change(job.id, {"delay_s": 0.0})
        await expect(bar).to_have_attribute("value", "20")
        dashboard.assert_calm()


async def test_no_bar_is_drawn_where_the_end_is_not_known(open_daemon: Open) -> None:
    """Each page leads to two more, so the URLs that are known by now are no end."""
    endless = Site("endless.test", {}, traps={"/": lambda path: html(path, [f"{path}a/", f"{path}b/"])})
    async with open_web(Web([endless])) as served, open_dashboard(open_daemon) as dashboard:
        job = await submit(dashboard.jobs, served.seeds, settings={"delay_s": 0.1}, name="open")
        row = dashboard.page.get_by_role("row", name=re.compile("open"))
        await expect(row).to_contain_text(re.compile("[0-9]+ of [0-9]+ known URLs"))
        await expect(row.get_by_role("progressbar")).to_have_count(0)
        await dashboard.show(f"job/{job.id}")
        await expect(fact(dashboard.page, "to go")).to_contain_text(re.compile("too few visits|as many new URLs"))
        said = dashboard.jobs.list()[0].eta
        assert said is not None
        assert said.high_s is None
        dashboard.assert_calm()


async def test_what_would_help_is_a_button_and_only_that(open_daemon: Open) -> None:
    slow = Site("slow.test", {"/": html("Home", ["/1", "/2", "/3"])}, robots.delaying(30))
    async with open_web(Web([*web().sites, slow])) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        ours = await submit(dashboard.jobs, served.seeds, settings={"delay_s": 2.0})
        await dashboard.show(f"job/{ours.id}")
        await expect(page.locator(".advice")).to_contain_text("a smaller politeness.delay_s")
        await page.get_by_role("button", name="Set politeness.delay_s to 100 ms").click()
        await expect(page.get_by_role("dialog")).to_contain_text("up to 40 requests a second instead of 2.")
        await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        assert dashboard.jobs.settings(ours.id).politeness.delay_s == 2.0
        await page.get_by_role("button", name="Set politeness.delay_s to 100 ms").click()
        await page.get_by_role("button", name="Set it").click()
        await expect(page.locator(".notice")).to_contain_text("politeness.delay_s is now 100 ms")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("finished")
        assert dashboard.jobs.settings(ours.id).politeness.delay_s == 0.1

        theirs = await submit(dashboard.jobs, [served.url("slow.test", "/")], settings={"delay_s": 2.0})
        await dashboard.show(f"job/{theirs.id}")
        await expect(page.locator(".advice")).to_contain_text("Sites ask for this pace")
        await expect(page.locator(".advice")).not_to_contain_text("--")
        await expect(page.locator(".advice button")).to_have_count(0)
        dashboard.assert_calm()


async def test_what_the_form_gets_wrong_is_said_at_its_field(open_daemon: Open) -> None:
    async with open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        await dashboard.show("new")
        await page.get_by_label("Seeds", exact=True).fill("http://127.0.0.1:9/")
        await page.get_by_label("Depth", exact=True).fill("deep")
        await page.get_by_role("button", name="Start the crawl").click()
        await expect(page.get_by_label("Depth", exact=True)).to_have_attribute("aria-invalid", "true")
        await expect(page.get_by_label("Depth", exact=True)).to_be_focused()
        await expect(page.get_by_label("Depth", exact=True)).to_have_accessible_description(re.compile("should be"))
        assert dashboard.jobs.list() == []


async def test_settings_change_while_the_job_runs_and_a_site_is_held(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        job = await submit(dashboard.jobs, served.seeds, settings={"delay_s": 0.5, "per_site": 1})
        await dashboard.show(f"job/{job.id}/sites")
        await page.get_by_role("button", name="Hold").click()
        await expect(page.get_by_role("cell", name="held")).to_be_visible()
        assert [site.is_held for site in await dashboard.jobs.sites(job.id)] == [True]
        await page.get_by_role("tab", name="settings").click()
        row = page.get_by_role("row", name=re.compile("politeness.delay_s"))
        await row.get_by_role("button", name="Change").click()
        await row.get_by_role("textbox").fill("0")
        await page.keyboard.press("Enter")
        await expect(row.get_by_role("button", name="Change")).to_be_visible()
        await page.get_by_role("tab", name="sites").click()
        await page.get_by_role("button", name="Release").click()
        await until(dashboard.jobs, job.id, State.COMPLETED)
        await page.get_by_role("tab", name="history").click()
        await expect(page.get_by_role("row", name=re.compile("politeness.delay_s.: 0.5 → 0"))).to_be_visible()
        dashboard.assert_calm()


# -- looking ----------------------------------------------------------------------------------------------------------


async def test_crawled_text_is_text_wherever_it_is_shown(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        job = await crawled(dashboard, served, name=EVIL, labels={EVIL: EVIL})
        await dashboard.show()
        await expect(page.get_by_role("cell", name=EVIL).first).to_be_visible()
        await dashboard.show(f"job/{job.id}/pages")
        await expect(page.locator(".title", has_text=EVIL)).to_be_visible()
        for tab in TABS:
            await page.get_by_role("tab", name=tab).click()
            await expect(page.get_by_role("heading", level=1)).to_contain_text(EVIL)
            await expect(page.locator(".label")).to_have_text(f"{EVIL}={EVIL}")
        await dashboard.show(f"job/{job.id}/explain/{EVIL.replace('/', '%2F')}")
        assert await page.locator("img[src=x]").count() == 0
        assert await page.locator("#app script").count() == 0
        assert await is_unharmed(page)
        assert dashboard.asked
        assert not [text for text in dashboard.said if "Content Security Policy" in text]


async def test_pages_are_filtered_errors_grouped_and_a_url_explained(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        job = await crawled(dashboard, served)
        await dashboard.show(f"job/{job.id}/pages")
        await expect(page.locator("tbody tr")).to_have_count(33)
        await page.get_by_label("status", exact=True).fill("4xx")
        await page.get_by_role("button", name="Filter").click()
        await expect(page.locator("tbody tr")).to_have_count(1)
        await expect(page.locator("tbody tr")).to_contain_text("/broken")
        await page.get_by_role("tab", name="errors").click()
        await expect(page.locator("tbody tr")).to_contain_text("status-4xx")
        await page.get_by_role("button", name="Pages that failed").click()
        await expect(page.locator(".group li")).to_contain_text("HTTP 404")
        await page.get_by_role("link", name="All 1 of them").click()
        await expect(page.get_by_label("reason", exact=True)).to_have_value("status-4xx")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await expect(page.locator("tbody tr")).to_contain_text("/broken")
        await page.get_by_role("tab", name="explain").click()
        await page.get_by_label("URL", exact=True).fill(served.url("site.test", "/broken"))
        await page.get_by_role("button", name="Why?").click()
        await expect(page.locator(".why")).to_contain_text("HTTP 404")
        await expect(page.locator(".why")).to_contain_text("found on")
        await page.get_by_label("URL", exact=True).fill("http://:0/")
        await page.get_by_role("button", name="Why?").click()
        await expect(page.get_by_role("alert")).to_be_visible()


async def test_a_job_shows_the_records_of_its_output_or_says_that_there_are_none(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        job = await crawled(dashboard, served, settings={"sinks": [{"path": "other.jsonl"}]})
        await dashboard.show(f"job/{job.id}/pages?status=404")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await expect(page.locator("tbody tr")).to_contain_text("/broken")
        await page.get_by_role("tab", name="errors").click()
        await expect(page.locator("tbody tr")).to_contain_text("status-4xx")
        await page.get_by_role("tab", name="files").click()
        await expect(page.get_by_role("row", name=re.compile("other.jsonl"))).to_be_visible()
        job = await crawled(dashboard, served, settings={"sinks": []})
        for tab in ("pages", "errors"):
            await dashboard.show(f"job/{job.id}/{tab}")
            await expect(page.get_by_role("alert")).to_contain_text("this job keeps no records that can be read back")
            await expect(page.get_by_text("Nothing failed.")).to_have_count(0)


async def test_a_job_is_found_by_its_name_and_label(open_daemon: Open) -> None:
    async with open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        for name in ("shop", "news"):
            await submit(dashboard.jobs, ["http://127.0.0.1:9/"], name=name, labels={"of": name}, is_paused=True)
        await dashboard.show("")
        await expect(page.locator("tbody tr")).to_have_count(2)
        for text, found in (("SHO", "shop"), ("of=news", "news")):
            await page.get_by_label("Find by name or label", exact=True).fill(text)
            await expect(page.locator("tbody tr")).to_have_count(1)
            await expect(page.locator("tbody tr")).to_contain_text(found)
        await page.get_by_label("Find by name or label", exact=True).fill("weather")
        await expect(page.get_by_text("No job has this name or label.")).to_be_visible()


async def test_a_file_is_saved_and_a_job_removed(open_daemon: Open, tmp_path: Path) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon, accept_downloads=True) as dashboard:
        page = dashboard.page
        job = await crawled(dashboard, served)
        await dashboard.show(f"job/{job.id}/files")
        async with page.expect_download() as coming:
            await page.get_by_role("row", name=re.compile("pages.jsonl")).get_by_role("button").click()
        await (await coming.value).save_as(tmp_path / "saved")
        assert (tmp_path / "saved").read_bytes() == (dashboard.jobs.folder(job.id) / "pages.jsonl").read_bytes()
        await page.get_by_role("button", name="Delete").click()
        await expect(page.get_by_role("dialog")).to_contain_text("everything it fetched")
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("No jobs yet.")).to_be_visible()
        assert dashboard.jobs.list() == []
        assert [text for text in dashboard.said if "404" not in text] == []  # it may be asked for once more


async def test_a_daemon_that_is_gone_and_comes_back_is_noticed(open_daemon: Open) -> None:
    async with open_daemon() as jobs, open_browser() as (_, page):
        async with open_server(jobs, host="127.0.0.1", port=0, token=TOKEN) as listening:
            await page.goto(f"{listening.url}/#token={TOKEN}")
            await expect(page.get_by_role("status")).to_have_text("live")
        await expect(page.get_by_role("status")).to_have_text("not connected")
        await expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
        assert listening.port
        async with open_server(jobs, host="127.0.0.1", port=listening.port, token=TOKEN):
            await expect(page.get_by_role("status")).to_have_text("live")
            await expect(page.get_by_role("alert")).to_have_count(0)


# -- for everybody ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_light_and_dark_follow_the_system_until_somebody_chooses(open_daemon: Open, scheme: str) -> None:
    async with open_dashboard(open_daemon, color_scheme=scheme) as dashboard:
        page = dashboard.page
        assert await brightness(page) == scheme
        assert await brightness(page, "h1", "color") != scheme
        button = page.get_by_role("button", name=re.compile("Theme"))
        await button.click()
        await expect(page.locator("html")).to_have_attribute("data-theme", "light")
        assert await brightness(page) == "light"
        await button.click()
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert await brightness(page) == "dark"
        assert await brightness(page, "h1", "color") == "light"
        await page.reload()
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_everything_is_reached_by_keyboard(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        job = await crawled(dashboard, served)
        await page.reload()
        await page.get_by_role("row", name=re.compile("finished")).wait_for()
        seen = []
        for _ in range(12):
            await page.keyboard.press("Tab")
            seen.append(await page.evaluate("document.activeElement.textContent.trim()"))
        assert seen[0] == "Skip to the content"
        assert seen[1:5] == ["crawld", "Jobs", "Schedules", "New job"]
        assert "all" in seen
        await page.reload()
        await page.get_by_role("row", name=re.compile("finished")).wait_for()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "main"

        await dashboard.show(f"job/{job.id}")
        await page.get_by_role("tab", name="overview").focus()
        turns = (("ArrowRight", "report"), ("ArrowRight", "sites"), ("ArrowLeft", "report"), ("End", "history"))
        for key, tab in turns:
            await page.keyboard.press(key)
            await expect(page.get_by_role("tab", name=tab)).to_be_focused()
            await expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        await page.keyboard.press("ArrowRight")
        await expect(page.get_by_role("tab", name="overview")).to_be_focused()


def fact(page: Page, name: str) -> Any:
    """What a number of the overview shows."""
    return page.locator(".fact", has=page.get_by_text(name, exact=True)).locator("dd")


async def brightness(page: Page, selector: str = "body", name: str = "background-color") -> str:
    """Whether a colour of an element is light or dark."""
    script = "([selector, name]) => getComputedStyle(document.querySelector(selector)).getPropertyValue(name)"
    colour = await page.evaluate(script, [selector, name])
    channels = [int(number) for number in re.findall(r"\d+", colour)[:3]]
    return "light" if sum(channels) > 3 * 127 else "dark"
