"""The API of a test's daemon on a real socket, and a client that knows its token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from crawler.daemon import Jobs
from crawler.daemon.http.server import open_server

from ..conftest import Open

TOKEN = "a-token-of-this-test"


@dataclass
class Api:
    """Speaks JSON; keeps status and header of the last answer."""

    url: str
    port: int
    jobs: Jobs
    http: aiohttp.ClientSession
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}", **more.pop("headers", {})}
        if body is not None:
            more["json"] = body
        async with self.http.request(method, self.url + path, headers=headers, **more) as answer:
            self.status, self.headers = answer.status, dict(answer.headers)
            is_json = answer.content_type.endswith(("/json", "+json"))
            return await answer.json(content_type=None) if is_json else await answer.read()

    async def get(self, path: str, **more: Any) -> Any:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: object = None, **more: Any) -> Any:
        return await self.ask("POST", path, body, **more)

    def faults(self, problem: dict[str, Any]) -> list[str]:
        """The fields a problem blames; that it is one is checked on the way."""
        assert self.headers["Content-Type"] == "application/problem+json", problem
        assert problem["status"] == self.status
        assert problem["type"].startswith("urn:crawld:problem:")
        assert problem["detail"]
        return [fault["field"] for fault in problem.get("errors", [])]


def _session() -> aiohttp.ClientSession:
    """Inspector names up without a thread that outlives the test."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver()))


@pytest.fixture
async def api(open_daemon: Open) -> AsyncIterator[Api]:
    """Lives in a task of its own: a fixture's end runs in another task than its beginning, and a scope may not."""
    opened: asyncio.Future[Api] = asyncio.get_running_loop().create_future()
    is_over = asyncio.Event()

    async def live() -> None:
        async with (
            open_daemon() as jobs,
            open_server(jobs, host="127.0.0.1", port=0, token=TOKEN) as listening,
            _session() as http,
        ):
            assert listening.port
            opened.set_result(Api(listening.url, listening.port, jobs, http))
            await is_over.wait()

    def end(life: asyncio.Task[None]) -> None:
        if not opened.done():
            opened.set_exception(life.exception() or AssertionError("it ended"))

    life = asyncio.create_task(live())
    life.add_done_callback(end)
    yield await opened
    is_over.set()
    await life
