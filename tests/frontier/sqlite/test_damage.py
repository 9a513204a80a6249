"""A frontier's file that was damaged anywhere: it says so and changes nothing, or it is whole; it never begins anew."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from crawler.errors import FrontierError
from crawler.frontier import Recorded
from crawler.frontier.sqlite import repair
from crawler.model import Page
from tests.frontier.conftest import HandClock, fetched, lend, lend_one, links, opened, pages

SEED = 20261122
KNOWN = 400


@pytest.fixture
async def path(tmp_path: Path, clock: HandClock) -> Path:
    """A frontier of some pages, a few of them visited, with part of it in the log: its process was killed."""
    here, killed = tmp_path / "here" / "frontier.sqlite", tmp_path / "frontier.sqlite"
    here.parent.mkdir()
    async with opened(here, clock, per_site=9) as frontier:
        await frontier.add(pages("a", *range(KNOWN // 2)))
        lease = await lend_one(frontier)
        news = links(frontier.key, *(f"http://b/{n}" for n in range(KNOWN // 2)))
        await frontier.settle([fetched(lease, clock, page=Page(b"d" * 32, news=news))], {"sink": {"file": 1}})
    async with opened(here, clock, per_site=9) as frontier:
        frontier.hold("http://b")  # which site is first hangs on the file's key
        await frontier.settle([fetched(await lend_one(frontier), clock)], {"sink": {"file": 2}})
        shutil.copy(here, killed)
        shutil.copy(f"{here}-wal", f"{killed}-wal")
    return killed


async def is_refused_or_whole(path: Path, clock: HandClock) -> bool:
    """Whether it was refused; if not, all is there that was ever known, and SQLite finds no fault."""
    try:
        async with opened(path, clock, per_site=9) as frontier:
            counts = frontier.counts()
            await lend(frontier, 9)
    except FrontierError as error:
        return path.name in str(error)
    assert counts.known == KNOWN
    assert counts.queued + sum(counts.settled.values()) == KNOWN
    return False


@pytest.mark.parametrize("part", range(4))
async def test_cut_off_anywhere(path: Path, clock: HandClock, part: int) -> None:
    dice = Random(f"{SEED}-cut-{part}")
    whole = path.read_bytes()
    for _ in range(12):
        at = dice.randrange(len(whole))
        path.write_bytes(whole[:at])
        assert await is_refused_or_whole(path, clock), f"cut off at {at}"
        path.write_bytes(whole)


@pytest.mark.parametrize("part", range(4))
async def test_written_over_anywhere(path: Path, clock: HandClock, part: int) -> None:
    dice = Random(f"{SEED}-over-{part}")
    whole, log = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    for _ in range(12):
        at, size = dice.randrange(len(whole)), dice.choice((1, 16, 4096, 20_000))
        path.write_bytes(whole[:at] + dice.randbytes(size) + whole[at + size :])
        Path(f"{path}-wal").write_bytes(log)
        await is_refused_or_whole(path, clock)


async def test_a_log_cut_off_anywhere_costs_what_was_not_settled_at_most(path: Path, clock: HandClock) -> None:
    dice = Random(f"{SEED}-log")
    whole, log = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    for at in (0, 10, *(dice.randrange(len(log)) for _ in range(10))):
        path.write_bytes(whole)
        Path(f"{path}-wal").write_bytes(log[:at])
        assert not await is_refused_or_whole(path, clock)


async def test_without_its_log_it_is_as_it_was_before(path: Path, clock: HandClock) -> None:
    os.unlink(f"{path}-wal")
    async with opened(path, clock) as frontier:
        assert await frontier.positions() in ({"sink": {"file": 1}}, {"sink": {"file": 2}})


async def test_what_sqlite_itself_finds_broken_is_refused_before_anything_is_lent(path: Path, clock: HandClock) -> None:
    async with opened(path, clock):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM queue WHERE id % 7 = 0")
        connection.commit()
    with pytest.raises(FrontierError, match=r"is damaged .*queue"):
        async with opened(path, clock):
            pass


# -- repair ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_what_can_be_read_of_a_damaged_file_goes_on(path: Path, clock: HandClock) -> None:
    dice = Random(f"{SEED}-repair")
    whole, log = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    visited = [Recorded(text, 0, "fetched", 200, 1, 0.0, None) for text in ("http://a/0", "http://a/1")]
    repaired = 0
    for _ in range(10):
        at = dice.randrange(len(whole))
        for left in path.parent.glob("frontier.sqlite*"):
            left.unlink()
        path.write_bytes(whole[:at] + dice.randbytes(4096) + whole[at + 4096 :])
        Path(f"{path}-wal").write_bytes(log)
        damaged = path.read_bytes()
        try:
            done = await asyncio.to_thread(repair, path, lambda positions: visited)
        except FrontierError:
            assert path.read_bytes() == damaged, "what cannot be repaired stays as it is"
            continue
        repaired += 1
        assert done.damaged.read_bytes() == damaged
        assert done.known == done.queued + done.visited
        assert done.known + done.lost <= KNOWN
        async with opened(path, clock, per_site=KNOWN) as frontier:
            counts, leases = frontier.counts(), await lend(frontier, KNOWN)
            assert (counts.known, counts.queued) == (done.known, done.queued)
            assert len({lease.request.url.text for lease in leases}) == done.queued
            assert not {lease.request.url.text for lease in leases} & {visit.text for visit in visited}
            assert await frontier.add([lease.request for lease in leases]) == 0
    assert repaired >= 4


async def test_a_file_without_damage_is_the_same_after_a_repair(path: Path, clock: HandClock) -> None:
    visited = [Recorded(text, 0, "fetched", 200, 1, 0.0, None) for text in ("http://a/0", "http://a/1")]
    done = await asyncio.to_thread(
        repair, path, lambda positions: visited if positions == {"sink": {"file": 2}} else []
    )
    assert (done.known, done.queued, done.visited, done.lost) == (KNOWN, KNOWN - 2, 2, 0)
    async with opened(path, clock) as frontier:
        assert await frontier.positions() == {"sink": {"file": 2}}
        assert frontier.counts().settled == {"fetched": 2}
