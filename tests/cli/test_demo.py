"""`crawl demo`: the first thing a newcomer runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import anyio
import pytest

from .conftest import CRAWL, Crawl

PORT = f"{10_000 + os.getpid() % 20_000}"
"""Of this process: below those that systems give away, so that it is still free when the demo goes on."""


@pytest.mark.long
@pytest.mark.slow
async def test_a_demo_shows_the_whole_way_and_goes_on_where_it_was_stopped(crawl: Crawl, tmp_path: Path) -> None:
    pages = tmp_path / "demo.crawl" / "pages.jsonl"
    command = [CRAWL, "demo", "--delay", "0.05", "--port", PORT]
    async with await anyio.open_process(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
        with anyio.fail_after(30):
            while not pages.exists() or pages.stat().st_size < 20_000:
                await anyio.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 11

    ran = await crawl("demo", "--delay", "0", "--port", PORT)
    assert ran.code == 0
    assert "continuing demo.crawl" in ran.err
    assert "finished: " in ran.err
    assert "what to look at next" in ran.err
    ran = await crawl("prove", "demo.crawl")
    assert (ran.code, "all sites were treated as they should" in ran.out) == (0, True), ran.out
    records = [json.loads(line) for line in pages.read_text("utf-8").splitlines()]
    assert len({record["url"] for record in records}) == len(records) > 300
    assert {record["disposition"] for record in records} == {"fetched", "redirected", "excluded", "failed", "duplicate"}
