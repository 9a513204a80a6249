"""A crawl whose frontier was damaged goes on after a repair, and records nothing twice."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import crawler
from crawler.errors import FolderError, FrontierError
from crawler.folder.repair import repair_folder
from crawler.testing import link_graph, open_web

SETTINGS: dict[str, Any] = {
    "delay_s": 0, "per_site": 4, "reach": "any", "allow_networks": ["127.0.0.0/8"], "executor": "inline",
}  # fmt: skip


async def test_a_crawl_goes_on_after_a_repair(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    async with open_web(link_graph(seed=7, sites=2, pages_per_site=40, links_per_page=12)) as served:
        await crawler.crawl(served.seeds, folder=folder, limit=30, **SETTINGS)
        frontier = folder / "frontier.sqlite"
        whole = frontier.read_bytes()
        at = whole.index(served.seeds[0].encode()) // 4096 * 4096  # the page that holds the first URLs
        frontier.write_bytes(whole[:at] + b"\xa5" * 4096 + whole[at + 4096 :])
        asked = len(served.hits)
        with pytest.raises(FrontierError, match=r"is damaged .*crawl repair"):
            await crawler.crawl(served.seeds, folder=folder, limit=10**6, **SETTINGS)
        assert len(served.hits) == asked

        done = (await asyncio.to_thread(repair_folder, folder)).frontier
        assert done
        assert done.visited >= 30
        await crawler.crawl(served.seeds, folder=folder, limit=10**6, **SETTINGS)
        urls = [json.loads(line)["url"] for line in (folder / "pages.jsonl").read_text().splitlines()]
        assert len(urls) == len(set(urls))
        assert len(urls) + done.lost >= len(served.web.reachable())


async def test_a_crawl_that_runs_is_not_repaired(tmp_path: Path) -> None:
    async with crawler.open_crawl(folder=tmp_path / "crawl", executor="inline"):
        with pytest.raises(FolderError, match="in use"):
            await asyncio.to_thread(repair_folder, tmp_path / "crawl")


@pytest.fixture
async def stopped(tmp_path: Path) -> Path:
    """A crawl that was stopped half-way; nothing is damaged."""
    async with open_web(link_graph(seed=7, sites=1, pages_per_site=9, links_per_page=5)) as served:
        await crawler.crawl(served.seeds, folder=tmp_path / "crawl", limit=5, **SETTINGS)
    return tmp_path / "crawl"


async def test_what_is_whole_stays_as_it_is(stopped: Path) -> None:
    before = (stopped / "frontier.sqlite").read_bytes()
    assert not repair_folder(stopped)
    assert (stopped / "frontier.sqlite").read_bytes() == before
    done = repair_folder(stopped, is_forced=True).frontier
    assert done
    assert (done.visited, done.lost, done.damaged.read_bytes()) == (5, 0, before)


@pytest.mark.slow
@pytest.mark.parametrize("line", [b"{torn", b"[]", b'{"url": 3}', b"\xff", b"\0"])
@pytest.mark.parametrize("is_forced", [False, True])
async def test_pages_that_are_damaged_too_are_visited_again(stopped: Path, line: bytes, is_forced: bool) -> None:
    first, rest = (stopped / "pages.jsonl").read_bytes().split(b"\n", 1)
    (stopped / "pages.jsonl").write_bytes(line.ljust(len(first), line[-1:]) + b"\n" + rest)
    done = repair_folder(stopped, is_forced=is_forced)
    assert done.lost.files == ("pages.jsonl",)
    assert done.frontier is None or done.frontier.visited == 4
    assert (stopped / "pages.jsonl").read_bytes() == rest
    assert not repair_folder(stopped)
    async with crawler.open_crawl(folder=stopped) as crawl:
        assert sum(crawl.snapshot().counts.settled.values()) == 4
        assert crawl.snapshot().counts.known == 9
