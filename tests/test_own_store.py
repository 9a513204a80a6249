"""A store of one's own: programs of docs/own-store.md are run, and crawls that share a table keep apart."""

from __future__ import annotations

import asyncio
import re
import runpy
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest

import crawler
from crawler import CrawlInfo, Outcome, Position
from crawler.testing import Site, Web, html, link_graph, open_web, slow
from tests.list_sink import ListSink

ROOT = Path(__file__).parent.parent
TABLE, NEIGHBOURS = re.findall(r"```python\n(.*?)```", (ROOT / "docs/own-store.md").read_text(), re.DOTALL)
QUICK: dict[str, Any] = {"delay_s": 0.0, "allow_networks": ["127.0.0.0/8"], "executor": "inline"}


def program(text: str, seed: str) -> str:
    text = text.replace("https://example.org/", seed)
    return text.replace("max_depth=2", 'max_depth=2, delay_s=0.0, allow_networks=["127.0.0.0/8"], executor="inline"')


def shown_class(text: str, name: str, tmp_path: Path) -> Any:
    (tmp_path / "shown.py").write_text(text)
    return runpy.run_path(str(tmp_path / "shown.py"))[name]


def rows(path: Path) -> Counter[tuple[str, str]]:
    """How often each crawl has each URL."""
    with closing(sqlite3.connect(path)) as table:
        return Counter(table.execute("SELECT crawl, url FROM page").fetchall())


async def test_the_table_of_the_page_holds_every_page_once_over_kills(tmp_path: Path) -> None:
    pages = {f"/{n}": slow(html(str(n)), 0.01) for n in range(40)}
    async with open_web(Web([Site("a.test", {"/": html("A", list(pages)), **pages})])) as served:
        (tmp_path / "mine.py").write_text(program(TABLE, served.seeds[0]))
        for kills in (8, None):
            asked = len(served.hits)
            process = await anyio.open_process([sys.executable, "mine.py"], cwd=tmp_path, stdout=subprocess.PIPE)
            async with process:
                with anyio.fail_after(60):
                    while kills and len(served.hits) < asked + kills:
                        await anyio.sleep(0.001)
                    if kills:
                        process.kill()
                    await process.wait()
        assert process.returncode == 0
    found = rows(tmp_path / "pages.db")
    assert len(found) == 41
    assert set(found.values()) == {1}


async def test_crawls_that_share_a_table_never_remove_each_others_rows(tmp_path: Path) -> None:
    table, store = shown_class(TABLE, "Table", tmp_path), tmp_path / "pages.db"
    async with open_web(Web([Site("a.test", {"/": html("A", ["/b"]), "/b": html("B")})])) as served:
        for folder, fresh in (("one", False), ("two", False), ("one", False), ("one", True), (None, False)):
            with closing(table(str(store))) as sink:
                await crawler.crawl(
                    served.seeds, folder=folder and tmp_path / folder, fresh=fresh, sinks=[sink], **QUICK
                )
    found = rows(store)
    assert set(found.values()) == {1}
    assert Counter(crawl for crawl, _ in found).most_common() == [
        (crawl, 2) for crawl in {crawl: 0 for crawl, _ in found}
    ]
    assert len({crawl for crawl, _ in found}) == 4  # one, two, one afresh, and the one in memory


class Noting(ListSink):
    """Notes in which order it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[object] = []

    async def begin_crawl(self, crawl: CrawlInfo) -> None:
        self.calls.append(crawl)

    async def rewind(self, position: Position | None) -> None:
        self.calls.append(position)


async def opened(**options: Any) -> tuple[CrawlInfo, Position | None, str]:
    sink = Noting()
    async with crawler.open_crawl(sinks=[sink], max_attempts=1, **options, **QUICK) as crawl:
        await crawl.run(["http://127.0.0.1:9/"])
        told, position = sink.calls
    assert isinstance(told, CrawlInfo)
    return told, position, crawl.id  # type: ignore[return-value]


async def test_a_crawl_has_one_id_over_all_its_runs_and_no_other_crawl_has_it(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    first, position, name = await opened(folder=folder)
    assert (first.id, first.folder, first.is_new, position) == (name, folder, True, None)
    second, position, _ = await opened(folder=folder)
    assert (second.id, second.is_new, position) == (first.id, False, {})
    crawler.repair_folder(folder, is_forced=True)
    assert (await opened(folder=folder))[0].id == first.id
    others = [(await opened(**options))[0] for options in ({"folder": folder, "fresh": True}, {}, {})]
    assert len({first.id, *(one.id for one in others)}) == 4
    assert [one.is_new for one in others] == [True, True, True]
    assert re.fullmatch("[0-9a-f]{32}", first.id)


async def test_a_sink_whose_records_are_in_part_there_is_told_its_crawl_too(tmp_path: Path) -> None:
    """It is wrapped then, to be given only what it lacks."""
    folder = tmp_path / "crawl"
    await opened(folder=folder)
    (folder / "pages.jsonl").write_bytes(b"")
    crawler.repair_folder(folder)
    assert (await opened(folder=folder))[0].is_new is False


@pytest.mark.parametrize("is_durable", [True, False])
async def test_the_sink_of_the_page_adds_to_its_own_crawl_while_it_writes(is_durable: bool, tmp_path: Path) -> None:
    sink = shown_class(NEIGHBOURS, "Neighbours", tmp_path)()
    web = link_graph(seed=4, sites=1, pages_per_site=30, links_per_page=4)
    async with open_web(web) as served:
        folder = tmp_path / "crawl" if is_durable else None
        async with crawler.open_crawl(folder=folder, sinks=[sink], concurrency=2, **QUICK) as crawl:
            sink.crawl = crawl
            with anyio.fail_after(60):
                summary = await crawl.run(served.seeds)
        asked = set(served.counts(robots=False))
    plain = {url for url in asked if "?" not in url}
    assert {f"{url}?page=2" for url in plain if not url.endswith("?page=2")} <= asked
    assert summary.counts.queued == 0


async def test_adding_from_a_sink_that_is_told_to_stop_ends(tmp_path: Path) -> None:
    class Endless(ListSink):
        crawl: crawler.Crawl

        async def write(self, outcomes: Sequence[Outcome]) -> Position:
            await super().write(outcomes)
            await self.crawl.add([f"{outcome.url}x" for outcome in outcomes], again=False)
            if len(self.got) >= 20:
                self.crawl.stop()
            return {}

    sink = Endless()
    async with open_web(Web([Site("a.test", {"/": html("A")})])) as served:
        async with crawler.open_crawl(folder=tmp_path / "crawl", sinks=[sink], **QUICK) as crawl:
            sink.crawl = crawl
            with anyio.fail_after(60):
                summary = await crawl.run(served.seeds)
    assert summary.ended is crawler.Ending.STOPPED
    assert len({outcome.url for outcome in sink.got}) == len(sink.got) >= 20


@pytest.mark.slow
async def test_the_program_of_the_page_that_adds_runs_as_it_stands(tmp_path: Path) -> None:
    async with open_web(Web([Site("a.test", {"/": html("A")})])) as served:
        (tmp_path / "mine.py").write_text(program(NEIGHBOURS, served.seeds[0]))
        ran = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-W", "error", "mine.py"], cwd=tmp_path, capture_output=True, check=True
        )
    assert int(ran.stdout) == 1
