"""`crawl inspect --rendered`: what a page says raw against rendered, fetched now or from WARC files."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crawler.testing import Served, Site, Web, error, open_web, plain, written
from tests.render.webs import needs_chromium, script

from .conftest import ALLOWED, Crawl

NOW = ("--rendered", "--allow-network", "127.0.0.0/8", "--set", "delay_s=0")
PAGE = """<!doctype html><title>Loading</title><link rel=canonical href=/>
<meta name=description content="A shop of tea"><link rel=alternate hreflang=de href=/de>
<div id=root><a href=/old>old</a></div><script type=module src=/app.js></script>"""
APP = """
document.title = 'Tea shop';
document.querySelector('link[rel=canonical]').href = '/tea';
const robots = document.createElement('meta'); robots.name = 'robots'; robots.content = 'noindex';
document.head.append(robots);
document.getElementById('root').innerHTML =
  '<h1>Tea</h1><h2>Green</h2><a href="/a">a</a><a href="/b">b</a><p>' + 'word '.repeat(90) + '</p>';
"""


@pytest.fixture
async def shop() -> AsyncIterator[Served]:
    pages = {"/": written(PAGE), "/app.js": script(APP), "/plain.txt": plain("tea"), "/gone": error(404)}
    async with open_web(Web([Site("shop.test", pages)])) as served:
        yield served


@needs_chromium
@pytest.mark.slow
async def test_a_page_is_shown_raw_against_rendered(crawl: Crawl, shop: Served) -> None:
    home = shop.url("shop.test", "/")
    ran = await crawl("inspect", home, *NOW)
    assert (ran.code, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= 80
    told = [line.split() for line in ran.out.splitlines()]
    for row in ("title Loading ≠ Tea shop", "description A shop of tea A shop of tea", "hreflang 1 1",
                "headings 0 ≠ 2", "words 1 ≠ 94", "robots - ≠ noindex"):  # fmt: skip
        assert row.split() in told
    assert "empty without scripts (few-words)" in ran.out
    assert shop.counts(robots=False).keys() == {home, f"{home}app.js"}, "no link is followed"

    told_as_json = json.loads((await crawl("inspect", home, "--json", *NOW)).out)
    assert told_as_json["differs_in"] == ["title", "canonical", "robots", "headings", "links", "words"]
    assert told_as_json["added"] == {
        "hreflang": [], "headings": ["h1 Tea", "h2 Green"], "links": [f"{home}a", f"{home}b"]
    }  # fmt: skip
    assert told_as_json["gone"] == {"hreflang": [], "headings": [], "links": [f"{home}old"]}
    assert told_as_json["rendered"]["canonical"] == f"{home}tea"


@needs_chromium
@pytest.mark.slow
async def test_a_folder_that_kept_an_archive_tells_it_without_the_network(
    crawl: Crawl, shop: Served, tmp_path: Path
) -> None:
    home = shop.url("shop.test", "/")
    assert (await crawl(home, "-o", "shop.crawl", "--render", "auto", "--warc", *ALLOWED)).code == 0
    before = len(shop.hits)
    ran = await crawl("inspect", "shop.crawl", home, "--rendered", "--json")
    told = json.loads(ran.out)
    assert (ran.code, told["auto"], told["rendered"]["title"]) == (0, "few-words", "Tea shop")
    assert len(shop.hits) == before


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize(("path", "why"), [("plain.txt", "no HTML page"), ("gone", "status-4xx")])
async def test_a_page_that_cannot_be_compared_says_why(crawl: Crawl, shop: Served, path: str, why: str) -> None:
    ran = await crawl("inspect", shop.url("shop.test", f"/{path}"), *NOW)
    assert (ran.code, ran.out.count("\n")) == (4, 2)
    assert why in ran.out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("nowhere.crawl", "http://a.test/", "--rendered"), "give the URL alone"),
        (("http://a.test/", "--rendered", "--duplicates"), "looks at one page"),
        (("a.crawl", "--set", "delay_s=1"), "settings are for --rendered"),
        (("http://a.test/", "--rendered", "--set", "render.browser=/no/such"), "is no program"),
    ],
)
async def test_options_that_do_not_fit_get_one_line(crawl: Crawl, given: tuple[str, ...], said: str) -> None:
    ran = await crawl("inspect", *given)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
