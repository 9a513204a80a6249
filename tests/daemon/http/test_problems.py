"""Each problem that the description promises can happen, and none happens that it does not name."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import orjson
import pytest

import crawler.daemon.http
from crawler import ConfigError
from crawler.daemon import State, desk
from crawler.daemon.http import errors, inputs
from crawler.daemon.http.admission import Admission
from crawler.daemon.http.app import operations
from crawler.daemon.http.bounds import Bounds
from crawler.daemon.http.problem_kinds import KINDS, OF_ALL, problems_of
from crawler.daemon.http.server import open_server
from crawler.daemon.schedules import submitter

from ..conftest import Open, submit, until
from .conftest import TOKEN, Api, _session

SEEDS = {"seeds": ["http://127.0.0.1:9/"]}
SCHEDULE = {"cron": "0 6 * * *", **SEEDS}
KEY: dict[str, Any] = {"headers": {"Idempotency-Key": "k"}}
OPERATIONS = {entry.name: entry for entry in operations()}
RACES = {("remove_job", "wrong-state")}
"""Problems that need two requests at one instant: a job is resumed while it is being removed."""


def documented(name: str) -> set[str]:
    return {kind.slug for kinds in problems_of(OPERATIONS[name]).values() for kind in kinds}


# -- the code and the list agree --------------------------------------------------------------------------------------


def test_every_problem_in_the_code_is_in_the_list_with_its_status_and_every_one_of_the_list_in_the_code() -> None:
    raised = {(status, slug) for _, status, slug in errors._STATUS} | set(_literals())
    assert raised == {(kind.status, kind.slug) for kind in KINDS.values()}


VARIABLE = {(401, "no-token"), (401, "wrong-token"), (400, "malformed"), (500, "internal")}
"""Their status or their slug is no literal where they are made."""


def _literals() -> Iterator[tuple[int, str]]:
    """Yields status and slug of every problem that the code of the API makes."""
    for path in Path(crawler.daemon.http.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                given = [one.value if isinstance(one, ast.Constant) else None for one in node.args[:2]]
                if None not in given:
                    yield given[0], given[1]  # type: ignore[misc]
    yield from VARIABLE


def test_the_documentation_names_every_problem() -> None:
    text = (Path(__file__).parents[3] / "docs/daemon.md").read_text()
    rows = "".join(f"| {kind.status} | `{kind.slug}` | {kind.meaning} |\n" for kind in KINDS.values())
    assert rows in text


def test_what_an_operation_raises_is_in_the_list() -> None:
    for entry in operations():
        assert set(entry.raises) <= KINDS.keys(), entry.name
    used = {slug for name in OPERATIONS for slug in documented(name)}
    assert KINDS.keys() - used == {"method"}, "no operation answers it: there is none"


# -- each of them happens ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def opened(
    open_daemon: Open, bounds: Bounds | None = None, reload: Any = None, **daemon: Any
) -> AsyncIterator[Api]:
    async with (
        open_daemon(**daemon) as jobs,
        open_server(
            jobs, host="127.0.0.1", port=0, token=TOKEN, admission=Admission(bounds or Bounds()), reload=reload
        ) as listening,
        _session() as http,
    ):
        assert listening.port
        yield Api(listening.url, listening.port, jobs, http)


class Tried:
    """Asks for problems, and keeps which operation answered which."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.seen: set[tuple[str, str]] = set()

    async def ask(self, name: str, slug: str, body: object = None, job: str = "j-none", **more: Any) -> None:
        entry = OPERATIONS[name]
        path = entry.path.replace("{id}", job).replace("{name}", "none").replace("{file:.+}", "none")
        problem = await self.api.ask(entry.method, path + more.pop("query", ""), body, **more)
        assert problem["type"] == KINDS[slug].uri, (name, problem)
        assert self.api.status == problem["status"] == KINDS[slug].status
        assert slug in documented(name)
        self.seen.add((name, slug))


async def test_what_each_operation_says_it_may_answer_happens(
    open_daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[tuple[str, str]] = set()

    def wrong_file() -> NoReturn:
        raise ConfigError("no such setting")

    async with opened(open_daemon, Bounds(streams=0), wrong_file, max_jobs=5, max_seeds=2) as api:
        tried = Tried(api)
        await tried.ask("reload_settings", "bad-field")
        await _try_jobs(tried)
        await _try_schedules(tried, monkeypatch)
        await _try_pages(tried, monkeypatch)
        await _try_records(tried, "list_pages", "list_errors", "show_report", "send_report_page")
        await api.jobs.store.do(lambda connection: connection.execute("DROP TABLE event"))
        await tried.ask("show_history", "store", job=api.jobs.list()[0].id)
        seen |= tried.seen
    async with opened(open_daemon, Bounds(streams=1)) as api:
        tried = Tried(api)
        await tried.ask("reload_settings", "no-file")
        await tried.ask("show_key_directory", "not-found")
        await _try_changes(tried)
        await api.jobs.store.do(lambda connection: connection.execute("ALTER TABLE event RENAME COLUMN data TO gone"))
        for name in ("follow_all", "follow_job"):
            await tried.ask(name, "store", job=api.jobs.list()[0].id, query="?after=0")
        seen |= tried.seen
    async with open_daemon() as jobs:
        pass
    async with open_server(jobs, host="127.0.0.1", port=0, token=TOKEN) as listening, _session() as http:
        assert listening.port
        tried = Tried(Api(listening.url, listening.port, jobs, http))
        await tried.ask("is_ready", "not-ready")
        await tried.ask("list_jobs", "not-ready")
        seen |= tried.seen
    promised = {(entry.name, slug) for entry in operations() for slug in entry.raises}
    assert promised - seen == RACES


async def _try_pages(tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("fetch_page", "map_site"):
        await tried.ask(name, "disallowed", {"url": "http://10.0.0.1/"})
        await tried.ask(name, "no-answer", {"url": "http://127.0.0.1:9/"})
        await tried.ask(name, "too-slow", {"url": "http://127.0.0.1:9/", "timeout_s": 1e-6})
        with monkeypatch.context() as patch:
            patch.setattr(desk, "MOST_AT_ONCE", 0)
            await tried.ask(name, "busy", {"url": "http://127.0.0.1:9/"})


async def _try_jobs(tried: Tried) -> None:
    api = tried.api
    job = (await submit(api.jobs, SEEDS["seeds"], is_paused=True)).id
    await tried.ask("submit_job", "not-found", {**SEEDS, "template": "none"})
    await tried.ask("submit_job", "full", {"seeds": SEEDS["seeds"] * 3})
    await api.post("/v1/jobs", {**SEEDS, "is_paused": True}, **KEY)
    await tried.ask("submit_job", "key-reused", SEEDS, **KEY)
    await tried.ask("plant_seeds", "full", {"seeds": SEEDS["seeds"] * 3}, job)
    await api.post(f"/v1/jobs/{job}/seeds", SEEDS, **KEY)
    await tried.ask("plant_seeds", "key-reused", {"seeds": ["http://127.0.0.1:10/"]}, job, **KEY)
    await tried.ask("run_job_again", "full", {"seeds": SEEDS["seeds"] * 3}, job)
    await tried.ask("run_job_again", "key-reused", {}, job, **KEY)
    many = [{"patterns": [f"{n} {one}" for n in range(600)]} for one in range(3)]
    for body in many[:2]:
        await api.post(f"/v1/jobs/{job}/unpark", body)
    await tried.ask("unpark_patterns", "full", many[2], job)
    (api.jobs.folder(job)).rename(api.jobs.folder(job).with_suffix(".away"))
    await tried.ask("run_job_again", "wrong-state", {}, job)
    await tried.ask("plant_seeds", "wrong-state", SEEDS, job)
    await tried.ask("retry_failures", "wrong-state", {}, job)
    await tried.ask("unpark_patterns", "wrong-state", {}, job)
    await api.jobs.resume(job)
    await until(api.jobs, job, State.FAILED)
    await tried.ask("pause_job", "wrong-state", job=job)
    await tried.ask("cancel_job", "wrong-state", job=job)
    for name in ("follow_all", "follow_job", "follow_changes"):
        await tried.ask(name, "busy", job=job)


async def _try_schedules(tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    await tried.api.post("/v1/schedules", SCHEDULE, **KEY)
    await tried.ask("add_schedule", "key-reused", {**SCHEDULE, "name": "x"}, **KEY)
    monkeypatch.setattr(submitter, "MOST", 1)
    await tried.ask("add_schedule", "full", SCHEDULE)


async def _try_changes(tried: Tried) -> None:
    api = tried.api
    silent = (await submit(api.jobs, SEEDS["seeds"], is_paused=True, settings={"sinks": []})).id
    await tried.ask("follow_changes", "no-records", job=silent)
    await tried.ask("search_pages", "no-records", job=silent, query="?q=a")
    odd = (await submit(api.jobs, SEEDS["seeds"])).id
    await until(api.jobs, odd, State.COMPLETED)
    records = api.jobs.folder(odd) / "pages.jsonl"
    records.unlink()
    records.symlink_to("/dev/null")
    await tried.ask("follow_changes", "wrong-state", job=odd)
    await tried.ask("search_pages", "wrong-state", job=odd, query="?q=a")


async def _try_records(tried: Tried, *names: str) -> None:
    api = tried.api
    silent = (await submit(api.jobs, SEEDS["seeds"], is_paused=True, settings={"sinks": []})).id
    odd = (await submit(api.jobs, SEEDS["seeds"], is_paused=True)).id
    (api.jobs.folder(odd) / "pages.jsonl").symlink_to("/dev/null")
    for name in names:
        await tried.ask(name, "no-records", job=silent)
        await tried.ask(name, "wrong-state", job=odd)


# -- those of many operations -----------------------------------------------------------------------------------------


def head(method: str = "GET", path: str = "/v1/jobs", *fields: str) -> bytes:
    given = {"Host": "localhost", "Authorization": f"Bearer {TOKEN}"}
    given |= dict(field.split(": ", 1) for field in fields)
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode()


LARGE = inputs.MAX_BODY + 2
JSON = ("Content-Type: application/json", "Content-Length: 9")
REQUESTS: Mapping[str, tuple[str, bytes]] = {
    "malformed": ("list_jobs", head("GET", "/v1/jobs", "X: a\x00b")),
    "bad-host": ("list_jobs", head("GET", "/v1/jobs", "Host: [")),
    "bad-origin": ("list_jobs", head("GET", "/v1/jobs", "Origin: http://[")),
    "foreign-origin": ("list_jobs", head("GET", "/v1/jobs", "Origin: http://evil.test")),
    "foreign-host": ("list_jobs", head("GET", "/v1/jobs", "Host: evil.test")),
    "bad-request": ("list_jobs", head("GET", "/v1/jobs", "Expect: a pony")),
    "no-token": ("list_jobs", head("GET", "/v1/jobs", "Authorization: x")),
    "wrong-token": ("list_jobs", head("GET", "/v1/jobs", "Authorization: Bearer x")),
    "not-found": ("show_job", head("GET", "/v1/jobs/j-none")),
    "bad-field": ("list_jobs", head("GET", "/v1/jobs?limit=0")),
    "timeout": ("submit_job", head("POST", "/v1/jobs", *JSON) + b"{"),
    "too-large": ("submit_job", head("POST", "/v1/jobs", JSON[0], f"Content-Length: {LARGE}") + bytes(LARGE)),
    "media-type": ("submit_job", head("POST", "/v1/jobs", "Content-Type: text/html", JSON[1]) + b"x" * 9),
    "outdated": ("change_job", head("PATCH", "/v1/jobs/JOB", 'If-Match: "9"', JSON[0], "Content-Length: 2") + b"{}"),
    "crawl": ("list_sites", head("GET", "/v1/jobs/JOB/sites")),
    "internal": ("show_metrics", head("GET", "/metrics")),
    "method": ("", head("PUT", "/v1/jobs")),
}


@pytest.mark.parametrize("slug", REQUESTS)
async def test_a_problem_of_many_operations_happens(api: Api, slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "BODY_S", 0.05)
    monkeypatch.setattr(api.jobs, "numbers", None)  # a bug
    job = await submit(api.jobs, SEEDS["seeds"], is_paused=True)
    (api.jobs.folder(job.id) / "frontier.sqlite").write_bytes(b"no database at all" * 100)
    name, request = REQUESTS[slug]
    status, problem = await sent(api, request.replace(b"JOB", job.id.encode()))
    assert problem["type"] == KINDS[slug].uri, problem
    assert status == problem["status"] == KINDS[slug].status
    assert not name or slug in documented(name)


async def sent(api: Api, request: bytes) -> tuple[int, Any]:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    try:
        writer.write(request)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(answer.lower().split("content-length: ")[1].split("\r\n")[0])
        return int(answer.split()[1]), orjson.loads(await reader.readexactly(length))
    finally:
        writer.close()


LABELS = {f"{n}": "x" * 200 for n in range(50)}


async def test_a_full_disk_is_told(api: Api) -> None:
    job = await submit(api.jobs, SEEDS["seeds"], is_paused=True)

    def fill(connection: Any) -> None:
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    await api.jobs.store.do(fill)
    problem = await api.ask("PATCH", f"/v1/jobs/{job.id}", {"name": "x" * 200, "labels": LABELS})
    assert (api.status, problem["type"]) == (507, KINDS["storage-full"].uri)
    assert "storage-full" in documented("change_job")
    assert api.jobs.find(job.id).name != "x" * 200


def test_every_problem_is_tried_here() -> None:
    specific = {slug for entry in operations() for slug in entry.raises}
    assert KINDS.keys() == REQUESTS.keys() | specific | {"storage-full"}
    assert set(OF_ALL) <= REQUESTS.keys()
