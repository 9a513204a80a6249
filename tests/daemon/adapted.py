"""A test's daemon that speaks other protocols, and a client of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from crawler.daemon import Jobs, make_adapters
from crawler.daemon.http.server import open_server

from .conftest import Open
from .http.hostile_values import BODIES

TOKEN = "a-token-of-this-test"


@dataclass
class Adapted:
    """Asks, and keeps the status of the last answer."""

    url: str
    port: int
    jobs: Jobs
    http: aiohttp.ClientSession
    status: int = 0

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}", **more.pop("headers", {})}
        url = path if path.startswith("http") else self.url + path
        async with self.http.request(method, url, headers=headers, **more) as answer:
            self.status = answer.status
            assert "urn:crawld" not in await answer.text(), "a problem of our own API"
            return await answer.json(content_type=None) if answer.content_type.endswith("json") else await answer.text()

    async def get(self, path: str, **more: Any) -> Any:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: object = None, **more: Any) -> Any:
        return await self.ask("POST", path, **({"json": body} if body is not None else {}), **more)


@asynccontextmanager
async def adapted(open_daemon: Open, *names: str, **daemon: Any) -> AsyncIterator[Adapted]:
    """Opens a daemon with adapters."""
    connector = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())
    async with (
        open_daemon(**daemon) as jobs,
        open_server(jobs, host="127.0.0.1", port=0, token=TOKEN, adapters=make_adapters(names)) as listening,
        aiohttp.ClientSession(connector=connector) as http,
    ):
        assert listening.port
        yield Adapted(listening.url, listening.port, jobs, http)


async def hostile_answers(asked: Adapted, method: str, path: str, types: Sequence[str]) -> list[tuple[int, bytes]]:
    """Sends each hostile body as each media type; returns the statuses and bodies of the answers."""
    found = []
    for media_type in types:
        for body in BODIES:
            reader, writer = await asyncio.open_connection("127.0.0.1", asked.port)
            head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
            head += f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            answer = await reader.read()
            writer.close()
            found.append((int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2]))
    return found


def read(body: bytes) -> Any:
    return json.loads(body)
