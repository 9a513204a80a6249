"""A browser that dies is replaced, one that grows old too, and none outlives its crawl."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
import pytest

import crawler
from crawler import ConfigError
from crawler.model import Request, Url
from crawler.testing import link_graph, open_web

from .test_held_in import open_rendering
from .webs import QUICK, made_by_scripts, needs_chromium

CRAWL = Path(sys.executable).with_name("crawl")


def chromiums(pid: int) -> list[psutil.Process]:
    """The processes of browsers below a process."""
    return [one for one in psutil.Process(pid).children(recursive=True) if "chrom" in one.name()]


@needs_chromium
@pytest.mark.slow
async def test_a_page_is_loaded_once_more_when_the_browser_dies_under_it() -> None:
    web = made_by_scripts(link_graph(seed=3, sites=1, pages_per_site=4, links_per_page=2))
    async with open_web(web) as served, open_rendering("127.0.0.0/8") as fetcher:
        browsers = fetcher.browsers
        before = chromiums(browsers.pid)
        reading = asyncio.create_task(fetcher.fetch(Request(Url(served.seeds[0]))))
        while not any(
            "--type=renderer" in " ".join(one.cmdline()) for one in chromiums(browsers.pid) if one.is_running()
        ):
            await asyncio.sleep(0.01)
        os.killpg(os.getpgid(before[0].pid), signal.SIGKILL)
        response = await reading
        assert browsers.figures.started == 2
        assert response.rendered
        assert response.rendered.html
        assert not any(one.is_running() for one in before)


@needs_chromium
@pytest.mark.slow
async def test_a_killed_crawl_leaves_no_browser_and_no_file(tmp_path: Path) -> None:
    web = made_by_scripts(link_graph(seed=3, sites=1, pages_per_site=30, links_per_page=4))
    async with open_web(web) as served:
        command = [
            str(CRAWL),
            served.seeds[0],
            "-o",
            str(tmp_path / "out"),
            "--render",
            "always",
            "--allow-network",
            "127.0.0.0/8",
        ]
        spare = Path(tempfile.mkdtemp(prefix="sp-"))  # a name short enough for a socket's address
        environ = {**os.environ, "TMPDIR": str(spare)}
        crawl = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - at once
        try:
            while len(served.hits) < 4 and crawl.poll() is None:
                await asyncio.sleep(0.05)
            family = psutil.Process(crawl.pid).children(recursive=True)
            assert any("chrom" in one.name() for one in family)
        finally:
            crawl.kill()
            crawl.wait()
        _, alive = await asyncio.to_thread(psutil.wait_procs, family, 20)
        assert alive == []
        assert list(spare.glob("crawld-*")) == []
        await asyncio.to_thread(shutil.rmtree, spare)


@needs_chromium
@pytest.mark.slow
async def test_a_browser_is_replaced_after_its_pages_without_a_page_lost() -> None:
    web = made_by_scripts(link_graph(seed=3, sites=1, pages_per_site=9, links_per_page=4))
    render: dict[str, Any] = {"mode": "always", "browser_pages": 2}
    async with (
        open_web(web) as served,
        crawler.stream(served.seeds, **(QUICK | {"per_site": 2, "render": render})) as outcomes,
    ):
        titles = {outcome.url.text: outcome.page and outcome.page.title async for outcome in outcomes}
        assert titles == {url: served.web.expected(url).title for url in served.web.reachable()}


def broken_browser(folder: Path, script: str) -> str:
    path = folder / "chromium"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"browser": "/no/such/browser"}, "render.browser: '/no/such/browser' is no program"),
        ({"browser": "chromium-of-mine"}, "is no program that can be run"),
    ],
)
async def test_a_browser_that_is_not_there_is_said_before_anything_is_fetched(
    settings: dict[str, str], words: str
) -> None:
    async with open_web(link_graph(seed=1, sites=1, pages_per_site=2, links_per_page=1)) as served:
        with pytest.raises(ConfigError, match=words):
            await crawler.crawl(served.seeds, **(QUICK | {"render": {"mode": "auto", **settings}}))
        assert served.hits == []


async def test_a_browser_that_dies_at_once_is_said_with_its_last_word(tmp_path: Path) -> None:
    browser = broken_browser(tmp_path, "echo 'error while loading shared libraries: libnss3.so' >&2; exit 127")
    async with open_web(link_graph(seed=1, sites=1, pages_per_site=2, links_per_page=1)) as served:
        command = [
            str(CRAWL),
            served.seeds[0],
            "-o",
            str(tmp_path / "out"),
            "--render",
            "auto",
            "--set",
            f"render.browser={browser}",
        ]
        told = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
        assert told.returncode == 2
        assert "does not start: error while loading shared libraries: libnss3.so" in told.stderr
        assert len([line for line in told.stderr.splitlines() if line]) == 1
        assert served.hits == []
