"""What only a frontier on disk can promise: it comes back as it was, and says so when it cannot."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from typing import Any

import pytest

from crawler.errors import FrontierError, StorageFull
from crawler.frontier import SqliteFrontier, Terms, open_sqlite
from crawler.model import Disposition, Outcome, Page, Reason, Request, Url
from tests.frontier.conftest import HandClock, deferred, fetched, lend, lend_one, links, pages, request, texts


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frontier.sqlite"


def opened(path: Path, clock: HandClock, **terms: Any) -> AbstractAsyncContextManager[SqliteFrontier]:
    return open_sqlite(path, Terms(**terms), clock=clock.both)


# -- coming back -----------------------------------------------------------------------------------------------------


async def test_queue_key_counts_and_positions_come_back(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        key = frontier.key
        await frontier.add([*pages("a", *range(5)), *pages("b", 1)])
        lease = await lend_one(frontier)
        found = Page(b"x" * 32, news=links(key, "http://c/", "http://a/1"))
        await frontier.settle([fetched(lease, clock, page=found)], {"jsonl": {"pages.jsonl": 7}})
        before = frontier.counts()
    async with opened(path, clock) as frontier:
        assert frontier.key == key
        assert len(key) == 16
        assert frontier.counts() == before
        assert await frontier.positions() == {"jsonl": {"pages.jsonl": 7}}
        assert sorted(texts(await lend(frontier, 9))) == ["http://a/1", "http://b/1", "http://c/"]
        assert await frontier.add(pages("a", 0, 1)) == 0


async def test_what_was_out_on_lease_is_queued_again(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add(pages("a", 1, 2))
        await lend_one(frontier)
    async with opened(path, clock) as frontier:
        assert frontier.counts().leased == 0
        assert texts(await lend(frontier, 9)) == ["http://a/1"]


async def test_a_request_comes_back_whole(path: Path, clock: HandClock) -> None:
    origin = {"via": Url("http://v/"), "seed": Url("http://s/"), "root": Url("http://r/")}
    whole = request("http://a/x", depth=3, priority=-2, redirects=1, **origin)
    async with opened(path, clock) as frontier:
        await frontier.add([whole])
    async with opened(path, clock) as frontier:
        assert (await lend_one(frontier)).request == whole


async def test_turns_survive_a_restart(path: Path, clock: HandClock) -> None:
    async with opened(path, clock, per_site=2) as frontier:
        await frontier.add([*pages("a", *range(9)), *pages("done", 1)])
        a, done, other = await lend(frontier, 3)
        await frontier.settle([fetched(lease, clock, rest_s=30) for lease in (a, done, other)], {})
    clock.move(10)
    async with opened(path, clock, per_site=2) as frontier:
        await frontier.add(pages("done", 2))
        assert await lend(frontier, 9) == []
        clock.move(19.9)
        assert await lend(frontier, 9) == []
        clock.move(0.2)
        assert len(await lend(frontier, 9)) == 3


async def test_setbacks_survive_a_restart_with_their_wait_and_their_attempts(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add([*pages("a", 1), *pages("b", 1)])
        a, b = await lend(frontier, 2)
        await frontier.settle([deferred(a, clock, 30), deferred(b, clock, 10)], {})
    clock.move(20)
    async with opened(path, clock) as frontier:
        assert frontier.counts().retrying == 2
        assert frontier.counts().sites == 2
        [lease] = await lend(frontier, 9)
        assert (lease.request.url.text, lease.request.attempt) == ("http://b/1", 2)
        clock.move(10)
        [lease] = await lend(frontier, 9)
        assert (lease.request.url.text, lease.request.attempt) == ("http://a/1", 2)
    async with opened(path, clock) as frontier:
        assert [lease.request.attempt for lease in await lend(frontier, 9)] == [2, 2]


async def test_claims_survive_a_restart_once_their_page_is_settled(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add([*pages("a", 1), *pages("b", 1), *pages("c", 1)])
        a, b, _ = await lend(frontier, 3)
        await frontier.claim(b"settled" + b"x" * 25, a)
        await frontier.claim(b"lost" + b"x" * 28, b)
        await frontier.settle([fetched(a, clock, page=Page(b"settled" + b"x" * 25))], {})
    async with opened(path, clock) as frontier:
        c, d = await lend(frontier, 2)
        assert await frontier.claim(b"settled" + b"x" * 25, c) == Url("http://a/1")
        assert await frontier.claim(b"lost" + b"x" * 28, d) == d.request.url


async def test_another_order_holds_for_what_was_queued_before(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add([request("http://a/deep", depth=2, priority=-1), request("http://a/flat", depth=1)])
    async with opened(path, clock, in_depth_order=True) as frontier:
        assert texts([await lend_one(frontier)]) == ["http://a/flat"]
    async with opened(path, clock) as frontier:
        assert texts([await lend_one(frontier)]) == ["http://a/deep"]


async def test_a_long_queue_is_lent_whole_and_in_order_though_little_of_it_is_in_memory(
    path: Path, clock: HandClock
) -> None:
    async with open_sqlite(path, Terms(per_site=8), clock=clock.both, most_entries=64) as frontier:
        await frontier.add(pages("a", *range(2000)))
        lent: list[str] = []
        while leases := await frontier.lease(8):
            lent += texts(leases)
            await frontier.settle([fetched(lease, clock) for lease in leases], {})
    assert lent == [f"http://a/{n}" for n in range(2000)]


async def test_more_sites_than_fit_in_memory_all_have_their_turn(path: Path, clock: HandClock) -> None:
    everything = {f"http://s{site}/{n}" for site in range(60) for n in range(9)}
    async with open_sqlite(path, Terms(), clock=clock.both, most_sites=7, most_entries=40) as frontier:
        await frontier.add(request(text) for text in sorted(everything))
        lent: list[str] = []
        early = set[str]()
        while frontier.counts().queued:
            leases = await frontier.lease(4)
            lent += texts(leases)
            early |= {lease.request.url.site for lease in leases} if len(lent) < 400 else set()
            await frontier.settle([fetched(lease, clock, rest_s=1) for lease in leases], {})
            clock.move(0.5)
        assert not await frontier.wait()
    assert sorted(lent) == sorted(everything)
    assert len(early) == 60, "nobody waits until the others are done"


async def test_the_file_can_be_asked_about_a_url(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        await frontier.add(pages("a", 1, 9))
        seed = await lend_one(frontier)
        page = Page(b"", news=links(frontier.key, "http://b/", "http://c/"))
        await frontier.settle([fetched(seed, clock, page=page)], {})
        b, c = (lease for lease in await lend(frontier, 9) if lease.request.depth)
        await frontier.settle([deferred(c, clock, 60, Reason.DNS)], {})
        assert await frontier.find(Url("http://nowhere/")) is None
        known = await frontier.find(seed.request.url)
        assert known
        assert (known.standing, known.disposition, known.status, known.attempts) == ("done", "fetched", 200, 1)
        known = await frontier.find(b.request.url)
        assert known
        assert (known.standing, known.depth, known.via) == ("leased", 1, (Url("http://a/1"),))
        known = await frontier.find(c.request.url)
        assert known
        assert (known.standing, known.reason, known.attempts) == ("waiting", Reason.DNS, 1)
        duplicate = Outcome(b, Disposition.DUPLICATE, Reason.DUPLICATE, "same", duplicate_of=seed.request.url)
        await frontier.settle([duplicate], {})
        known = await frontier.find(b.request.url)
        assert known
        assert (known.standing, known.reason, known.detail) == ("done", Reason.DUPLICATE, "same")
        assert known.duplicate_of == seed.request.url
        found = await frontier.find(Url("http://a/9"))
        assert found
        assert found.standing == "leased"


# -- saying that it cannot -------------------------------------------------------------------------------------------


async def test_a_second_writer_is_told_so(path: Path, clock: HandClock) -> None:
    async with opened(path, clock) as frontier:
        with pytest.raises(FrontierError, match=r"in use by another process"):
            async with opened(path, clock):
                pass
        await frontier.add(pages("a", 1))


async def test_another_process_is_told_so(path: Path, clock: HandClock) -> None:
    async with opened(path, clock):
        answer = await asyncio.to_thread(run_child, OPEN, str(path))
    assert "FrontierError" in answer.stderr
    assert "in use by another process" in answer.stderr


OPEN = """
import asyncio, sys
from pathlib import Path
from crawler.frontier import Terms, open_sqlite

async def main():
    async with open_sqlite(Path(sys.argv[1]), Terms()):
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
from crawler.frontier import Terms, open_sqlite
from crawler.model import *

def links(key, n):
    texts = [f"http://s{(n + i) % 5}/{n * 2 + i}" for i in (1, 2)]
    packed = b"".join(urls.fingerprint(text, key).to_bytes(8, "little") for text in texts)
    return Links("\\n".join(texts), packed)

async def main():
    async with open_sqlite(Path(sys.argv[1]), Terms(per_site=2), most_entries=30, most_sites=3) as frontier:
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
