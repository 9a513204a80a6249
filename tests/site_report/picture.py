"""Takes the picture of a report in docs/ anew: `make screenshots ARGS=tests.site_report.picture`, with a chromium.

A small site with all kinds of faults is crawled on loopback with the preset `audit`. In its records the addresses are
then replaced by names, so that the picture is the same each time.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

import crawler
from crawler.testing import Page, Site, Web, error, open_web, redirect, written
from tests.daemon.browser import open_browser
from tests.daemon.pictures import shrink

DOCS = Path(__file__).parents[2] / "docs"
SIZE = {"width": 1180, "height": 1180}
HOST = "harbour.test"
TOWNS = ("brimhaven", "saltmarsh", "old-quay", "northpier", "gullrock")


def page(title: str, *links: tuple[str, str], head: str = "", body: str = "") -> Page:
    """Returns a page of a person's site, with these links and their texts."""
    anchors = "".join(f'<p><a href="{href}">{text}</a></p>' for href, text in links)
    text = f'<html lang="en"><head><title>{title}</title>{head}</head><body><h1>{title}</h1>{body}{anchors}</body>'
    return written(text, title, [href for href, _ in links if href.startswith("//")])


def web() -> Web:
    menu = [("/", "Harbours"), ("/towns/", "Towns"), ("/timetable", "Timetable"), ("/shop/tide-tables", "Tide tables")]
    told = '<meta name="description" content="Ferries and harbours of the northern coast.">'
    links = (("/prices-2024", "Fares"), ("/old/map", "Map of the coast"))
    towns = {
        f"/towns/{town}": page(
            f"{town.title()}, a harbour",
            *menu,
            (f"/towns/{town}#ferries", "Ferries from here"),
            *links,
            head=told if n % 2 else "",
            body='<img src="/pier.jpg">' * (n % 2),
        )
        for n, town in enumerate(TOWNS)
    }
    data = '{"@context":"https://schema.org","@type":"Product","name":"Tide tables"}'
    product = f'<script type="application/ld+json">{data}</script>'
    pages = {
        "/": page("Harbours of the northern coast", *menu, ("/prices-2024", "Fares of this year"),
                  ("/contact", "Write to us"), ("//pilots.test/guild", "The guild of pilots")),
        "/towns/": page("All towns", *menu, *((one, one.rpartition("/")[2].title()) for one in towns)),
        "/timetable": page("Timetable", *menu, ("/timetable.pdf", "The timetable as PDF"), head=told),
        "/shop/tide-tables": page("Tide tables", *menu, head=product),
        "/old/map": redirect("/older/map", 301), "/older/map": redirect("/towns/", 301),
        "/contact": redirect("/towns/", 301), "/prices-2024": error(404), "/timetable.pdf": error(410), **towns,
    }  # fmt: skip
    return Web([Site(HOST, pages), Site("pilots.test", {"/guild": error(500)})], [f"http://{HOST}/"])


async def main() -> None:
    with TemporaryDirectory() as scratch:
        folder, shown = Path(scratch) / "harbours.crawl", Path(scratch) / "report.html"
        async with open_web(web()) as served:
            named = {served.url(host, "/"): f"https://{host}/" for host in (HOST, "pilots.test")}
            await crawler.crawl(
                served.seeds, folder=folder, preset="audit", delay_s=0.0, max_attempts=1, allow_networks=["127.0.0.0/8"]
            )
        records = folder / "pages.jsonl"
        text = re.sub("|".join(map(re.escape, named)), lambda found: named[found[0]], records.read_text())
        records.write_text(text)
        (folder / "frontier.sqlite").unlink()  # it knows how long the records were
        crawler.write_site_report(crawler.read_folder(folder, crawler.Config()), shown)
        async with open_browser(viewport=SIZE) as (browser, opened):
            await opened.goto(shown.as_uri())
            await opened.locator("#drawn canvas").last.wait_for()
            blank = await browser.new_page()
            (DOCS / "report.png").write_bytes(await shrink(blank, await opened.screenshot()))


if __name__ == "__main__":
    anyio.run(main)
