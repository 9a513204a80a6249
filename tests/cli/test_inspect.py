"""`crawl inspect`: what a crawl brought, and the story of one URL, in 80 columns or as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crawler.testing import Served, Site, Web, html, open_web
from tests.layouts.test_layouts import contents
from tests.parse.test_simhash import prose

from .conftest import ALLOWED, Crawl


@pytest.fixture
async def folder(crawl: Crawl, tmp_path: Path, web: Served) -> Path:
    assert (await crawl(web.url("a.test"), "-o", "a.crawl", "--links", "--warc", *ALLOWED)).code == 0
    return tmp_path / "a.crawl"


async def test_a_folder_is_shown_in_80_columns_and_stays_as_it_is(crawl: Crawl, folder: Path) -> None:
    with (folder / "pages.jsonl").open("ab") as file:  # a crawl that runs may have written this
        file.write(b'{"v":1,"url":"http://unsettled.test/"}\n{"v":1')
    before = contents(folder)
    ran = await crawl("inspect", "a.crawl")
    assert (ran.code, ran.err) == (0, "")
    assert "a.crawl: 5 records" in ran.out
    assert "          1  failed, status-4xx\n" in ran.out
    assert "\nslowest\n" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    assert contents(folder) == before


async def test_the_json_has_all_that_was_counted(crawl: Crawl, folder: Path) -> None:
    told = json.loads((await crawl("inspect", "a.crawl", "--json")).out)
    assert (told["v"], told["folder"], told["report"]["records"]) == (1, "a.crawl", 5)
    assert told["depths"] == [{"depth": 0, "n": 1}, {"depth": 1, "n": 4}]


async def test_the_story_of_a_url_says_who_links_to_it(crawl: Crawl, folder: Path, web: Served) -> None:
    broken = web.url("a.test", "/broken")
    ran = await crawl("inspect", "a.crawl", broken)
    assert ran.code == 0
    assert "404 failed (status-4xx)" in ran.out
    assert f"linked by  {web.url('a.test')}" in ran.out
    assert "archived" in ran.out
    told = json.loads((await crawl("inspect", "a.crawl", broken, "--json")).out)
    assert (told["url"], told["standing"], told["linked_from"]["n"]) == (broken, "done", 1)
    assert [one["status"] for one in told["visits"]] == [404]
    [capture] = told["captures"]
    assert {name: str(told["visits"][0]["warc"][name]) for name in ("filename", "offset")} == {
        name: capture[name] for name in ("filename", "offset")
    }


async def test_a_url_that_was_never_met_is_said_to_be_so(crawl: Crawl, folder: Path, web: Served) -> None:
    ran = await crawl("inspect", "a.crawl", web.url("a.test", "/nowhere"))
    assert ran.code == 0
    assert "this crawl never met it" in ran.out


@pytest.mark.parametrize("asked", [("nowhere.crawl",), ("a.crawl", "http://[broken/")], ids=["folder", "url"])
async def test_bad_input_gets_one_line(crawl: Crawl, folder: Path, asked: tuple[str, ...]) -> None:
    ran = await crawl("inspect", *asked)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)


async def test_pages_that_repeat_others_are_shown(crawl: Crawl, tmp_path: Path) -> None:
    story = " ".join(prose(200, seed=1))
    pages = {
        "/": html("Home", ["/a", "/b"]),
        "/a": html("A", text=[story]),
        "/b": html("B", text=["An advertisement of the day.", story]),
    }
    async with open_web(Web([Site("a.test", pages)])) as served:
        options = ("-o", "near.crawl", "--text", "--dedupe", "near", "--concurrency", "1", *ALLOWED)
        assert (await crawl(served.url("a.test"), *options)).code == 0
        first = served.url("a.test", "/a")
    ran = await crawl("inspect", "near.crawl", "--duplicates")
    assert (ran.code, ran.err) == (0, "")
    assert "near.crawl: 3 records, 0 copies, 1 near duplicate" in ran.out
    assert f"{first}  1 near\n    {served.url('a.test', '/b')}\n" in ran.out
    told = json.loads((await crawl("inspect", "near.crawl", "--duplicates", "--json")).out)
    assert [(one["url"], one["near"]) for one in told["clusters"]] == [(first, 1)]
    assert (await crawl("inspect", "near.crawl", first, "--duplicates")).code == 2
