"""The files for compose and Kubernetes: what they start works together, as plain processes and a real server."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import yaml  # type: ignore[import-untyped]

from crawler.testing import link_graph, open_web
from tests.backends.stories import CRAWL
from tests.postgres import PASSWORD, Server, open_server, why_not

CONFIG = Path(__file__).parents[2] / "config"
COMPOSE = yaml.safe_load((CONFIG / "compose.yaml").read_text())
NEEDS_SERVER = pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_server() as opened:
        yield opened


def _containers() -> Iterator[dict[str, Any]]:
    for path in sorted((CONFIG / "kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if template := document["spec"].get("template"):
                yield from template["spec"]["containers"]


def test_kubernetes_starts_what_compose_starts_and_drains_it() -> None:
    worker, control = sorted(_containers(), key=lambda one: str(one["name"]), reverse=True)
    services = COMPOSE["services"]
    assert worker["args"] == services["worker"]["command"]
    assert control["args"][:7] == services["control"]["command"][:7]
    assert "kill -TERM 1" in worker["lifecycle"]["preStop"]["exec"]["command"][-1]
    assert {"livenessProbe", "startupProbe"} <= worker.keys()
    assert {"livenessProbe", "readinessProbe"} <= control.keys()


class Fleet:
    """The processes that compose would start."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.folder = folder
        environ = {name: value for name, value in os.environ.items() if not name.startswith("CRAWL_")}
        url = server.url.rpartition("/")[0] + "/composed"
        self.environ = environ | {"DATABASE_URL": url, "CRAWL_ALLOW_NETWORKS": '["127.0.0.0/8"]'}
        self.started: list[asyncio.subprocess.Process] = []

    def words(self, service: str) -> list[str]:
        """Returns the command of a service, for this machine."""
        said = [word.replace("$$", "$") for word in COMPOSE["services"][service]["command"]]
        here = {"/data": str(self.folder / service), "/tmp/alive": str(self.folder / "alive"), "7878": "0"}
        return [here.get(word, word.replace("0.0.0.0", "127.0.0.1")) for word in said]

    async def start(self, *words: str, log: str) -> asyncio.subprocess.Process:
        with (self.folder / log).open("wb") as file:
            made = await asyncio.create_subprocess_exec(
                CRAWL, *words, cwd=self.folder, env=self.environ, stdout=file, stderr=file, start_new_session=True
            )
        self.started.append(made)
        return made

    def said(self) -> str:
        return "\n".join(f"{log.name}: {log.read_text()[-2000:]}" for log in sorted(self.folder.glob("*.log")))

    async def address(self) -> str:
        async with asyncio.timeout(60):
            while not (found := re.search(r"listening at (http://[\w.:]+)", (self.folder / "control.log").read_text())):
                assert all(one.returncode is None for one in self.started), self.said()
                await asyncio.sleep(0.05)
        return found[1]

    async def end(self) -> None:
        for one in self.started:
            if one.returncode is None:
                os.killpg(one.pid, signal.SIGKILL)
                await one.wait()


@pytest.mark.slow
@pytest.mark.long
@NEEDS_SERVER
async def test_a_job_of_the_control_plane_is_run_by_three_workers(server: Server, tmp_path: Path) -> None:
    await server.ask("CREATE DATABASE composed")
    fleet = Fleet(server, tmp_path)
    async with open_web(link_graph(seed=14, sites=10, pages_per_site=12, links_per_page=6)) as served:
        try:
            workers = [
                await fleet.start(*fleet.words("worker"), log=f"worker-{number}.log")
                for number in range(COMPOSE["services"]["worker"]["deploy"]["replicas"])
            ]
            await fleet.start(*fleet.words("control"), log="control.log")
            url = await fleet.address()
            token = (tmp_path / "control" / "token").read_text().strip()
            plain = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())
            shown = {"Authorization": f"Bearer {token}"}
            async with aiohttp.ClientSession(url, headers=shown, connector=plain) as client:
                await _check_refusals(client, served.seeds)
                asked = {"name": "shop", "seeds": served.seeds, "settings": {"delay_s": 0.1}, "links": True}
                job = await _ask(client, "POST", "/v1/jobs", 201, asked)
                assert (job["id"], job["state"] in {"queued", "running"}) == ("shop", True), job
                await _check_pause(client, served.hits)
                async with asyncio.timeout(90):
                    while (job := await _ask(client, "GET", "/v1/jobs/shop", 200))["state"] != "completed":
                        assert all(one.returncode is None for one in workers), fleet.said()
                        await asyncio.sleep(0.1)
                nodes = (await _ask(client, "GET", "/v1/jobs/shop/nodes", 200))["items"]
                assert len(nodes) == len(workers), nodes
            for one in workers:
                one.send_signal(signal.SIGTERM)
            assert [await one.wait() for one in workers] == [0, 0, 0], fleet.said()
            merged = await fleet.start(
                "merge", "worker/shop", "--engine", "$DATABASE_URL", "-o", "pages.jsonl", log="m.log"
            )
            assert await merged.wait() == 0, fleet.said()
        finally:
            await fleet.end()
        found = Counter(orjson.loads(line)["url"] for line in (tmp_path / "pages.jsonl").read_bytes().splitlines())
        assert found == Counter(served.web.reachable())
    assert (tmp_path / "alive").exists()
    assert PASSWORD not in fleet.said()


async def _check_refusals(client: aiohttp.ClientSession, seeds: list[str]) -> None:
    assert (await _ask(client, "GET", "/readyz", 200))["status"] == "ok"
    said = await _ask(client, "GET", "/v1/events", 404)
    assert "run `crawl serve` without --engine" in said["detail"]
    said = await _ask(client, "POST", "/v1/jobs", 422, {"seeds": seeds, "webhook": "http://127.0.0.1/"})
    assert "webhook: is not for jobs in an engine" in said["detail"]
    said = await _ask(client, "POST", "/v1/jobs", 422, {"seeds": seeds, "name": "../up"})
    assert "name: should have letters" in said["detail"]
    said = await _ask(client, "POST", "/v1/jobs", 422, {"seeds": ["http://["], "name": "bad"})
    assert "http://[" in said["detail"]
    assert (await _ask(client, "GET", "/v1/jobs", 200))["items"] == []
    async with client.get("/v1/jobs", headers={"Authorization": "Bearer wrong"}) as response:
        assert response.status == 401


async def _check_pause(client: aiohttp.ClientSession, hits: list[Any]) -> None:
    async with asyncio.timeout(60):
        while len(hits) < 30:
            await asyncio.sleep(0.02)
    assert (await _ask(client, "POST", "/v1/jobs/shop/pause", 200))["state"] == "paused"
    async with asyncio.timeout(60):
        while True:  # until all nodes have heard of it
            stood = len(hits)
            await asyncio.sleep(3.0)
            if len(hits) == stood:
                break
    assert (await _ask(client, "POST", "/v1/jobs/shop/resume", 200))["state"] == "running"


async def _ask(client: aiohttp.ClientSession, method: str, path: str, status: int, body: object = None) -> Any:
    async with client.request(method, path, json=body) as response:
        told = orjson.loads(await response.read())
        assert response.status == status, told
        return told
