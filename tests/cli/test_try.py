"""`crawl try URL|FILE`: what selectors, functions and the rest make of one page, before a crawl."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crawler.testing import Served, Site, Web, open_web, plain, redirect

from .conftest import Crawl

PAGE = """<title>Tea</title><meta property="og:site_name" content="The shop of tea"><main><h1>Green tea</h1>
<p class=price>4,50 EUR</p><img src=a.png><img src=/b.png><p class=stock>ask us</p><p>A tea from the hills.</main>"""
SHOP = """
def read(content):
    return {"title": content.page.title}

def stumble(content):
    raise ValueError("no price here")
"""
FIELDS = (
    *("--extract", "price=css:.price as number", "--extract", "images=css:img@src[] as url"),
    *("--extract", "stock=css:.stock as number", "--extract", "missing=css:.nope"),
)


@pytest.fixture
async def shop() -> AsyncIterator[Served]:
    html = plain(PAGE, "text/html; charset=utf-8")
    pages = {"/tea": html, "/old": redirect("/tea"), "/private/tea": html,
             "/robots.txt": plain("User-agent: *\nDisallow: /private/")}  # fmt: skip
    async with open_web(Web([Site("shop.test", pages)], ["http://shop.test/tea"])) as served:
        yield served


async def test_a_file_shows_what_selectors_find_and_what_they_do_not(crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "tea.html").write_text(PAGE)
    (tmp_path / "shop.py").write_text(SHOP)
    ran = await crawl("try", "tea.html", *FIELDS, "--parse", "shop:read", "--url", "https://shop.test/x/tea")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "https://shop.test/x/tea"
    assert lines[2:] == [
        "fields",
        "  price    4.5",
        "  images   https://shop.test/x/a.png",
        "           https://shop.test/b.png",
        "  stock    (a value of another type: css:.stock as number)",
        "  missing  (nothing: css:.nope)",
        "data",
        "  {",
        '    "title": "Tea"',
        "  }",
    ]
    assert max(map(len, lines)) <= 80
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix) == [
        "shop.py", "tea.html",
    ]  # fmt: skip


async def test_without_options_metadata_and_markdown_are_shown(crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "tea.html").write_text(PAGE)
    ran = await crawl("try", "tea.html")
    assert ran.code == 0, ran.err
    assert ["site_name", "The shop of tea"] in [line.split(maxsplit=1) for line in ran.out.splitlines()]
    assert "  # Green tea" in ran.out


async def test_a_url_is_asked_for_as_a_crawl_asks(crawl: Crawl, shop: Served) -> None:
    allowed = ("--allow-network", "127.0.0.0/8", "--set", "delay_s=0", *FIELDS)
    ran = await crawl("try", shop.url("shop.test", "/old"), *allowed, "--json")
    told = json.loads(ran.out)
    assert (ran.code, told["page"]["fields"]["price"], told["unread"]) == (0, 4.5, ["stock"])
    assert [one["disposition"] for one in told["redirects"]] == ["redirected"]
    ran = await crawl("try", shop.url("shop.test", "/private/tea"), *allowed)
    assert (ran.code, "excluded, robots" in ran.out) == (4, True), ran.out
    ran = await crawl("try", shop.url("shop.test", "/tea"), *FIELDS)
    assert (ran.code, "failed, blocked-address" in ran.out) == (4, True), ran.out
    counts = shop.counts()
    assert sum(n for url, n in counts.items() if "private" in str(url)) == 0


async def test_the_error_of_a_function_is_shown_with_its_trace(crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "tea.html").write_text(PAGE)
    (tmp_path / "shop.py").write_text(SHOP)
    ran = await crawl("try", "tea.html", "--parse", "shop:stumble")
    assert (ran.code, ran.err) == (3, "")
    assert "stumble failed: ValueError: no price here" in ran.out
    assert "shop.py" in ran.out
    assert "line 6, in stumble" in ran.out


async def test_what_cannot_be_tried_is_one_line(crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "tea.html").write_text(PAGE)
    for words, said in (
        (("teh.html",), "there is no file teh.html; did you mean tea.html?"),
        (("tea.html", "--extract", "a=css:p["), "expected an identifier, at character 3"),
        (("tea.html", "--parse", "nowhere:read"), "nowhere cannot be imported"),
        ((".",), "Is a directory"),
    ):
        ran = await crawl("try", *words)
        assert (ran.code, said in ran.err, len(ran.err.splitlines())) == (2, True, 1), ran.err
