"""A crawl that looks for near duplicates names the earlier page in their records, and can leave out their text."""

from __future__ import annotations

from pathlib import Path

import crawler
from crawler import Config
from crawler.testing import Site, Web, html, open_web, plain
from tests.export.conftest import read_lines
from tests.parse.test_simhash import prose

STORY = " ".join(prose(300, seed=1))
PAGES = {
    "/": html("Home", ["/a", "/b", "/c", "/d", "/file.txt"], text=[" ".join(prose(80, seed=2))]),
    "/a": html("A", text=[STORY]),
    "/b": html("B", text=[f"Advertisement: {' '.join(prose(40, seed=3))}.", STORY]),
    "/c": html("C", text=[" ".join(prose(300, seed=4))]),
    "/d": html("D", text=["Too short to repeat anything."]),
    "/file.txt": plain(" ".join(prose(200, seed=5)).encode()),
}


def one_at_a_time(**settings: object) -> Config:
    options = {"delay_s": 0, "allow_networks": ("127.0.0.0/8",), "concurrency": 1, "executor": "inline"}
    return Config.model_validate({**options, **settings})


def read_records(folder: Path) -> list[dict[str, object]]:
    return read_lines((folder / "pages.jsonl").read_bytes())


async def crawl(folder: Path, web: Web, **settings: object) -> dict[str, dict[str, object]]:
    """Crawls one page at a time; returns the records by path."""
    async with open_web(web) as served:
        home = served.seeds[0].rstrip("/")
        await crawler.crawl(served.seeds, one_at_a_time(**settings), folder=folder)
    records = {str(one["url"]).removeprefix(home): one for one in read_records(folder)}
    for record in records.values():
        if first := record.get("near_duplicate_of"):
            record["near_duplicate_of"] = str(first).removeprefix(home)
    return records


async def test_near_duplicates_are_marked_and_all_else_is_as_it_was(tmp_path: Path) -> None:
    found = await crawl(tmp_path / "c", Web([Site("a.test", PAGES)]), near_duplicates="mark", sinks=[{"text": True}])
    assert {path: one["near_duplicate_of"] for path, one in found.items() if "near_duplicate_of" in one} == {"/b": "/a"}
    assert {one["disposition"] for one in found.values()} == {"fetched"}
    assert STORY in str(found["/b"]["text"])
    line = next(line for line in (tmp_path / "c" / "pages.jsonl").read_bytes().splitlines() if b"near_dup" in line)
    assert line.index(b'"near_duplicate_of"') < line.index(b'"robots"'), "those who count records read as far as that"


async def test_their_text_is_left_out_where_that_is_wanted(tmp_path: Path) -> None:
    sinks = [{"text": True, "markdown": True}]
    found = await crawl(tmp_path / "c", Web([Site("a.test", PAGES)]), near_duplicates="skip", sinks=sinks)
    assert found["/b"]["near_duplicate_of"] == "/a"
    assert (found["/b"]["text"], found["/b"]["markdown"]) == ("", None)
    assert found["/b"]["title"] == "B"
    assert STORY in str(found["/a"]["text"])


async def test_without_texts_in_the_records_all_words_are_compared(tmp_path: Path) -> None:
    found = await crawl(tmp_path / "c", Web([Site("a.test", PAGES)]), near_duplicates="mark")
    assert found["/b"]["near_duplicate_of"] == "/a"
    assert "near_duplicate_of" not in found["/c"]


async def test_nobody_looks_for_them_unasked(tmp_path: Path) -> None:
    found = await crawl(tmp_path / "c", Web([Site("a.test", PAGES)]))
    assert not any("near_duplicate_of" in one for one in found.values())
    assert not (tmp_path / "c" / "near-duplicates.sqlite").exists()


async def test_a_later_run_compares_with_the_pages_of_an_earlier_one(tmp_path: Path) -> None:
    first = {"/": html("Home", text=[STORY])}
    more = {"/": html("Home", ["/new"], text=[STORY, "Now with news."]), "/new": html("New", text=["News", STORY])}
    config = one_at_a_time(near_duplicates="mark", sinks=[{"text": True}], revisit_after_s=0)
    folder = tmp_path / "c"
    async with open_web(Web([Site("a.test", first)])) as served:
        port = int(served.seeds[0].rsplit(":")[-1].rstrip("/"))
        await crawler.crawl(served.seeds, config, folder=folder)
    async with open_web(Web([Site("a.test", more)]), port=port) as served:
        await crawler.crawl(served.seeds, config, folder=folder)
        home = served.seeds[0]
    named = [(one["url"], one.get("near_duplicate_of")) for one in read_records(folder)]
    assert named == [(home, None), (home, None), (f"{home}new", home)]
