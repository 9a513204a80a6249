"""`crawl --extract name=selector`: fields of records without code, and what is said of those that were never found."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from crawler.testing import Served, Site, Web, open_web, plain

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


def options(*fields: str) -> list[str]:
    return [word for field in fields for word in ("--extract", field)]


@pytest.fixture
async def shop() -> AsyncIterator[Served]:
    pages = {f"/{n}": plain(ITEM.format(n=n, next=n + 1), "text/html; charset=utf-8") for n in (1, 2, 3)}
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
