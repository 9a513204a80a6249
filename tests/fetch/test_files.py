"""Where open files are few: fewer connections at a time, and no page fails for it."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from crawler.errors import OutOfFiles
from crawler.fetch import files as file_room
from crawler.fetch.files import Files
from crawler.model import Reason, Request, Url
from tests.fetch.conftest import RawServer, Serve, Talk, ok, open_files, open_loopback

SITES = 150


class Connection:
    is_closed = False

    def close(self) -> None:
        self.is_closed = True


@contextmanager
def every_file_taken() -> Iterator[None]:
    """Not one more file can be opened."""
    gc.collect()  # what earlier tests left would free files meanwhile
    taken: list[int] = []
    try:
        with suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for file in taken:
            os.close(file)


def room_for(connections: int) -> Files:
    files = Files()
    files.room = connections
    files._most = float(connections)
    return files


async def test_so_many_are_inside_as_there_is_room_and_the_next_comes_in_its_turn() -> None:
    files = room_for(2)
    assert files.is_entered()
    assert files.is_entered()
    assert not files.is_entered()
    first, second = asyncio.create_task(files.enter()), asyncio.create_task(files.enter())
    await asyncio.sleep(0)
    files.leave()
    await first
    assert not second.done()
    second.cancel()
    await asyncio.sleep(0)
    files.leave()
    assert files.is_entered()


async def test_one_who_gave_up_as_its_turn_came_gives_it_on() -> None:
    files = room_for(1)
    assert files.is_entered()
    first, second = asyncio.create_task(files.enter()), asyncio.create_task(files.enter())
    await asyncio.sleep(0)
    files.leave()
    first.cancel()
    await second
    assert first.cancelled()


async def test_after_running_out_no_more_come_in_than_have_a_file_until_others_went(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(file_room, "PAUSES_S", (0.0, 0.0))
    files, idle, error = room_for(8), Connection(), OutOfFiles(Reason.CONNECT)
    assert [files.is_entered() for _ in range(6)] == [True] * 6
    files.open, files.idle[idle] = 4, None
    await files.run_out(error, 1)
    assert idle.is_closed
    for _ in range(3):
        assert not files.is_entered()
        files.leave()
    await files.run_out(error, 2)
    with pytest.raises(OutOfFiles):
        await files.run_out(error, 3)
    files.leave()
    for _ in range(60):
        assert files.is_entered()
        files.leave()
    assert [files.is_entered() for _ in range(7)] == [True] * 6 + [False]  # two were inside still
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "ulimit -n" in caplog.text


def test_what_does_not_fit_is_said_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    with open_files(200):
        files = Files()
    for _ in range(2):
        files.check(256)
    assert 0 < files.room < 200
    assert caplog.text.count(f"{files.room} connections at a time instead of fetch.concurrency = 256") == 1


@pytest.mark.slow
async def test_an_exchange_waits_until_there_is_a_file(serve: Serve) -> None:
    server = await serve(ok(b"hello"))
    async with open_loopback() as fetcher:
        with open_files(256), every_file_taken():
            waiting = asyncio.create_task(fetcher.fetch(server.request()))
            done, _ = await asyncio.wait([waiting], timeout=0.2)
            assert not done
        assert (await waiting).body == b"hello"


async def test_connections_are_not_kept_when_files_run_short(serve: Serve) -> None:
    server = await serve(ok(b"hello"))
    async with open_loopback() as fetcher:
        fetcher.files.room = 1
        for _ in range(3):
            await fetcher.fetch(server.request())
    assert server.connections == 3


async def test_the_connection_idle_longest_makes_room(serve: Serve) -> None:
    servers = [await serve(ok(b"hello")) for _ in range(4)]
    async with open_loopback() as fetcher:
        fetcher.files.room = 6
        for server in servers[:3]:
            await fetcher.fetch(server.request())
        fetcher.files.room = 3
        await fetcher.fetch(servers[3].request())
        await fetcher.fetch(servers[0].request())
        await fetcher.fetch(servers[2].request())
        assert fetcher.files.open <= 3
    assert [server.connections for server in servers] == [2, 1, 1, 1]


CRAWL = """
import asyncio, logging, resource, sys
import crawler
resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))
logging.basicConfig(level=logging.WARNING)
async def main():
    summary = await crawler.crawl(
        sys.stdin.read().split(), folder=sys.argv[1], allow_networks=["127.0.0.0/8"], delay_s=0, robots="ignore",
        executor="inline", concurrency=128, max_attempts=1,
    )
    print(summary.counts)
asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.1 alone is there without asking")
async def test_a_crawl_of_many_sites_within_few_files_fetches_them_all(serve: Serve, tmp_path: Path) -> None:
    most = inside = 0

    def slow(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal most, inside
            inside += 1
            most = max(most, inside)
            try:
                await raw.read_head(reader)
                await asyncio.sleep(0.05)
                writer.write(ok(b"<title>page</title>" + raw.url.encode(), b"Content-Type: text/html"))
                await reader.read()
            finally:
                inside -= 1

        return talk

    with open_files(1024):
        servers = [await serve(slow, f"127.0.{number // 250}.{1 + number % 250}") for number in range(SITES)]
        seeds = "\n".join(server.url + "/" for server in servers).encode()
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CRAWL, str(tmp_path / "crawl"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        _, log = await child.communicate(seeds)
    assert child.returncode == 0, log
    records = [json.loads(line) for line in (tmp_path / "crawl" / "pages.jsonl").read_text().splitlines()]
    assert {record["disposition"] for record in records} == {"fetched"}, log
    assert len(records) == SITES
    assert most < 80
    assert log.count(b"open files are limited to 80") == 1


async def test_where_no_file_ever_comes_free_the_page_is_put_off_and_no_attempt_is_spent(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_room, "PAUSES_S", (0.0,))
    server = await serve(ok(b"hello"))
    async with open_loopback() as fetcher:
        with open_files(256), every_file_taken(), pytest.raises(OutOfFiles, match="ulimit -n") as caught:
            await fetcher.fetch(Request(Url(server.url + "/")))
        assert caught.value.transient
        assert (await fetcher.fetch(server.request())).body == b"hello"
