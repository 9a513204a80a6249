"""A request that is repeated with its idempotency key changes nothing, also after a restart of the daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from crawler.daemon import DaemonConfig, Jobs, open_jobs
from crawler.daemon.http.server import open_server
from crawler.daemon.jobs import store

from ..conftest import BASE, Open, lines, submit
from .conftest import TOKEN, Api, _session

SEEDS = {"seeds": ["http://127.0.0.1:9/1", "http://127.0.0.1:9/2"]}
OTHER = {"seeds": ["http://127.0.0.1:9/3"]}
SCHEDULE: dict[str, Any] = {"cron": "0 6 * * *", **SEEDS, "links": False}
LINES = {"Content-Type": "text/uri-list"}


@asynccontextmanager
async def opened(folder: Path, **settings: Any) -> AsyncIterator[Api]:
    async with (
        open_jobs(DaemonConfig(**settings), folder / "data", BASE) as jobs,
        open_server(jobs, host="127.0.0.1", port=0, token=TOKEN) as listening,
        _session() as http,
    ):
        assert listening.port
        yield Api(listening.url, listening.port, jobs, http)


def key(text: str) -> dict[str, Any]:
    return {"headers": {"Idempotency-Key": text}}


async def test_seeds_with_a_key_are_added_once_over_restarts_and_ways_to_send_them(tmp_path: Path) -> None:
    async with opened(tmp_path) as api:
        job, other = [(await submit(api.jobs, ["http://127.0.0.1:9/"], is_paused=True)).id for _ in range(2)]
        path = f"/v1/jobs/{job}/seeds"
        for _ in range(2):
            assert await api.post(path, SEEDS, **key("k")) == {"given": 2}
            assert api.status == 202
    async with opened(tmp_path) as api:
        text = "\n".join(SEEDS["seeds"]).encode()
        assert await api.post(path, data=text, headers=LINES | key("k")["headers"]) == {"given": 2}
        assert api.jobs.find(job).seeds.given == 3
        problem = await api.post(path, OTHER, **key("k"))
        assert (api.status, problem["type"]) == (409, "urn:crawld:problem:key-reused")
        assert await api.post(path, OTHER, **key("l")) == {"given": 1}
        assert await api.post(f"/v1/jobs/{other}/seeds", OTHER, **key("k")) == {"given": 1}, "a key is a job's"
        assert await api.post(path, OTHER) == {"given": 1}
        assert (api.jobs.find(job).seeds.given, api.jobs.find(other).seeds.given) == (5, 2)
        await api.post("/v1/jobs/j-none/seeds", OTHER, **key("k"))
        assert api.status == 404


async def test_seeds_that_come_at_once_with_one_key_are_added_once(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        job = (await submit(jobs, ["http://127.0.0.1:9/"], is_paused=True)).id

        async def add() -> None:
            assert await jobs.plant(job, lines(SEEDS["seeds"], batch=1), "k") == 2

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(add)
        assert jobs.find(job).seeds.given == 3
        await jobs.remove(job)
        assert await _keys(jobs) == []


async def test_a_job_remembers_a_bounded_number_of_keys(open_daemon: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_KEYS_A_JOB", 3)
    async with open_daemon() as jobs:
        job = (await submit(jobs, ["http://127.0.0.1:9/"], is_paused=True)).id
        for n in range(5):
            await jobs.plant(job, lines(SEEDS["seeds"]), f"k{n}")
        assert await _keys(jobs) == ["k2", "k3", "k4"]


async def _keys(jobs: Jobs) -> list[str]:
    return await jobs.store.do(
        lambda connection: [name for (name,) in connection.execute("SELECT key FROM upload_key ORDER BY key")]
    )


async def test_a_schedule_with_a_key_is_added_once_over_restarts(tmp_path: Path) -> None:
    async with opened(tmp_path) as api:
        made = await api.post("/v1/schedules", SCHEDULE, **key("k"))
        assert api.status == 201
        without = await api.post("/v1/schedules", SCHEDULE)
        assert (api.status, without["id"] != made["id"]) == (201, True)
        await api.ask("PATCH", f"/v1/schedules/{made['id']}", {"is_enabled": False})
    async with opened(tmp_path) as api:
        again = await api.post("/v1/schedules", SCHEDULE, **key("k"))
        assert (api.status, api.headers["Location"]) == (200, f"/v1/schedules/{made['id']}")
        assert again == made | {"is_enabled": False, "next_at": None, "revision": 1}, "as it is now"
        for change in ({"links": True}, {"name": "x"}, {"cron": "0 7 * * *"}, OTHER):
            problem = await api.post("/v1/schedules", SCHEDULE | change, **key("k"))
            assert (api.status, problem["type"]) == (409, "urn:crawld:problem:key-reused"), change
        await api.ask("DELETE", f"/v1/schedules/{made['id']}")
        await api.post("/v1/schedules", SCHEDULE, **key("k"))
        assert api.status == 201, "a key is forgotten with its schedule"
        assert len((await api.get("/v1/schedules"))["items"]) == 2


async def test_a_repeated_request_gets_its_job_though_no_further_one_is_taken(tmp_path: Path) -> None:
    async with opened(tmp_path, max_jobs=1) as api:
        await api.ask("PUT", "/v1/templates/t", {"settings": {}})
        asked = {**SEEDS, "is_paused": True, "template": "t"}
        made = await api.post("/v1/jobs", asked, **key("k"))
        await api.ask("DELETE", "/v1/templates/t")
        assert (await api.post("/v1/jobs", asked, **key("k")))["id"] == made["id"]
        assert api.status == 200
        await api.post("/v1/jobs", SEEDS, **key("l"))
        assert api.status == 409


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/schedules", "/v1/jobs/{id}/seeds"])
async def test_a_key_is_a_line_of_decent_length(api: Api, path: str) -> None:
    job = await submit(api.jobs, ["http://127.0.0.1:9/"], is_paused=True)
    body = SCHEDULE if path == "/v1/schedules" else SEEDS
    for text in ("", "k" * 201, "a\tb"):
        problem = await api.post(path.replace("{id}", job.id), body, **key(text))
        assert (api.status, api.faults(problem)) == (422, ["Idempotency-Key"]), text


async def test_header_fields_are_described_wherever_they_are_read(api: Api) -> None:
    paths = (await api.get("/openapi.json"))["paths"]
    told = {
        (verb.upper(), path, one["name"])
        for path, verbs in paths.items()
        for verb, said in verbs.items()
        for one in said["parameters"]
        if one["in"] == "header"
    }
    assert {one for one in told if not one[2].startswith("If-")} == {
        ("POST", "/v1/jobs", "Idempotency-Key"),
        ("POST", "/v1/jobs/{id}/seeds", "Idempotency-Key"),
        ("POST", "/v1/jobs/{id}/run-again", "Idempotency-Key"),
        ("POST", "/v1/schedules", "Idempotency-Key"),
        ("GET", "/v1/events", "Last-Event-ID"),
        ("GET", "/v1/jobs/{id}/events", "Last-Event-ID"),
        ("GET", "/v1/jobs/{id}/changes", "Last-Event-ID"),
    }
