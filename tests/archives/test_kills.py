"""A replay that is killed at any moment goes on where it was: every record is there once."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import anyio
import pytest

from tests.warc.samples import answer, members, record

CRAWL = str(Path(sys.executable).with_name("crawl"))
PAGES = 400
KILLS = (1, 60, 200)
"""Records after which the crawl is killed."""


@pytest.mark.slow
async def test_a_replay_survives_kills_and_every_record_is_there_once(tmp_path: Path) -> None:
    sites = [f"http://{name}.example/" for name in "abcd"]
    pages = [record("response", answer(b"<p>%d" % n), f"{sites[n % 4]}{n}") for n in range(PAGES)]
    (tmp_path / "x.warc.gz").write_bytes(members(pages))
    output = tmp_path / "x.crawl" / "pages.jsonl"
    command = [CRAWL, "replay", "x.warc.gz", "-o", "x.crawl", "-q", "--per-site", "1", "--set", "executor=inline"]
    killed = 0
    for least in KILLS:
        async with await anyio.open_process(command, cwd=tmp_path) as process:
            with anyio.fail_after(60):
                while process.returncode is None and _count(output) < least:
                    await anyio.sleep(0.005)
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            killed += await process.wait() < 0
    assert killed >= 2
    assert (await anyio.run_process(command, cwd=tmp_path)).returncode == 0
    urls = [json.loads(line)["url"] for line in output.read_bytes().splitlines()]
    assert sorted(urls) == sorted(f"{sites[n % 4]}{n}" for n in range(PAGES))


def _count(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0
