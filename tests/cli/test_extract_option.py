"""`crawl --extract name=selector`: fields of records without code, and what is said of those that were never found."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from crawler.testing import Page, Served, Site, Web, open_web, plain

from .conftest import ALLOWED, Crawl

ITEM = """<title>{n}</title><base href=/shop/><h1>Tea {n}</h1><p class=price>EUR 1.{n}99,00</p>
<img src=a.png><img src=b.png>
<script type=application/ld+json>{{"@type":"Product","sku":"T-{n}","offers":{{"price":"{n}.50"}}}}</script>
<p class=stock>ask us</p><a href=/{next}>next</a>"""
FIELDS = (
    "name=css:h1",
    "price=css:.price as number",
    "sku=jsonld:Product.sku",
    "images=css:img@src[] as url",
    "links=xpath://a/@href[]",
    're=re:"price":"([0-9.]+)" as number',
    "missing=css:.pirce",
    "stock=css:.stock as number",
)


def as_html(text: str) -> Page:
    return plain(text, "text/html; charset=utf-8")


def options(*fields: str) -> list[str]:
    return [word for field in fields for word in ("--extract", field)]


@pytest.fixture
async def shop() -> AsyncIterator[Served]:
    pages = {f"/{n}": as_html(ITEM.format(n=n, next=n + 1)) for n in (1, 2, 3)}
    async with open_web(Web([Site("shop.test", {**pages, "/4": plain("no page")})], ["http://shop.test/1"])) as served:
        yield served


def fields_of(folder: Path) -> dict[str, Any]:
    lines = (folder / "pages.jsonl").read_text().splitlines()
    return {record["url"].rpartition("/")[2]: record.get("fields") for record in map(json.loads, lines)}


async def test_each_page_has_its_fields_and_what_was_never_found_is_said(
    crawl: Crawl, shop: Served, tmp_path: Path
) -> None:
    start = shop.url("shop.test", "/1")
    ran = await crawl(start, "-o", "a.crawl", *options(*FIELDS), *ALLOWED)
    assert ran.code == 0, ran.err
    found = fields_of(tmp_path / "a.crawl")
    folder = start.removesuffix("/1") + "/shop/"
    assert found["2"] == {
        "name": "Tea 2", "price": 1299.0, "sku": "T-2", "images": [f"{folder}a.png", f"{folder}b.png"],
        "links": ["/3"], "re": 2.5, "missing": None, "stock": None,
    }  # fmt: skip
    assert list(found["4"].values()) == [None, None, None, [], [], None, None, None]  # it is no HTML
    assert "the field missing was found on none of 4 pages: css:.pirce" in ran.err
    assert "the field stock was found on 3 pages, but no value of its type: css:.stock as number" in ran.err
    assert "the field price" not in ran.err
    told = await crawl("export", "a.crawl", "-o", "-", "-f", "csv", "--fields", "fields.sku,fields.price",
                       "--where", "fields.price > 1200")  # fmt: skip
    assert told.out.splitlines() == ["fields.sku,fields.price", '"T-2",1299.0', '"T-3",1399.0'], told.err


async def test_a_selector_that_cannot_be_read_is_one_line_before_anything_is_made(crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[extract.fields]\nheading = 'xpath://h1['\n")
    for words, said in (
        (options("a=css:p:frist-child"), "there is no pseudo-class :frist-child; did you mean :first-child?"),
        (options("a=csss:.price"), "there is no kind csss; did you mean css:?"),
        (options("a=css:.price as nubmer"), "there is no type nubmer; did you mean number?"),
        (options("a=css:a > > b"), "expected a selector, at character 5, before '> b'"),
        (options("a=re:(x"), "is not a regular expression"),
        (options("price"), "'price' is not NAME=SELECTOR"),
        (["-c", "c.toml"], "extract.fields: heading = 'xpath://h1[': expected a node test"),
    ):
        ran = await crawl("http://a.test/", "-o", "a.crawl", *words)
        assert (ran.code, said in ran.err, len(ran.err.splitlines())) == (2, True, 1), ran.err
        assert not (tmp_path / "a.crawl").exists()


async def test_a_crawl_that_goes_on_keeps_its_fields_until_it_gets_others(
    crawl: Crawl, shop: Served, tmp_path: Path
) -> None:
    start = shop.url("shop.test", "/1")
    assert (await crawl(start, "-o", "a.crawl", "--limit", "1", *options("name=css:h1"), *ALLOWED)).code == 0
    assert (await crawl("a.crawl", "--limit", "2")).code == 0
    assert (await crawl("a.crawl", "--limit", "3", *options("sku=jsonld:sku"))).code == 0
    found = fields_of(tmp_path / "a.crawl")
    assert [found[page] for page in "123"] == [{"name": "Tea 1"}, {"name": "Tea 2"}, {"sku": "T-3"}]


@pytest.mark.slow
async def test_a_page_on_which_a_selector_takes_too_long_costs_that_page_alone(crawl: Crawl, tmp_path: Path) -> None:
    bold = "<title>Long</title>" + "<b>x</b>" * 30_000
    pages = {"/1": as_html(ITEM.format(n=1, next="long")), "/long": as_html(bold + "<a href=/2>2</a>"),
             "/2": as_html(ITEM.format(n=2, next="1"))}  # fmt: skip
    async with open_web(Web([Site("shop.test", pages)], ["http://shop.test/1"])) as served:
        words = options("name=css:h1", "quadratic=xpath://b[. = //b][]")
        ran = await crawl(served.url("shop.test", "/1"), "-o", "a.crawl", *words, "--set", "page_cpu_s=1", *ALLOWED)
    assert ran.code == 0, ran.err
    lines = (tmp_path / "a.crawl" / "pages.jsonl").read_text().splitlines()
    found = {record["url"].rpartition("/")[2]: record for record in map(json.loads, lines)}
    assert {name: (one["reason"], one.get("fields", {}).get("name")) for name, one in found.items()} == {
        "1": (None, "Tea 1"), "long": ("parse-timeout", None), "2": (None, "Tea 2"),
    }  # fmt: skip
    assert found["long"]["title"] == "Long"
