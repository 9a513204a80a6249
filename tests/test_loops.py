"""Several event loops crawl one folder: whoever is killed, every page is in the output once, and sites rest."""

from __future__ import annotations

from pathlib import Path
from random import Random

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
