"""`crawl status` says what stands in a crawl folder, and changes nothing in it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from cli import status
from crawler import Config
from crawler.folder.folder import open_folder
from crawler.testing import Served
from tests.layouts.test_layouts import CRAWLS, contents, unpacked

from .conftest import ALLOWED, Crawl


async def test_status_counts_what_a_crawl_left(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    assert (await crawl(web.url("a.test"), "-o", "a", *ALLOWED)).code == 0
    before = contents(tmp_path / "a")
    ran = await crawl("status", "a")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("a: 3 pages, 5 URLs done, 0 queued; no crawl runs in it\n")
    assert "  failed    status-4xx 1\n" in ran.out
    assert "  nothing is left to visit\n  to try again what failed: crawl a --retry-failed\n" in ran.out
    told = json.loads((await crawl("status", "a", "--json")).out)
    size = (tmp_path / "a" / "pages.jsonl").stat().st_size
    assert (told["pages"], told["queued"], told["failed"], told["parked"]) == (3, 0, {"status-4xx": 1}, 0)
    assert (told["outputs"], told["sites"]) == ([{"place": "a/pages.jsonl", "bytes": size}], [])
    assert contents(tmp_path / "a") == before


async def test_status_says_how_the_pages_came_out(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    await crawl(web.url("a.test"), "-o", "a", *ALLOWED)
    ran = await crawl("status", "a")
    assert "  answers   200 3 · 301 1 · 404 1\n" in ran.out
    assert re.search(r"  took      \S+ ms at the median, \S+ ms for 95 of 100; the longest \S+ ms: http://", ran.out)
    report = json.loads((await crawl("status", "a", "--json")).out)["report"]
    assert (report["v"], report["records"], report["share"]) == (1, 5, 1.0)
    assert {(one["status"], one["n"]) for one in report["statuses"]} == {(200, 3), (301, 1), (404, 1)}
    assert [(one["reason"], one["n"]) for one in report["errors"]] == [("status-4xx", 1)]
    assert report["sites"][0]["n"] == 5


async def test_many_records_are_counted_when_somebody_asks_for_it_and_then_the_count_is_kept(
    crawl: Crawl, tmp_path: Path, web: Served
) -> None:
    await crawl(web.url("a.test"), "-o", "a", *ALLOWED)
    pages = tmp_path / "a" / "pages.jsonl"
    pages.write_bytes(pages.read_bytes() * (status.QUICKLY_BYTES // pages.stat().st_size + 2))
    hint = "  report    its records are not counted yet: crawl status a --report\n"
    assert hint in (await crawl("status", "a")).out
    assert json.loads((await crawl("status", "a", "--json")).out)["report"] is None
    counted = await crawl("status", "a", "--report")
    assert (hint in counted.out, "  answers   200 " in counted.out) == (False, True)
    assert "  answers   200 " in (await crawl("status", "a")).out


async def test_status_says_how_to_go_on_and_who_crawls(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    await crawl(web.url("b.test"), "-o", "b", "--limit", "1", *ALLOWED)
    ran = await crawl("status", "b")
    assert ran.out.startswith("b: 1 page, 1 URL done, 40 queued; no crawl runs in it\n")
    assert f"  sites     40 queued at {web.url('b.test').rstrip('/')}\n" in ran.out
    assert "  its limit of 1 page is reached; to go on: crawl b --limit 2\n" in ran.out
    with open_folder(tmp_path / "b", Config()):
        beside = await crawl("status", "b")
    assert beside.out.startswith(f"b: 1 page, 1 URL done, 40 queued; a crawl runs in it, pid {os.getpid()}\n")
    assert "to go on" not in beside.out


@pytest.mark.parametrize("name", CRAWLS)
async def test_status_reads_an_older_folder_and_leaves_it_as_it_is(name: str, crawl: Crawl, tmp_path: Path) -> None:
    before = contents(unpacked(name, tmp_path))
    told = json.loads((await crawl("status", name, "--json")).out)
    assert told["queued"] + told["parked"] + sum(told["settled"].values()) > 0
    assert sum(told["failed"].values()) == told["settled"].get("failed", 0)
    assert contents(tmp_path / name) == before


@pytest.mark.parametrize("folder", ["nowhere", "empty"])
async def test_status_of_what_is_no_crawl_folder_is_refused(crawl: Crawl, tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    ran = await crawl("status", folder)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"crawl: {folder} is no crawl folder: it holds no crawl.toml\n"
