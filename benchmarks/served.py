"""A daemon in a process of its own, `crawl serve`, with what a benchmark asks of it."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import psutil

CRAWL = str(Path(sys.executable).with_name("crawl"))
SETTINGS = ("--allow-network", "127.0.0.0/8", "--set", "delay_s=0", "--set", "per_site=8", "--set", "traps=off")


class Served:
    """A daemon that runs, and a client of it."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str, pid: int) -> None:
        self._http = http
        self._url = url
        self._token = token
        self._process = psutil.Process(pid)

    async def get(self, path: str) -> Any:
        async with self._http.get(self._url + path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def submit(self, seed: str) -> None:
        async with self._http.post(f"{self._url}/v1/jobs", json={"seeds": [seed]}) as answer:
            assert answer.status == 201, await answer.text()

    async def pages(self) -> dict[str, int]:
        """What each job has fetched, as of the last full second."""
        return {job["id"]: job["pages"] for job in (await self.get("/v1/jobs?limit=500"))["items"]}

    def cpu_s(self) -> float:
        """What the daemon's own process has used, without its workers."""
        used = self._process.cpu_times()
        return used.user + used.system

    def following(self, number: int) -> AbstractAsyncContextManager[int]:
        """Clients that follow all events; how many are there."""
        return self._guests(number, f"GET /v1/events HTTP/1.1\r\nAuthorization: Bearer {self._token}", "\r\n\r\n")

    def besieging(self, number: int) -> AbstractAsyncContextManager[int]:
        """Clients that begin to ask and never finish, and come back when they are sent away."""
        return self._guests(number, "GET /v1/jobs HTTP/1.1", "\r\nX-Never: end")

    @asynccontextmanager
    async def _guests(self, number: int, head: str, end: str) -> AsyncIterator[int]:
        host, port = urlsplit(self._url).netloc.split(":")
        words = f"{head}\r\nHost: {host}:{port}{end}".encode()
        guests = [Guest(words) for _ in range(number)]
        async with asyncio.TaskGroup() as tasks:
            visits = [tasks.create_task(guest.come(host, int(port))) for guest in guests]
            await asyncio.sleep(1)
            yield sum(guest.is_there for guest in guests)
            for visit in visits:
                visit.cancel()


class Guest(asyncio.Protocol):
    """Says its words and listens to nothing."""

    def __init__(self, words: bytes) -> None:
        self._words = words
        self._gone = asyncio.Event()
        self.is_there = False

    async def come(self, host: str, port: int) -> None:
        """Again and again, until it is cancelled."""
        while True:
            self._gone.clear()
            transport, _ = await asyncio.get_running_loop().create_connection(lambda: self, host, port)
            try:
                await self._gone.wait()
            finally:
                transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.is_there = True
        cast(asyncio.Transport, transport).write(self._words)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_there = False
        self._gone.set()


@asynccontextmanager
async def open_served(folder: Path, **settings: object) -> AsyncIterator[Served]:
    """With settings of the table `[daemon]`."""
    data = folder / "data"
    command = [CRAWL, "serve", "--port", "0", "--data", str(data), "--quiet", *SETTINGS]
    named = {f"CRAWL_DAEMON__{name.upper()}": str(value) for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(*command, env=os.environ | named)
    try:
        url = await _address(process, data / "address")
        token = (data / "token").read_text().strip()
        connector = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())  # the other one leaves a thread behind
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(connector=connector, headers=headers) as http:
            yield Served(http, url, token, process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _address(process: Process, path: Path) -> str:
    while not path.exists():
        if process.returncode is not None:
            raise RuntimeError("the daemon ended before it listened: it said why")
        await asyncio.sleep(0.05)
    return path.read_text().strip()
