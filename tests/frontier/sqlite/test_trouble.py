"""How a frontier on disk takes trouble: killed, truncated, full, in use, not ours; it says so, and loses nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any, NoReturn

import anyio
import pytest

from crawler.errors import FrontierError, StorageFull, Unwritable
from crawler.frontier import SqliteFrontier, open_sqlite
from crawler.frontier.sqlite.file import translate_errors
from crawler.model import Disposition, Page, Request, Url
from tests.defaults import make_terms
from tests.frontier.conftest import HandClock, fetched, lend, lend_one, links, opened, pages


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frontier.sqlite"


# -- saying that it cannot -------------------------------------------------------------------------------------------


async def test_a_second_writer_is_told_so(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        with pytest.raises(FrontierError, match=r"in use by another process"):
            async with opened(path, clock):
                pass
        await frontier.add(pages("a", 1))


@pytest.mark.slow
async def test_another_process_is_told_so(path: Path, clock: HandClock) -> None:
    async with opened(path, clock):
        answer = await asyncio.to_thread(run_child, OPEN, str(path))
    assert "FrontierError" in answer.stderr
    assert "in use by another process" in answer.stderr


OPEN = """
import asyncio, sys
from pathlib import Path
from tests.defaults import make_terms, open_sqlite

async def main():
    async with open_sqlite(Path(sys.argv[1]), make_terms()):
        pass

asyncio.run(main())
"""


async def filled(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add(pages("a", *range(3000)))


@pytest.mark.parametrize("left", [0, 10, 100, 4096, 0.5, 0.99])
async def test_a_truncated_file_is_damaged_and_stays_as_it_is(path: Path, clock: HandClock, left: float) -> None:
    await filled(path, clock)
    size = path.stat().st_size
    os.truncate(path, int(left * size) if 0 < left < 1 else int(left))
    before = path.read_bytes()
    with pytest.raises(FrontierError, match=r"frontier.sqlite (is damaged .*--fresh|is not a crawl's)"):
        async with opened(path, clock):
            pass
    assert path.read_bytes() == before


async def test_a_file_that_is_damaged_inside_says_so_at_first_use_at_the_latest(path: Path, clock: HandClock) -> None:
    await filled(path, clock)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    with pytest.raises(FrontierError, match=r"is damaged .*restore it"):
        async with opened(path, clock) as frontier:
            await lend(frontier, 9)


async def test_a_table_that_lost_rows_is_noticed(path: Path, clock: HandClock) -> None:
    await filled(path, clock)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM seen WHERE first = 1")
        connection.commit()
    with pytest.raises(FrontierError, match=r"is damaged .*fingerprints"):
        async with opened(path, clock):
            pass


async def test_a_file_that_is_not_ours_is_left_alone(path: Path, clock: HandClock) -> None:
    path.write_text("a shopping list\n" * 100)
    with pytest.raises(FrontierError, match="not a crawl's frontier"):
        async with opened(path, clock):
            pass
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE shopping (item)")
        connection.commit()
    with pytest.raises(FrontierError, match="another program's database"):
        async with opened(path, clock):
            pass


async def test_a_newer_layout_is_not_guessed_at(path: Path, clock: HandClock) -> None:
    async with opened(path, clock):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(FrontierError, match="layout 99"):
        async with opened(path, clock):
            pass


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path, clock: HandClock) -> None:
    with pytest.raises(FrontierError, match="nowhere"):
        async with opened(tmp_path / "nowhere" / "frontier.sqlite", clock):
            pass


async def test_a_full_disk_stops_the_frontier_and_loses_nothing_settled(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add(pages("a", *range(50)))
        await frontier.settle([fetched(await lend_one(frontier), clock)], {"sink": {"file": 1}})
    async with opened(path, clock) as frontier:
        frontier._disk._tables._connection.execute("PRAGMA max_page_count = 20")  # a very small disk
        lease = await lend_one(frontier)
        many = links(frontier.key, *(f"http://b/{'x' * 100}{n}" for n in range(3000)))
        for call in (
            frontier.settle([fetched(lease, clock, page=Page(b"", news=many))], {"sink": {"file": 2}}),
            frontier.lease(1),
            frontier.add(pages("c", 1)),
            frontier.wait(),
        ):
            with pytest.raises(StorageFull, match=r"no space left .*run the same command again"):
                await call
    async with opened(path, clock) as frontier:
        assert frontier.counts().known == 50
        assert frontier.counts().queued == 49
        assert await frontier.positions() == {"sink": {"file": 1}}


async def test_a_settle_that_is_cancelled_is_stored_all_the_same(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add(pages("a", 1))
        outcome = fetched(await lend_one(frontier), clock)
        settling = asyncio.ensure_future(frontier.settle([outcome], {"sink": {"file": 1}}))
        await asyncio.sleep(0)
        settling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await settling
    async with opened(path, clock) as frontier:
        assert await frontier.positions() == {"sink": {"file": 1}}
        assert frontier.counts().settled == {Disposition.FETCHED: 1}


# -- kill -9 ---------------------------------------------------------------------------------------------------------

CRAWL = """
import asyncio, sys
from pathlib import Path
from crawler import urls
from tests.defaults import make_terms, open_sqlite
from crawler.model import *

def links(key, n):
    texts = [f"http://s{(n + i) % 5}/{n * 2 + i}" for i in (1, 2)]
    packed = b"".join(urls.fingerprint(text, key).to_bytes(8, "little") for text in texts)
    return Links("\\n".join(texts), packed)

async def main():
    async with open_sqlite(Path(sys.argv[1]), make_terms(per_site=2), most_entries=30, most_sites=3) as frontier:
        await frontier.add([Request(Url("http://s0/0"))])
        written = (await frontier.positions()).get("log", {}).get("log", 0)
        with open(sys.argv[2], "r+b") as log:
            log.truncate(written)
            log.seek(written)
            while True:
                leases = await frontier.lease(4)
                if not leases:
                    await frontier.wait()
                    continue
                outcomes = []
                for lease in leases:
                    log.write(lease.request.url.text.encode() + b"\\n")
                    page = Page(b"", news=links(frontier.key, int(lease.request.url.text.rsplit("/", 1)[1])))
                    outcomes.append(Outcome(lease, Disposition.FETCHED, page=page))
                log.flush()
                await frontier.settle(outcomes, {"log": {"log": log.tell()}})
                print("settled", flush=True)

asyncio.run(main())
"""


def run_child(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def crawl_and_kill(path: Path, log: Path, after_s: float) -> None:
    """Killed so long after the first settle: it does not matter where that is."""
    with subprocess.Popen([sys.executable, "-c", CRAWL, str(path), str(log)], stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdout.readline() == b"settled\n"
        time.sleep(after_s)
        child.kill()


@pytest.mark.long
@pytest.mark.slow
async def test_after_kill_9_file_and_positions_agree(path: Path, clock: HandClock) -> None:
    log = path.with_name("log")
    log.touch()
    for after_s in (0.0, 0.013, 0.031, 0.002, 0.05):
        await asyncio.to_thread(crawl_and_kill, path, log, after_s)
        copy = path.with_name("copy.sqlite")
        shutil.copy(path, copy)
        shutil.copy(f"{path}-wal", f"{copy}-wal")
        async with opened(copy, clock) as frontier:
            settled = (await frontier.positions())["log"]["log"]
            visited = log.read_bytes()[:settled].decode().splitlines()
            counts = frontier.counts()
            assert len(visited) == len(set(visited)) == counts.settled[Disposition.FETCHED]
            assert counts.known == len(visited) + counts.queued
            for text in visited[-20:]:
                known = await frontier.find(Url(text))
                assert known
                assert known.standing == "done"
            expected = {"http://s0/0"} | {child for text in visited for child in children(text)}
            assert counts.known == len(expected)
        for left in path.parent.glob("copy.sqlite*"):
            left.unlink()


def children(text: str) -> list[str]:
    n = int(text.rsplit("/", 1)[1])
    return [f"http://s{(n + i) % 5}/{n * 2 + i}" for i in (1, 2)]


async def test_a_kill_while_the_file_is_made_leaves_none(path: Path, clock: HandClock) -> None:
    """What a killed creation leaves bears another name, and is swept away by the next."""
    path.with_name("frontier.sqlite.new").write_bytes(b"half of it")
    async with opened(path, clock) as frontier:
        assert await frontier.add([Request(Url("http://a/"))]) == 1
    assert [file.name for file in path.parent.iterdir()] == ["frontier.sqlite"]


def test_a_file_that_cannot_be_written_any_more_is_said_as_such(path: Path) -> None:
    sqlite3.connect(path).close()
    message = r"frontier.sqlite cannot be written .*run the same command again"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        with pytest.raises(Unwritable, match=message), translate_errors(path):
            connection.execute("CREATE TABLE t (x)")


# -- bugs ------------------------------------------------------------------------------------------------------------


def fail(*arguments: object) -> NoReturn:
    raise ZeroDivisionError


async def visit_all(frontier: SqliteFrontier, clock: HandClock) -> None:
    while await frontier.wait():
        await frontier.settle([fetched(lease, clock) for lease in await frontier.lease(8)], {})


@pytest.mark.parametrize("where", ["_disk._tables.load", "_disk._tables.unshelve", "_ledger.arrivals.take_load"])
async def test_a_bug_while_requests_are_brought_in_ends_the_wait_for_them(
    path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    async with open_sqlite(
        path, make_terms(rest_s=0.0), durability="process", clock=clock.both, most_sites=2, most_entries=4
    ) as frontier:
        await frontier.add(page for site in "abcd" for page in pages(site, *range(20)))
        *way, name = where.split(".")
        monkeypatch.setattr(reduce(getattr, way, frontier).__class__, name, fail)
        with anyio.fail_after(60), pytest.raises(ZeroDivisionError):
            await visit_all(frontier, clock)


async def test_a_change_that_a_bug_kept_from_the_disk_ends_the_run(
    path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add(pages("a", 1))
        monkeypatch.setattr(frontier._disk._tables.__class__, "apply", fail)
        with pytest.raises(ZeroDivisionError):
            await frontier.add(pages("a", 2))
        with pytest.raises(ZeroDivisionError):
            await frontier.lease(1)


# -- second looks ----------------------------------------------------------------------------------------------------

NO_ROW = 1 << 70
"""No row of a table has this number, and to ask for it fails."""


@pytest.mark.parametrize("asked", [{"repeats": (NO_ROW,)}, {"checks": (NO_ROW,)}])
async def test_a_second_look_that_fails_ends_and_those_behind_it_are_taken(
    path: Path, clock: HandClock, asked: dict[str, Any]
) -> None:
    async with opened(path, clock, per_site=2) as frontier:
        await frontier.add(pages("a", 1, 2))
        first, second = await lend(frontier, 2)
        await frontier.settle([replace(fetched(first, clock), **asked)], {})
        with anyio.fail_after(60):
            await frontier.settle([replace(fetched(second, clock), repeats=(first.token,))], {})
            assert await frontier.wait()
            again = await lend_one(frontier)
            assert again.token == first.token
            await frontier.settle([fetched(again, clock)], {})
            assert not await frontier.wait()


async def test_a_second_look_that_is_given_up_ends(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add(pages("a", 1))
        lease = await lend_one(frontier)
        outcome = replace(fetched(lease, clock), checks=(lease.token,))
        await asyncio.gather(frontier.settle([outcome], {}), give_up(frontier))
        with anyio.fail_after(60):
            while await frontier.wait():
                await frontier.settle([fetched(await lend_one(frontier), clock)], {})


async def give_up(frontier: SqliteFrontier) -> None:
    for coming in list(frontier._coming):
        coming.cancel()
