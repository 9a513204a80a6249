"""Who stands at the daemon's door and how long: strangers are many, slow and deaf, and its owner comes in."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import pytest
import uvloop

from crawler.daemon import DaemonConfig, Event, Jobs, Kind, open_jobs
from crawler.daemon.http.admission import Admission
from crawler.daemon.http.bounds import Bounds, Closed
from crawler.daemon.http.connection import network
from crawler.daemon.http.server import open_server

from ..conftest import BASE, submit
from .conftest import TOKEN

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
PATIENT = Bounds(head_s=60, idle_s=60, write_s=60)
"""Nobody is sent away for want of time."""
OWNER = f"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
STRANGER = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""The longest answer there is without the token."""
MUCH = 8 << 20
"""Bytes: more than the kernel takes for a client that does not read."""


@dataclass
class Door:
    """A daemon's door on loopback, and clients at it that read little at a time."""

    admission: Admission
    jobs: Jobs
    port: int

    async def knock(self, first: bytes = b"", address: str = "127.0.0.1") -> tuple[Reader, Writer]:
        """A client at one of loopback's addresses that has sent `first`."""
        sock = socket.socket()
        sock.bind((address, 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=1)
        writer.write(first)
        return reader, writer

    async def status(self, asked: bytes = OWNER, address: str = "127.0.0.1") -> int:
        """What a client of its own is answered; 0: nothing."""
        reader, writer = await self.knock(asked, address)
        try:
            with suppress(ConnectionResetError):
                return await status_of(reader)
            return 0
        finally:
            writer.close()

    async def until(self, is_so: Callable[[], bool]) -> None:
        with anyio.fail_after(30):
            while not is_so():
                await asyncio.sleep(0.01)


async def status_of(reader: Reader) -> int:
    """Of the next answer's first line; 0: the connection ended."""
    line = await reader.read(12)
    return int(line.split(b" ")[1]) if line.count(b" ") else 0


@asynccontextmanager
async def open_door(folder: Path, bounds: Bounds = PATIENT) -> AsyncIterator[Door]:
    admission = Admission(bounds)
    async with (
        open_jobs(DaemonConfig(grace_s=5), folder / "data", BASE) as jobs,
        open_server(jobs, host="127.0.0.1", port=0, token=TOKEN, admission=admission) as there,
    ):
        assert there.port
        yield Door(admission, jobs, there.port)


def run(story: Coroutine[Any, Any, None], loop: str) -> None:
    """Runs it on the loop of `crawl serve`, or on asyncio's own: both have to tell us whether clients read."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if loop == "uvloop" else None) as runner:
        runner.run(story)


# -- clients that keep us waiting -------------------------------------------------------------------------------------


async def test_a_client_that_says_nothing_is_sent_away(tmp_path: Path) -> None:
    async with open_door(tmp_path, Bounds(head_s=0.2)) as door:
        for first in (b"", b"GET /v1/jobs HTTP/1.1\r\nHost: local"):
            reader, writer = await door.knock(first)
            with anyio.fail_after(30), suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()
        assert (door.admission.inside, door.admission.closed) == (0, Counter({Closed.SILENT: 2}))


@pytest.mark.parametrize("asked", [OWNER, STRANGER])
async def test_a_head_that_drips_is_given_up_on_the_second_time_too(tmp_path: Path, asked: bytes) -> None:
    async with open_door(tmp_path, Bounds(head_s=0.2, idle_s=0.2)) as door:
        reader, writer = await door.knock(asked)
        assert await status_of(reader) == 200
        drips = asyncio.create_task(_drip(writer, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 10_000))
        await door.until(partial(_has, door, 0))
        drips.cancel()
        writer.close()


async def _drip(writer: Writer, data: bytes) -> None:
    for n in range(len(data)):
        writer.write(data[n : n + 1])
        await asyncio.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
@pytest.mark.parametrize("what", ["many answers", "one long answer", "records", "a file", "events", "a page"])
def test_a_client_that_does_not_read_is_sent_away(tmp_path: Path, what: str, loop: str) -> None:
    async def story() -> None:
        async with open_door(tmp_path, Bounds(write_s=0.2, pace_s=0)) as door:
            _, writer = await door.knock(await _asking_for(what, door))
            if what == "events":
                await door.until(lambda: door.admission.inside == 1)
            while not door.admission.closed[Closed.UNREAD]:
                door.jobs._events.tell(Event(None, 0.0, None, Kind.NOTE, {"text": "x" * 100_000}))
                await asyncio.sleep(0.01)
            assert door.admission.inside == 0
            writer.transport.abort()
            assert await door.status() == 200

    run(story(), loop)


async def _asking_for(what: str, door: Door) -> bytes:
    """A request for more than the kernel holds for its client."""
    job = await submit(door.jobs, ["http://127.0.0.1:9/"], is_paused=True)
    folder = door.jobs.folder(job.id)
    folder.mkdir(exist_ok=True)
    record = b'{"url": "http://127.0.0.1:9/", "disposition": "fetched", "text": "%s"}\n' % (b"x" * 8000)
    (folder / "pages.jsonl").write_bytes(record * (MUCH // len(record)))
    head = f"HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    base = f"/v1/jobs/{job.id}"
    asked = {
        "many answers": STRANGER.decode(),
        "one long answer": f"GET {base}/pages?limit=1000 {head}\r\n",
        "records": f"GET {base}/pages {head}Accept: application/x-ndjson\r\n\r\n",
        "a file": f"GET {base}/files/pages.jsonl {head}\r\n",
        "events": f"GET /v1/events {head}\r\n",
        "a page": "GET /assets/vendor/pico.css HTTP/1.1\r\nHost: localhost\r\n\r\n",
    }[what].encode()
    return asked * (400 if what in ("many answers", "a page") else 1)


# -- many of them -----------------------------------------------------------------------------------------------------


async def test_strangers_of_one_address_have_some_places_and_the_first_makes_room(tmp_path: Path) -> None:
    async with open_door(tmp_path, replace(PATIENT, of_one_address=3)) as door:
        crowd = [await door.knock() for _ in range(4)]
        await door.until(lambda: door.admission.closed[Closed.CROWDED] == 1)
        assert await crowd[0][0].read() == b""
        assert door.admission.inside == door.admission.strangers == 3
        for _, writer in crowd:
            writer.close()


async def test_where_strangers_have_no_place_left_the_largest_crowd_makes_room(tmp_path: Path) -> None:
    async with open_door(tmp_path, replace(PATIENT, strangers=4)) as door:
        there = []
        for address in ("127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.3"):
            there.append(await door.knock(address=address))
            await door.until(partial(_has, door, len(there)))
        there.append(await door.knock(address="127.0.0.4"))
        with anyio.fail_after(60):
            assert await there[1][0].read() == b""  # the first of the two that have one address
        assert door.admission.closed == {Closed.CROWDED: 1}
        there.append(await door.knock(address="127.0.0.5"))
        assert await there[0][0].read() == b""  # then all addresses have one, and the first goes
        for _, writer in there:
            writer.close()


def _has(door: Door, inside: int) -> bool:
    return door.admission.inside == inside


@pytest.mark.slow
async def test_whoever_has_shown_the_token_is_served_while_strangers_take_all_they_can(tmp_path: Path) -> None:
    async with open_door(tmp_path, replace(PATIENT, most=30, strangers=20, of_one_address=20)) as door:
        reader, writer = await door.knock(OWNER)
        assert await status_of(reader) == 200
        deaf = [await door.knock(STRANGER * 60) for _ in range(40)]
        assert [await door.status() for _ in range(20)] == [200] * 20
        assert door.admission.strangers <= 20
        writer.write(OWNER)
        again = b""
        with anyio.fail_after(30):
            while b"HTTP/1.1 200" not in again:
                again += (block := await reader.read(4096))
                assert block, "it was sent away"
        for _, one in [*deaf, (reader, writer)]:
            one.transport.abort()


async def test_where_its_own_connections_take_all_places_the_idle_one_makes_room(tmp_path: Path) -> None:
    async with open_door(tmp_path, replace(PATIENT, most=3)) as door:
        known = [await door.knock(OWNER) for _ in range(3)]
        assert [await status_of(reader) for reader, _ in known] == [200] * 3
        assert await door.status() == 200
        assert (door.admission.closed[Closed.CROWDED], door.admission.closed[Closed.FULL]) == (1, 0)
        for _, writer in known:
            writer.transport.abort()


def test_addresses_are_counted_by_what_one_customer_gets() -> None:
    assert network("192.0.2.7") == network("::ffff:192.0.2.7") == "192.0.2.7"
    assert network("2001:db8:1:2::1") == network("2001:db8:1:2:ffff::9%eth0") != network("2001:db8:1:3::1")
    assert network("::1") != network("192.0.2.7")


async def test_a_body_that_nobody_wants_is_not_waited_for(tmp_path: Path) -> None:
    async with open_door(tmp_path, replace(PATIENT, linger_s=0.2)) as door:
        reader, writer = await door.knock(
            b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n"
        )
        assert await status_of(reader) == 401
        drips = asyncio.create_task(_drip(writer, b"x" * 10_000))
        await door.until(partial(_has, door, 0))
        drips.cancel()
        writer.transport.abort()


@pytest.mark.slow
async def test_a_flood_of_requests_on_one_connection_leaves_room_for_others(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        _, writer = await door.knock(STRANGER * 20_000)
        assert [await door.status() for _ in range(20)] == [200] * 20
        writer.transport.abort()


async def test_connections_that_were_closed_are_told_by_their_number(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "crawler.daemon.http.admission")
    async with open_door(tmp_path, replace(PATIENT, of_one_address=2)) as door:
        crowd = [await door.knock() for _ in range(30)]
        await door.until(lambda: door.admission.closed[Closed.CROWDED] == 28)
    told = [record.getMessage() for record in caplog.records if record.name == "crawler.daemon.http.admission"]
    assert len(told) == 1
    assert "28 crowded" in told[0]
    for _, writer in crowd:
        writer.transport.abort()


@pytest.mark.slow
async def test_a_stranger_who_asks_a_lot_is_answered_slowly_and_its_owner_is_not(tmp_path: Path) -> None:
    async with open_door(tmp_path, replace(PATIENT, requests=2, pace_s=3600)) as door:
        reader, writer = await door.knock(STRANGER.replace(b"/openapi.json", b"/healthz") * 3)
        owner, writer_too = await door.knock(OWNER * 3)
        assert await _first_answers(owner, 3) == 3
        assert await _first_answers(reader, 2) == 2
        assert next(iter(door.admission._inside)).is_busy  # with the third, which waits
        for one in (writer, writer_too):
            one.transport.abort()


async def _first_answers(reader: Reader, n: int) -> int:
    got = b""
    with anyio.fail_after(30):
        while got.count(b"HTTP/1.1 200") < n:
            got += await reader.read(4096)
    return got.count(b"HTTP/1.1 200")
