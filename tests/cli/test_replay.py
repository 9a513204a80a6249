"""`crawl replay`: the crawl of last month, once more, over what was kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crawler.testing import Served
from tests.warc.samples import answer, members, record

from .conftest import ALLOWED, Crawl

URL = "http://a.example/"
PAGES = [record("response", answer(b"<p>%d <a href=/x>x</a>" % n), f"{URL}{n}") for n in range(3)]


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "pages.jsonl").read_bytes().splitlines()]


@pytest.mark.slow
async def test_a_crawl_is_replayed_with_its_seeds_and_settings_and_goes_on_where_it_stopped(
    crawl: Crawl, tmp_path: Path, web: Served
) -> None:
    assert (await crawl(web.url("a.test"), "-o", "live.crawl", "--warc", "--depth", "1", *ALLOWED)).code == 0
    asked = len(web.hits)
    ran = await crawl("replay", "live.crawl", "-o", "again.crawl", "--limit", "2")
    assert ran.code == 0
    assert "replaying 6 archived answers: the network is not used" in ran.err
    ran = await crawl("replay", "live.crawl", "-o", "again.crawl", "--limit", "9", "--text")
    assert ran.code == 0
    assert {one["url"]: one["disposition"] for one in records(tmp_path / "again.crawl")} == {
        one["url"]: one["disposition"] for one in records(tmp_path / "live.crawl")
    }
    assert len(web.hits) == asked
    assert not (tmp_path / "again.crawl" / "warc").exists()


async def test_archives_of_others_give_each_document_and_say_what_is_damaged(crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "x.warc.gz").write_bytes(members(PAGES)[:-20])
    ran = await crawl("replay", "x.warc.gz", "-o", "x.crawl", "--json")
    assert ran.code == 0
    assert sorted(json.loads(line)["url"] for line in ran.out.splitlines()) == [f"{URL}0", f"{URL}1"]
    said = "cut short: the file ends in the middle of a record; the 2 answers before it can be replayed"
    assert ran.err.count(said) == 2, "at the start and at the end"


async def test_seeds_and_reach_follow_links_into_what_is_missing(crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "x.warc.gz").write_bytes(members(PAGES))
    ran = await crawl("replay", "x.warc.gz", "-o", "x.crawl", "--seeds", f"{URL}0")
    assert ran.code == 0
    told = {one["url"]: (one["disposition"], one["reason"]) for one in records(tmp_path / "x.crawl")}
    assert told == {f"{URL}0": ("fetched", None), f"{URL}x": ("failed", "not-archived")}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.warc", "-o", "x.crawl"], "no such file"),
        (["notes.txt", "-o", "x.crawl"], "notes.txt at byte 0: not a WARC file"),
        (["empty.warc", "-o", "x.crawl"], "empty.warc: no answer of a web server in it"),
        (["notes.zip", "-o", "x.crawl"], "is not a zip file"),
        (["good.warc", "-o", "x.crawl", "--seeds", "nowhere.txt"], "nowhere.txt"),
    ],
)
async def test_what_cannot_be_replayed_is_said_in_one_line_and_makes_no_folder(
    crawl: Crawl, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty.warc").write_bytes(record("warcinfo", b"x"))
    (tmp_path / "notes.zip").write_bytes(b"PK\3\4")
    (tmp_path / "good.warc").write_bytes(PAGES[0])
    ran = await crawl("replay", *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "x.crawl").exists()


@pytest.mark.slow
async def test_an_exported_package_and_an_exported_index_are_replayed(
    crawl: Crawl, tmp_path: Path, web: Served
) -> None:
    seed = web.url("a.test")
    assert (await crawl(seed, "-o", "live.crawl", "--warc", *ALLOWED)).code == 0
    assert (await crawl("export", "live.crawl", "-f", "wacz", "-o", "live.wacz")).code == 0
    assert (await crawl("export", "live.crawl", "-f", "cdxj", "-o", "live.crawl/warc/index.cdxj")).code == 0
    asked = len(web.hits)
    told = {(one["url"], one["disposition"]) for one in records(tmp_path / "live.crawl")}
    for archive in ("live.wacz", "live.crawl/warc/index.cdxj"):
        assert (await crawl("replay", archive, "-o", "x.crawl", "--seeds", seed, "--fresh")).code == 0
        assert {(one["url"], one["disposition"]) for one in records(tmp_path / "x.crawl")} == told
    assert len(web.hits) == asked
