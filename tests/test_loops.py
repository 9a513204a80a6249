"""Several event loops crawl one folder: whoever is killed, every page is in the output once, and sites rest."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from random import Random
from signal import SIGINT, SIGTERM, Signals

import pytest

from tests.hostile import kills
from tests.hostile.victim import troubled_web

pytestmark = pytest.mark.slow


async def test_two_loops_bring_every_page_once_and_the_folder_goes_on_with_one(tmp_path: Path) -> None:
    async with kills.victim(troubled_web(80, sites=8), tmp_path) as crawl:
        crawl.options = ("--loops", "2")
        await crawl.finishes()
        await kills.is_whole(crawl)
        assert not (crawl.folder / "segments").exists()
        crawl.options = ("--loops", "1")
        await crawl.finishes()
        await kills.is_whole(crawl)


@pytest.mark.long
async def test_loops_are_killed_one_by_one_and_nothing_is_lost(tmp_path: Path) -> None:
    async with kills.victim(troubled_web(240, sites=8), tmp_path) as crawl:
        crawl.options = ("--loops", "2")
        await kills.loops_are_killed(crawl, 4, Random(kills.SEED))


@pytest.mark.long
async def test_the_parent_is_killed_and_its_loops_end_by_themselves(tmp_path: Path) -> None:
    async with kills.victim(troubled_web(240, sites=8), tmp_path) as crawl:
        await kills.parents_of_loops_are_killed(crawl, 5, Random(kills.SEED))


@pytest.mark.long
async def test_a_page_limit_is_exact_over_all_loops_though_one_of_them_dies(tmp_path: Path) -> None:
    async with kills.victim(troubled_web(120, sites=8), tmp_path) as crawl:
        crawl.options = ("--loops", "2", "--limit", "50")

        async def kill(pid: int) -> None:
            await crawl.sees(20)
            crawl.kill(pid, "loop")

        code, said = await crawl.ends(kill=kill)
        assert code == 0, said
        assert sum(record["disposition"] == "fetched" for record in crawl.records()) == 50


@pytest.mark.long
async def test_a_signal_stops_all_loops_and_the_next_command_goes_on(tmp_path: Path) -> None:
    async with kills.victim(troubled_web(120, sites=8), tmp_path) as crawl:
        crawl.options = ("--loops", "2")
        for signal in (SIGINT, SIGTERM):

            async def stop(pid: int, signal: Signals = signal) -> None:
                await crawl.sees(15)
                os.kill(pid, signal)

            code, said = await crawl.ends(kill=stop)
            assert code == 11, said
        await kills.is_whole(crawl)


@pytest.mark.long
async def test_each_site_is_asked_for_its_robots_once_and_rests_between_visits(tmp_path: Path) -> None:
    async with kills.victim(troubled_web(64, sites=8), tmp_path, delay_s=0.3, per_site=1) as crawl:
        crawl.options = ("--loops", "3")
        await crawl.finishes()
        assert not crawl.lost()
        asked = Counter(hit.host for hit in crawl.served.hits if hit.path == "/robots.txt")
        assert set(asked.values()) == {1}
        assert crawl.least_pause_s() >= 0.3


@pytest.mark.parametrize(("option", "words"), [("--warc", "jsonl alone"), ("--json", "cannot use records on standard")])
async def test_outputs_that_loops_cannot_share_are_refused_before_there_is_a_folder(
    tmp_path: Path, option: str, words: str
) -> None:
    async with kills.victim(troubled_web(8, sites=1), tmp_path) as crawl:
        crawl.options = ("--loops", "2", option)
        code, said = await crawl.ends()
        assert (code, words in said) == (2, True), said
        assert not crawl.folder.exists()
