"""The verdict of a check is that of the site, whatever failed for a moment."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from crawler import CheckVerdict, Config, Gate, Others, Url, check_site
from crawler.settings.loading import amend
from crawler.testing import Served, open_web

from .webs import web

FAST: dict[str, Any] = {
    "preset": "audit",
    "delay_s": 0.0,
    "retry_delay_s": 0.0,
    "allow_networks": ["127.0.0.0/8"],
    "executor": "inline",
    "adapt": "off",
}


async def test_a_web_that_fails_now_and_then_gets_the_same_verdict(tmp_path: Path) -> None:
    await compare_runs(tmp_path, range(2))


@pytest.mark.long
async def test_it_gets_the_same_verdict_in_many_runs(tmp_path: Path) -> None:
    await compare_runs(tmp_path, range(2, 30))


async def compare_runs(folder: Path, seeds: range) -> None:
    """Checks webs that fail one time in six, each seed in its own way, and compares with one that never does."""
    async with open_web(web()) as served:
        expected = keys(served, await check(served, folder / "well"))
        assert {url for code, url, _ in expected if code == "broken"} == {"~/gone", "~/old", "http://others.test/gone"}
    for seed in seeds:
        async with open_web(web(1 / 6, seed)) as served:
            assert keys(served, await check(served, folder / str(seed))) == expected, f"seed {seed}"


async def test_a_single_failure_is_no_finding_and_a_lasting_one_is(tmp_path: Path) -> None:
    async with open_web(web(1 / 2, 1)) as served:
        hasty = await check(served, tmp_path / "hasty", repeats=0)
        patient = await check(served, tmp_path / "patient", repeats=12)
    assert len(hasty.findings) != len(patient.findings)
    broken = {key.url.rpartition("/")[2] for key in patient.keys if key.code == "broken"}
    assert broken == {"gone", "old"}


async def test_repetitions_are_spaced_and_end_where_nothing_is_left_to_repeat(tmp_path: Path) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    async with open_web(web()) as served:
        await check(served, tmp_path / "a", repeats=3, pause_s=15.0, sleep=note)
    assert waits == [15.0, 30.0, 60.0]


async def test_good_answers_of_others_are_kept_and_failures_never(tmp_path: Path) -> None:
    others, path = Others(), tmp_path / "cache"
    async with open_web(web()) as served:
        first = await check(served, tmp_path / "a", others=others)
        asked = served.counts().total()
        others.write(path)
        again = Others()
        again.read(path)
        second = await check(served, tmp_path / "b", others=again)
        log = served.counts()
    assert second.keys == first.keys
    assert asked < log.total() < 2 * asked


async def check(served: Served, folder: Path, **chosen: Any) -> CheckVerdict:
    gate = Gate(**{"pause_s": 0.0, "repeats": 6, **chosen})
    seeds = [Url(seed) for seed in served.seeds]
    verdict = await check_site(seeds, amend(Config(), FAST), folder, gate)
    assert isinstance(verdict, CheckVerdict)
    return verdict


def keys(served: Served, verdict: CheckVerdict) -> list[tuple[str, str, str]]:
    """The keys of all findings, with the names of the web instead of its places, which differ from run to run."""
    other = served.url("others.test").rstrip("/")
    return [(key.code, key.url.replace(other, "http://others.test"), key.detail) for key in verdict.keys]
