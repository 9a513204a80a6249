"""The form of a new job: labels in words, help and errors beside each field, what to keep, by keyboard alone."""

from __future__ import annotations

import re

from playwright.async_api import expect

from crawler.settings.catalog import fields
from crawler.settings.output import SinkConfig

from .browser import in_browser, open_dashboard
from .conftest import Open

pytestmark = in_browser

WORDS = re.compile(r"[A-Z][A-Za-z ,.'-]+(robots\.txt)?")
"""A label as people say it: no underscore, no dot inside, no slash."""


async def test_every_label_is_words_with_help_beside_it_and_a_wrong_field_is_gone_to(open_daemon: Open) -> None:
    async with open_dashboard(open_daemon) as dashboard:
        page = dashboard.page
        await dashboard.show("new")
        await page.get_by_text("More settings").click()
        shown = page.locator(".create .field")
        labels = [text.strip() for text in await shown.locator("label").all_inner_texts()]
        assert len(labels) == len(set(labels)) > 50
        assert [text for text in labels if not WORDS.fullmatch(text)] == []
        help_of = await shown.locator("small").all_inner_texts()
        assert len(help_of) == len(labels)
        assert [text for text in help_of if not text.strip() or re.search(r"\b(absent|None)\b", text)] == []
        lost = "(fields) => fields.filter((one) => !document.getElementById(one.querySelector('label').htmlFor))"
        assert await shown.evaluate_all(f"{lost}.map((one) => one.textContent)") == []
        dashboard.assert_calm()

        # What is wrong in a part that is closed: it is opened, and the field is gone to.
        await page.get_by_label("Visits at a time", exact=True).fill("0")
        await page.get_by_label("Find a setting", exact=True).fill("no such word")
        await expect(page.get_by_text("No setting has this word.")).to_be_visible()
        await page.get_by_label("Find a setting", exact=True).fill("")
        await page.get_by_text("More settings").click()
        await expect(page.get_by_label("Visits at a time", exact=True)).to_be_hidden()
        await page.get_by_role("button", name="Start the crawl").click()
        await expect(page.get_by_label("Visits at a time", exact=True)).to_be_focused()
        await expect(page.get_by_role("alert")).to_contain_text("The crawl was not started.")
        assert dashboard.jobs.list() == []


async def test_a_job_is_asked_for_by_keyboard_with_what_to_keep_of_each_page(open_daemon: Open) -> None:
    async with open_dashboard(open_daemon) as dashboard:
        page, keyboard = dashboard.page, dashboard.page.keyboard
        await dashboard.show("new")
        await page.get_by_label("Seeds", exact=True).focus()
        await keyboard.type("http://127.0.0.1:9/")
        wanted = {"Name": "mine", "Depth": "2", "Pages at most": "many", "Rest between requests in seconds": "5m"}
        for _ in range(30):
            await keyboard.press("Tab")
            label = await page.evaluate("document.activeElement.labels?.[0]?.innerText.trim() ?? ''")
            if label in wanted:
                await keyboard.type(wanted.pop(label))
            elif label in ("Links", "Text"):
                await keyboard.press("Space")
            elif label == "Format":
                await keyboard.type("JSON")
            elif await page.evaluate("document.activeElement.type") == "submit":
                break
        assert not wanted
        await keyboard.press("Enter")
        limit = page.get_by_label("Pages at most", exact=True)
        await expect(limit).to_be_focused()
        await expect(limit).to_have_attribute("aria-invalid", "true")
        said = re.compile("^'many' should be a whole number Stop after this many")
        await expect(limit).to_have_accessible_description(said)
        await expect(page.get_by_role("alert")).to_have_text("The crawl was not started. 1 field below is wrong.")
        await limit.fill("7")
        await keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("mine")
        [job] = dashboard.jobs.list()
        chosen = dashboard.jobs.settings(job.id)
        assert (chosen.scope.max_depth, chosen.scope.limit, chosen.politeness.delay_s) == (2, 7, 300)
        assert chosen.sinks == (SinkConfig(links=True, text=True),)
        await dashboard.jobs.cancel(job.id)
        await page.get_by_role("tab", name="settings").click()
        await expect(page.locator("tbody tr")).to_have_count(len(fields()))
        names = await page.locator("tbody strong").all_inner_texts()
        assert [text for text in names if not WORDS.fullmatch(text)] == []
        assert len(set(names)) == len(fields())
        assert [text for text in dashboard.said if "422" not in text] == []
