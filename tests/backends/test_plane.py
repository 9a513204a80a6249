"""The control plane of an engine: jobs, changes, holds and history over HTTP, with no node at work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from crawler import open_engine
from crawler.daemon import Sources, open_plane
from tests.postgres import PASSWORD, Server, open_server, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")]
SEEDS = ["http://127.0.0.1:9/"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_server() as opened:
        yield opened


class Plane:
    """A control plane and its client."""

    def __init__(self, client: aiohttp.ClientSession, url: str, address: str, token: str) -> None:
        self.client = client
        self.url = url
        self.address = address
        self.token = token

    async def ask(self, method: str, path: str, status: int, body: object = None) -> Any:
        async with self.client.request(method, path, json=body) as response:
            text = await response.read()
            assert response.status == status, text
            assert PASSWORD.encode() not in text
            return orjson.loads(text) if text else None


@asynccontextmanager
async def open_one(server: Server, database: str, folder: Path) -> AsyncIterator[Plane]:
    if not await server.ask("SELECT 1 FROM pg_database WHERE datname = $1", database):
        await server.ask(f"CREATE DATABASE {database}")
    url = server.url.rpartition("/")[0] + f"/{database}"
    sources = Sources(None, {}, {"port": 0, "data": str(folder / "data")}, {"max_depth": 3})
    async with open_plane(sources, url) as opened:
        headers = {"Authorization": f"Bearer {opened.token.text}"}
        plain = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())
        async with aiohttp.ClientSession(opened.listening.url, headers=headers, connector=plain) as client:
            yield Plane(client, url, opened.listening.url, opened.token.text)


async def test_a_job_is_changed_held_paused_and_its_history_says_so(server: Server, tmp_path: Path) -> None:
    async with open_one(server, "plane", tmp_path) as plane:
        made = await plane.ask("POST", "/v1/jobs", 201, {"name": "shop", "seeds": SEEDS, "settings": {"delay_s": 2}})
        assert (made["state"], made["counts"]["queued"]) == ("queued", 1)
        told = await plane.ask("PATCH", "/v1/jobs/shop", 200, {"settings": {"politeness": {"delay_s": 3}}})
        assert (told["applied"], told["needs_restart"]) == (["politeness.delay_s"], [])
        assert told["job"]["settings"]["politeness.delay_s"] == 3
        await plane.ask("POST", "/v1/jobs/shop/sites/hold", 204, {"site": "https://example.org/a"})
        assert (await plane.ask("POST", "/v1/jobs/shop/pause", 200))["state"] == "paused"
        job = await plane.ask("GET", "/v1/jobs/shop", 200)
        assert (job["held"], job["revision"]) == (["https://example.org"], 3)
        await plane.ask("POST", "/v1/jobs/shop/sites/release", 204, {"site": "https://example.org"})
        items = (await plane.ask("GET", "/v1/jobs/shop/history", 200))["items"]
        said = [(one["data"]["who"], *one["data"]["changes"][0].values()) for one in items]
        assert said == [
            ("api", "politeness.delay_s", 2, 3),
            ("api", "held", [], ["https://example.org"]),
            ("api", "control", "run", "pause"),
            ("api", "held", ["https://example.org"], []),
        ]
        said = await plane.ask("GET", "/v1/jobs/shop/explain?url=http://127.0.0.1:9/", 200)
        assert said["crawl"]["standing"] == "queued"
        assert set((await plane.ask("GET", "/v1/jobs/shop/stats", 200))["columns"]) == {"pages", "queued"}


async def test_changes_that_an_engine_cannot_make_are_refused_with_their_field(server: Server, tmp_path: Path) -> None:
    async with open_one(server, "refusing", tmp_path) as plane:
        await plane.ask("POST", "/v1/jobs", 201, {"name": "shop", "seeds": SEEDS})
        for body, words in [
            ({"settings": {"max_depth": 9}}, "scope.max_depth: lets in URLs"),
            ({"settings": {"limit_per_site": 9}}, "scope.limit_per_site: cannot change"),
            ({"settings": {"name_servers": ["127.0.0.1:53"]}}, "is for the daemon's owner"),
            ({"settings": {"delai_s": 9}}, "delay_s"),
            ({"priority": 3}, "priority: cannot change"),
        ]:
            said = await plane.ask("PATCH", "/v1/jobs/shop", 422, body)
            assert words in said["detail"] + str(said["errors"]), said
        said = await plane.ask("POST", "/v1/jobs/shop/sites/hold", 422, {"site": "http://["})
        assert (await plane.ask("GET", "/v1/jobs/shop/history", 200))["items"] == []
        await plane.ask("PATCH", "/v1/jobs/other", 404, {"settings": {"delay_s": 2}})


async def test_lists_are_ordered_and_filtered(server: Server, tmp_path: Path) -> None:
    async with open_one(server, "listing", tmp_path) as plane:
        for name in ("b", "a"):
            await plane.ask("POST", "/v1/jobs", 201, {"name": name, "seeds": SEEDS, "is_paused": name == "a"})
        async with open_engine(plane.url) as engine:
            assert [one.name for one in await engine.standings()] == ["b", "a"]
        for query, names in [("", "ab"), ("?sort=name&order=asc", "ab"), ("?state=paused", "a"), ("?name=B", "b")]:
            items = (await plane.ask("GET", f"/v1/jobs{query}", 200))["items"]
            assert "".join(one["id"] for one in items) == names, query
