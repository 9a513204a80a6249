"""The index follows a crawl that runs, and is exact after kill -9: of the index, and of the crawl."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import anyio
import orjson
import pytest

import crawler
from crawler import read_folder, search_folder
from crawler.search import NAME, open_index
from crawler.sinks.jsonl import JsonLinesReader
from crawler.testing import Page, Site, Web, html, open_web
from tests.export.conftest import page

SCRIPT = """
import sys
from pathlib import Path
from crawler.search import open_index
from crawler.sinks.jsonl import JsonLinesReader
reader = JsonLinesReader(Path(sys.argv[1]))
print("begins", flush=True)
with open_index(Path(sys.argv[2])) as index:
    index.take(reader, reader.end())
"""
CRAWL = """
import sys, crawler
config = crawler.Config(sinks=[{"text": True}], index=True, delay_s=0.0, per_site=4, executor="inline")
crawler.crawl_sync([sys.argv[1]], config, folder=sys.argv[2], allow_networks=["127.0.0.0/8"])
"""


def contents(path: Path) -> list[tuple[object, ...]]:
    """All that an index holds, after SQLite has compared its words with its texts."""
    base = sqlite3.connect(path)
    base.execute("INSERT INTO word (word, rank) VALUES ('integrity-check', 1)")
    rows = base.execute("SELECT key, status, at, visit, title, text FROM page ORDER BY key").fetchall()
    base.close()
    return rows


def test_kills_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    path, kept, whole = tmp_path / "pages.jsonl", tmp_path / "killed.sqlite", tmp_path / "whole.sqlite"
    lines = [
        page(f"https://a.example/{i % 1500}", f"Page {i}", 1 + i // 1500, v=1, text=f"word{i} " * 20 + "apples")
        for i in range(2500)
    ]
    path.write_bytes(b"".join(orjson.dumps({"v": line.pop("v"), **line}) + b"\n" for line in lines))
    for pause_s in (0.05, 0.15, 0.25):
        with subprocess.Popen([sys.executable, "-c", SCRIPT, path, kept], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(pause_s)  # somewhere in the middle; that it is the middle matters little
            process.kill()
    reader = JsonLinesReader(path)
    for place in (kept, whole):
        with open_index(place) as index:
            index.take(reader, reader.end())
    assert contents(kept) == contents(whole)
    assert len(contents(whole)) == 1500


def test_a_search_that_knows_less_than_the_crawl_takes_nothing_back(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    lines = [orjson.dumps({"v": 1, **page(f"https://a.example/{i}", "Apples")}) + b"\n" for i in range(9)]
    path.write_bytes(b"".join(lines))
    reader = JsonLinesReader(path)
    with open_index(tmp_path / "index") as crawling:
        crawling.take(reader, reader.end())
    with open_index(tmp_path / "index") as late:
        late.take(reader, len(b"".join(lines[:4])))
        assert late.look().pages == 9
    path.write_bytes(b"".join(lines[:4]))
    with open_index(tmp_path / "index") as cut_back:
        cut_back.take(reader, reader.end())
        assert cut_back.look().pages == 4


def settled(folder: Path) -> list[bytes]:
    """The records so far, once there is an index."""
    return (folder / "pages.jsonl").read_bytes().splitlines() if (folder / NAME).exists() else []


def pages(n: int) -> dict[str, Page]:
    links = [f"/{i}" for i in range(n)]
    return {"/": html("Home", links), **{f"/{i}": html(f"Page {i} of apples") for i in range(n)}}


async def test_a_crawl_that_is_killed_and_continued_can_be_searched_at_any_time(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    async with open_web(Web([Site("a.test", pages(150))])) as served:
        command = [sys.executable, "-c", CRAWL, served.url("a.test"), str(folder)]
        for _ in range(2):
            process = await anyio.open_process(command, stderr=None)
            with anyio.fail_after(60):
                while process.returncode is None and len(settled(folder)) < 20:
                    await anyio.sleep(0.05)
            assert process.returncode is None, "it should be in the middle"
            process.send_signal(signal.SIGKILL)
            await process.wait()
            found = await anyio.to_thread.run_sync(
                lambda: search_folder(read_folder(folder, crawler.Config()), "apples", limit=1000)
            )
            assert len({hit.url for hit in found.hits}) == found.total == len(found.hits) > 0
        assert (await anyio.run_process(command)).returncode == 0
    base = sqlite3.connect(folder / NAME)
    assert base.execute("SELECT count(*) FROM page").fetchone() == (151,), "the crawl itself brought it up to date"
    base.close()
    assert len(contents(folder / NAME)) == 151


@pytest.mark.parametrize("is_on", [True, False])
async def test_a_crawl_keeps_an_index_if_it_is_asked_to(tmp_path: Path, is_on: bool) -> None:
    async with open_web(Web([Site("a.test", pages(3))])) as served:
        await crawler.crawl(
            [served.url("a.test")], folder=tmp_path / "c", index=is_on, delay_s=0.0, executor="inline",
            allow_networks=["127.0.0.0/8"],
        )  # fmt: skip
    assert (tmp_path / "c" / NAME).exists() == is_on
