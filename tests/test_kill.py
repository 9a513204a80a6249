"""`kill -9` is a supported way to stop: killed at any moment and started again, a crawl loses and repeats nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from crawler.testing import Served, link_graph, open_web

CRAWL = Path(sys.executable).with_name("crawl")
PAGES = 400
ROUNDS = 12
CONCURRENCY = 16
REVISIT = ("--revisit", "0s")
"""Every run visits all pages once more."""
SEED = 20261122
"""Of the moments of death: another number, other moments."""


@pytest.mark.parametrize("whom", ["group", "main"])
async def test_killed_again_and_again_every_page_is_in_the_output_once(tmp_path: Path, whom: str) -> None:
    moments = random.Random(f"{SEED}-{whom}")
    folder = tmp_path / "crawl"
    async with open_web(link_graph(seed=7, sites=4, pages_per_site=PAGES // 4, links_per_page=12)) as served:
        kills = 0
        rounds = ROUNDS if whom == "group" else 3
        most = 2 * PAGES // rounds
        while kills < rounds and not await finishes(served, folder, whom, within=moments.randint(1, most)):
            kills += 1
            assert_no_record_is_torn_or_double(folder)
        assert kills >= rounds // 2, "the crawl was over before it could be killed"
        assert await finishes(served, folder, whom)
        urls = assert_no_record_is_torn_or_double(folder)
        assert urls == served.web.reachable()

        asked = served.counts(robots=False)
        again = sum(asked.values()) - len(asked)
        assert set(asked) == urls
        assert again <= kills * in_flight_at_most()

        before = len(served.hits)
        assert await finishes(served, folder, whom)
        assert len(served.hits) == before, "a finished crawl asked again"


async def test_killed_amid_revisits_every_visit_is_in_the_output_once(tmp_path: Path) -> None:
    moments = random.Random(SEED)
    folder = tmp_path / "crawl"
    graph = link_graph(seed=7, sites=4, pages_per_site=10, links_per_page=6)
    async with open_web(graph) as served:
        assert await finishes(served, folder, "group", revisit=True)
        kills = 0
        for _ in range(6):
            kills += not await finishes(served, folder, "group", within=moments.randint(1, 60), revisit=True)
            assert_visits_are_whole(folder, torn=1)
        assert kills >= 3, "the crawl was over before it could be killed"
        assert await finishes(served, folder, "group", revisit=True)
        visits = assert_visits_are_whole(folder)
        assert set(visits) == served.web.reachable()
        assert min(visits.values()) >= 2
        again = sum(served.counts(robots=False).values()) - sum(visits.values())
        assert again <= kills * in_flight_at_most()


def assert_visits_are_whole(folder: Path, torn: int = 0) -> Counter[str]:
    """Each URL's visits are numbered without a gap and without a repetition; how many there are."""
    lines = (folder / "pages.jsonl").read_bytes().splitlines(keepends=True)
    whole = [json.loads(line) for line in lines if line.endswith(b"\n")]
    assert len(lines) - len(whole) <= torn
    visits = Counter[str](record["url"] for record in whole)
    numbered = sorted((record["url"], record["visit"]) for record in whole)
    assert numbered == sorted((url, visit) for url, n in visits.items() for visit in range(1, n + 1))
    return visits


def in_flight_at_most() -> int:
    """What may be under way at a kill: visits, and outcomes recorded but not settled."""
    return CONCURRENCY


def assert_no_record_is_torn_or_double(folder: Path) -> set[str]:
    """Settled records, that is all but the tail that the next start cuts off; the set of their URLs."""
    path = folder / "pages.jsonl"
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    whole = [json.loads(line) for line in lines if line.endswith(b"\n")]
    assert len(lines) - len(whole) <= 1
    urls = [record["url"] for record in whole]
    assert len(urls) == len(set(urls))
    return set(urls)


async def finishes(
    served: Served, folder: Path, whom: str, within: int | None = None, *, revisit: bool = False
) -> bool:
    """Run the command; kill it once the server saw `within` more requests. Whether it came to its own end, exit code 0.

    Counted in requests, not seconds: a death while starting, or after the end, would say nothing, and where it falls
    between fetch, record and settlement is left to chance.
    """
    process = await anyio.open_process(
        [*command(served.seeds, folder), *(REVISIT if revisit else ())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    async with process:
        assert process.stderr is not None
        async with anyio.create_task_group() as tasks:
            if within is not None:
                tasks.start_soon(kill_after, process.pid, whom, served, within)
            assert process.stderr is not None
            with anyio.fail_after(120):
                said = b"".join([chunk async for chunk in process.stderr])
                code = await process.wait()
            tasks.cancel_scope.cancel()
    assert code in (0, -signal.SIGKILL), said.decode()
    return code == 0


async def kill_after(pid: int, whom: str, served: Served, more: int) -> None:
    seen = len(served.hits)
    while len(served.hits) < seen + more:
        await anyio.sleep(0.001)
    kill(pid, whom)


def kill(pid: int, whom: str) -> None:
    """The whole process group at once, or the main process alone: its workers must follow it."""
    if whom == "group":
        os.killpg(pid, signal.SIGKILL)
    else:
        os.kill(pid, signal.SIGKILL)


def command(seeds: Sequence[str], folder: Path) -> list[str]:
    politeness = ("--delay", "0", "--per-site", "4", "--concurrency", str(CONCURRENCY))
    scope = ("--reach", "any", "--allow-network", "127.0.0.0/8")
    return [str(CRAWL), *seeds, "-o", str(folder), *politeness, *scope, "-q"]
