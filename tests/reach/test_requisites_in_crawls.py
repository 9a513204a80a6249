"""Requisites as crawls meet them: robots.txt, the address guard, limits of pages, records, sitemaps, explanations."""

from __future__ import annotations

import asyncio
import gzip
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import crawler
from crawler import Request, Response
from crawler.testing import Web, open_web
from tests.lossless.needs import Text, sites_of

QUICK: Mapping[str, Any] = {"delay_s": 0.0, "executor": "inline", "durability": "process"}
START = "http://a.test/"
PAGES = {
    START: "<img src=http://img.test/1.png><link rel=stylesheet href=/s.css><a href=/2>2</a>",
    "http://a.test/2": "<img src=/2.png><a href=http://ext.test/>x</a><a href=/3>3</a>",
    "http://a.test/3": "three",
    "http://a.test/s.css": "a{b:url(http://img.test/private/2.png)}",
    "http://ext.test/": "<a href=/on>on</a>",
}
ROBOTS = {"http://img.test/robots.txt": "User-agent: *\nDisallow: /private/\nSitemap: http://img.test/map.xml\n"}


class Canned:
    """Serves PAGES without a network; all else is a picture."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def fetch(self, request: Request) -> Response:
        url = request.url.text
        self.asked.append(url)
        if request.url.path == "/robots.txt":
            return Response(request.url, 200 if url in ROBOTS else 404, (), ROBOTS.get(url, "").encode())
        kind = b"text/css" if url.endswith(".css") else b"text/html" if url in PAGES else b"image/png"
        return Response(request.url, 200, ((b"content-type", kind),), PAGES.get(url, url).encode())


async def crawl(folder: Path, **settings: Any) -> tuple[crawler.Summary, dict[str, dict[str, Any]], Canned]:
    fetcher = Canned()
    async with crawler.open_crawl(
        folder=folder, fetcher=fetcher, **{**QUICK, "requisites": True, **settings}
    ) as opened:
        summary = await opened.run([START])
    records = [json.loads(line) for line in (folder / "pages.jsonl").read_text().splitlines()]
    return summary, {record["url"]: record for record in records}, fetcher


async def test_requisites_obey_robots_and_their_records_say_what_they_are(tmp_path: Path) -> None:
    summary, records, fetcher = await crawl(tmp_path / "c", extra_hops=1)
    assert set(records) == {*PAGES, "http://img.test/1.png", "http://img.test/private/2.png", "http://a.test/2.png"}
    assert "http://img.test/private/2.png" not in fetcher.asked
    refused = records["http://img.test/private/2.png"]
    assert (refused["disposition"], refused["reason"], refused["requisite"]) == ("excluded", "robots", True)
    assert refused["via"] == "http://a.test/s.css"
    assert {url for url, record in records.items() if record.get("requisite")} == {
        "http://img.test/1.png", "http://img.test/private/2.png", "http://a.test/s.css", "http://a.test/2.png"
    }  # fmt: skip
    assert {url: record["extra_hop"] for url, record in records.items() if "extra_hop" in record} == {
        "http://ext.test/": 1
    }
    assert (summary.pages, summary.requisites, summary.counts.pages, summary.counts.requisites) == (4, 3, 4, 3)


async def test_requisites_count_for_no_limit_of_pages(tmp_path: Path) -> None:
    summary, records, _ = await crawl(tmp_path / "one", limit=3, extra_hops=0)
    assert (summary.pages, summary.requisites) == (3, 3)
    _, records, _ = await crawl(tmp_path / "two", limit_per_site=2, limit_per_domain=2)
    fetched = [url for url, record in records.items() if record["disposition"] == "fetched"]
    assert [url for url in fetched if not records[url].get("requisite")] == [START, "http://a.test/2"]
    assert "http://a.test/2.png" in fetched
    assert records["http://a.test/3"]["reason"] == "page-limit"


async def test_the_sitemaps_of_a_site_that_is_asked_for_requisites_alone_are_not_visited(tmp_path: Path) -> None:
    _, records, _ = await crawl(tmp_path / "c", sitemaps=True, reach="any", exclude=("http://ext.test/*",))
    assert "http://img.test/1.png" in records
    assert "http://img.test/map.xml" not in records


async def test_exclude_keeps_requisites_and_extra_hops_out(tmp_path: Path) -> None:
    _, records, _ = await crawl(tmp_path / "c", extra_hops=1, exclude=("*.png", "http://ext.test/*"))
    assert set(records) == {START, "http://a.test/2", "http://a.test/3", "http://a.test/s.css"}


async def test_what_is_switched_off_later_is_not_fetched_and_said_so(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    async with crawler.open_crawl(folder=folder, fetcher=Canned(), **QUICK, requisites=True, limit=1) as opened:
        await opened.run([START])
    _, records, _ = await crawl(folder, requisites=False, limit=None)
    late = {url: record for url, record in records.items() if record.get("requisite")}
    assert {record["reason"] for record in late.values()} <= {None, "out-of-scope"}
    assert "http://a.test/3" in records


async def test_the_address_guard_holds_for_requisites(tmp_path: Path) -> None:
    web = {START: Text(needs=["http://10.255.255.1/x.png", "http://[::1]:9/y.png"])}
    said = {**QUICK, "requisites": True, "allow_networks": ["127.0.0.0/8"]}
    async with (
        open_web(Web(sites_of(web))) as served,
        crawler.open_crawl(folder=tmp_path / "c", **said) as opened,
    ):
        await opened.run(served.seeds or [served.url("a.test")])
    records = [json.loads(line) for line in (tmp_path / "c" / "pages.jsonl").read_text().splitlines()]
    assert [record["reason"] for record in records if record.get("requisite")] == ["blocked-address"] * 2


async def test_an_explanation_says_that_a_page_needs_it(tmp_path: Path) -> None:
    await crawl(tmp_path / "c", extra_hops=1)
    config = crawler.Config(requisites=True, extra_hops=1, robots="ignore")
    frontier = tmp_path / "c" / "frontier.sqlite"
    needed = await crawler.explain("http://img.test/1.png", config, frontier=frontier, is_offline=True)
    assert (needed.scope.rule, needed.reason, needed.known and needed.known.requisite) == ("requisite", None, 1)
    out = await crawler.explain("http://ext.test/", config, frontier=frontier, is_offline=True)
    assert (out.scope.rule, out.reason, out.known and out.known.extra_hop) == ("extra-hop", None, 1)
    off = await crawler.explain(
        "http://img.test/1.png", crawler.Config(robots="ignore"), frontier=frontier, is_offline=True
    )
    assert off.reason is crawler.Reason.OUT_OF_SCOPE


async def test_an_archive_keeps_requisites_and_its_list_of_pages_has_pages_alone(tmp_path: Path) -> None:
    web = {START: Text(needs=["http://a.test/frame", "http://a.test/1.png"]), "http://a.test/frame": Text()}
    web["http://a.test/1.png"] = Text(kind="image/png")
    said = {**QUICK, "preset": "archive", "allow_networks": ["127.0.0.0/8"]}
    async with open_web(Web(sites_of(web))) as served:
        async with crawler.open_crawl(folder=tmp_path / "c", **said) as opened:
            await opened.run([served.url("a.test")])
        urls = {served.web.place(url) for url in web}
    await asyncio.to_thread(
        crawler.export_folder, crawler.read_folder(tmp_path / "c", crawler.Config()), "wacz", tmp_path / "c.wacz"
    )
    with zipfile.ZipFile(tmp_path / "c.wacz") as packed:
        _, *pages = packed.read("pages/pages.jsonl").splitlines()
        index = gzip.decompress(packed.read("indexes/index.cdx.gz")).decode()
    assert [json.loads(page)["url"] for page in pages] == [served.url("a.test")]
    assert all(url in index for url in urls)
