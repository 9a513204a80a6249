"""The library runs on asyncio alone, and makes a loop for those who have none."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import anyio
import pytest

import crawler
from crawler import daemon
from crawler.testing import Site, Web, html, open_web, open_web_process, slow

QUICK: dict[str, Any] = {"delay_s": 0.0, "allow_networks": ["127.0.0.0/8"], "executor": "inline"}
HERE = "https://example.org/"


def entered(opening: AbstractAsyncContextManager[object]) -> Coroutine[Any, Any, object]:
    return opening.__aenter__()


ENTRIES: dict[str, Callable[[Path], Coroutine[Any, Any, object]]] = {
    "crawl": lambda _: crawler.crawl([HERE]),
    "stream": lambda _: entered(crawler.stream([HERE])),
    "open_crawl": lambda _: entered(crawler.open_crawl()),
    "open_engine": lambda _: entered(crawler.open_engine("postgresql://u@127.0.0.1:1/x")),
    "open_shared": lambda _: entered(crawler.open_shared()),
    "explain": lambda _: crawler.explain(HERE, crawler.Config(), is_offline=True),
    "rehearse": lambda _: crawler.rehearse([], crawler.Config()),
    "open_jobs": lambda tmp: entered(daemon.open_jobs(daemon.DaemonConfig(), tmp / "data")),
    "open_daemon": lambda _: entered(daemon.open_daemon(daemon.Sources())),
    "open_client": lambda _: entered(daemon.open_client("http://127.0.0.1:1", None)),
    "open_plane": lambda _: entered(daemon.open_plane(daemon.Sources(), "postgresql://127.0.0.1:1/x")),
    "open_server": lambda _: entered(daemon.open_server(None, host="127.0.0.1", port=0, token=None)),  # type: ignore[arg-type]
    "open_web": lambda _: entered(open_web(Web([]))),
    "open_web_process": lambda _: entered(open_web_process()),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_where_no_loop_of_asyncio_runs_every_way_in_says_so(name: str, tmp_path: Path) -> None:
    """As under trio: that steps coroutines as this test does, and no loop of asyncio runs."""
    with pytest.raises(crawler.CrawlError, match="asyncio alone"):
        ENTRIES[name](tmp_path).send(None)
    assert not list(tmp_path.iterdir())


def test_all_asynchronous_ways_in_are_in_this_list() -> None:
    calls = {
        name
        for package in (crawler, daemon)
        for name in package.__all__
        if name.startswith("open_") or name in ("crawl", "stream", "explain", "rehearse")
    } - {"open_comparison"}  # it blocks, and needs no loop
    assert calls == ENTRIES.keys() - {"open_web", "open_web_process"}


async def test_crawl_sync_says_what_to_do_where_a_loop_runs() -> None:
    with pytest.raises(crawler.CrawlError, match=r"use `await crawl\(\.\.\.\)`"):
        crawler.crawl_sync([HERE])


async def test_crawl_sync_crawls_in_any_thread() -> None:
    async with open_web(Web([Site("a.test", {"/": html("A", ["/b"]), "/b": html("B")})])) as served:
        summary = await anyio.to_thread.run_sync(lambda: crawler.crawl_sync(served.seeds, **QUICK))
    assert (summary.pages, summary.ended) == (2, crawler.Ending.EXHAUSTED)


@pytest.mark.slow
async def test_the_program_of_the_document_runs_as_it_stands(tmp_path: Path) -> None:
    text = (Path(__file__).parent.parent / "docs/library.md").read_text()
    [shown] = [code for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "crawl_sync" in code]
    async with open_web(Web([Site("a.test", {"/": html("A", ["/b"]), "/b": html("B")})])) as served:
        mine = shown.replace("https://example.org/", served.seeds[0])
        mine = mine.replace("max_depth=2", 'max_depth=2, delay_s=0, executor="inline", allow_networks=["127.0.0.0/8"]')
        (tmp_path / "mine.py").write_text(mine)
        ran = await anyio.run_process([sys.executable, "-W", "error", "mine.py"], cwd=tmp_path)
    assert ran.stdout == b"2 1\n"


INTERRUPTED = """
import sys, crawler
if sys.argv[3] == "plain": sys.modules["uvloop"] = None
try:
    crawler.crawl_sync([sys.argv[1]], folder=sys.argv[2], delay_s=0, allow_networks=["127.0.0.0/8"], workers=1)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("loop", ["uvloop", pytest.param("plain", marks=pytest.mark.slow)])
async def test_ctrl_c_ends_crawl_sync_with_keyboard_interrupt_and_nothing_is_lost(tmp_path: Path, loop: str) -> None:
    folder = tmp_path / "crawl"
    pages = {f"/{n}": slow(html(str(n)), 0.02) for n in range(60)}
    async with open_web(Web([Site("a.test", {"/": html("A", list(pages)), **pages})])) as served:
        command = [sys.executable, "-c", INTERRUPTED, served.seeds[0], str(folder), loop]
        async with await anyio.open_process(command, stderr=subprocess.PIPE) as process:
            with anyio.fail_after(60):
                while len(served.hits) < 6:
                    await anyio.sleep(0.005)
                process.send_signal(signal.SIGINT)
                assert process.stdout is not None
                assert process.stderr is not None
                assert b"".join([part async for part in process.stdout]) == b"interrupted\n"
                assert await process.wait() == 0
        assert len(served.hits) < 60
        async with crawler.open_crawl(folder=folder, **QUICK) as crawl:
            await crawl.run()
            assert crawl.snapshot().counts.settled == {crawler.Disposition.FETCHED: 61}
    assert len((folder / "pages.jsonl").read_text().splitlines()) == 61
