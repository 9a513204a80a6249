"""Sitemaps that robots.txt names, crawled: what they list is reached though no page links to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest

import crawler
from crawler.testing import Answer, Asked, Page, Site, Web, failing, html, open_web, sitemap, sitemap_index
from crawler.testing.robots import Rules, stating, worded

QUICK: dict[str, Any] = {"delay_s": 0.0, "retry_delay_s": 0.02, "allow_networks": ["127.0.0.0/8"], "workers": 1}
ROBOTS = (
    "Sitemap: /index.xml\nUser-agent: *\nDisallow: /private/\nSitemap: /urls.txt\nSitemap: http://[\nSitemap: ftp://h/"
)


def written_list(asked: Asked) -> Answer:
    lines = [f"http:{asked.place(f'//here.test/{path}')}" for path in ("written", "linked")]
    return Answer(200, (("Content-Type", "text/plain"),), "\n".join(lines).encode())


def web() -> Web:
    pages = {
        "/": html("Home", ["/linked"]),
        "/linked": html("Linked"),
        "/index.xml": sitemap_index(["//here.test/one.xml", "//here.test/index.xml", "//other.test/two.xml"]),
        "/one.xml": sitemap(["//here.test/listed", "//here.test/private/listed", "//other.test/"]),
        "/urls.txt": Page(written_list),
        "/listed": html("Listed", ["/deeper"]),
        "/deeper": html("Deeper"),
        "/written": html("Written"),
        "/private/listed": html("Private"),
    }
    other = {"/": html("Other"), "/two.xml": sitemap(["//other.test/listed"]), "/listed": html("Listed elsewhere")}
    return Web([Site("here.test", pages, worded(ROBOTS, Rules(disallow=("/private/",)))), Site("other.test", other)])


async def crawled(folder: Path, **settings: Any) -> dict[str, dict[str, Any]]:
    """Path -> record of every URL at the first site."""
    described = web()
    async with open_web(described) as served:
        home = served.url("here.test", "/")
        with anyio.fail_after(60):
            await crawler.crawl([home], folder=folder, **(QUICK | settings))
    records = map(orjson.loads, (folder / "pages.jsonl").read_bytes().splitlines())
    return {record["url"].removeprefix(home.rstrip("/")): record for record in records}


@pytest.mark.parametrize("delay_s", [0.0, 0.05])
async def test_what_sitemaps_list_is_reached_in_scope_and_as_near_as_the_seed(tmp_path: Path, delay_s: float) -> None:
    seen = await crawled(tmp_path, sitemaps=True, delay_s=delay_s)
    depths = {path: record["depth"] for path, record in seen.items()}
    as_near = ("/", "/index.xml", "/one.xml", "/urls.txt", "/listed", "/written", "/private/listed")
    assert depths == dict.fromkeys(as_near, 0) | {"/linked": depths["/linked"], "/deeper": 1}
    assert seen["/private/listed"]["reason"] == "robots"
    assert {record["disposition"] for path, record in seen.items() if "private" not in path} == {"fetched"}
    assert seen["/index.xml"]["via"].endswith("/robots.txt")
    assert seen["/listed"]["via"].endswith("/one.xml")
    assert seen["/written"]["seed"] == seen["/"]["url"]


async def test_a_crawl_that_was_not_asked_to_leaves_sitemaps_alone(tmp_path: Path) -> None:
    assert set(await crawled(tmp_path)) == {"/", "/linked"}


async def test_sitemaps_may_lead_to_other_sites_where_links_may(tmp_path: Path) -> None:
    seen = await crawled(tmp_path, sitemaps=True, reach="any", max_depth=0)
    assert {"/listed", "/written", "/one.xml"} < set(seen)
    assert "/deeper" not in seen
    elsewhere = {record["url"].rpartition("/")[2] for path, record in seen.items() if not path.startswith("/")}
    assert elsewhere == {"", "two.xml", "listed"}


async def test_a_site_that_fails_at_first_keeps_its_sitemaps(tmp_path: Path) -> None:
    pages = {
        "/": failing(html("Home"), times=1),
        "/s.xml": sitemap(["//here.test/a"]),
        "/a": html("A"),
    }
    described = Site("here.test", pages, stating(Rules(sitemaps=("//here.test/s.xml",))))
    async with open_web(Web([described])) as served:
        with anyio.fail_after(60):
            await crawler.crawl(served.seeds, folder=tmp_path, sitemaps=True, **QUICK)
    records = map(orjson.loads, (tmp_path / "pages.jsonl").read_bytes().splitlines())
    assert {record["title"]: record["attempt"] for record in records} == {"Home": 2, None: 1, "A": 1}
