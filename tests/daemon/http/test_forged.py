"""What strangers wrote into records and errors of jobs forges no line, no event and no webhook of the daemon's."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest
from pydantic import BaseModel

from crawler.daemon import DaemonConfig, State, open_jobs
from crawler.daemon.http.answers import json as json_of
from crawler.daemon.http.problems import Problem, answer
from crawler.daemon.jobs.states import Verb
from crawler.settings.loading import load
from crawler.sinks import JsonLines
from tests.sinks.test_forged import EVERYTHING, FORGED, HALVES, assert_each_is_one, outcomes, records_of

from ..conftest import submit, until
from ..webhooks.test_webhooks import open_target
from .conftest import TOKEN, Api

SEED = "http://127.0.0.1:9/"
TEXTS = {**{text: text for text in FORGED.values()}, **HALVES}


async def _forged(api: Api) -> str:
    """A job whose records hold all that."""
    job = await submit(api.jobs, [SEED], is_paused=True)
    folder = api.jobs.folder(job.id)
    folder.mkdir(exist_ok=True)
    sink = JsonLines(folder / "pages.jsonl", EVERYTHING)
    await sink.rewind(None)
    await sink.write(outcomes())
    return job.id


async def test_the_api_gives_each_record_once_and_as_it_is(api: Api) -> None:
    job = await _forged(api)
    path = f"/v1/jobs/{job}/pages"
    lines = await api.get(path, headers={"Accept": "application/x-ndjson"})
    assert_each_is_one(lines)
    records = records_of(lines)
    assert (await api.get(f"{path}?limit=1000"))["items"] == records
    assert (await api.get(f"{path}?last=1000"))["items"] == records
    for asked, wanted in {
        "reason=dns": records, "disposition=failed": records, "status=200": records, "site=a.test": records,
        "site=forged.test": [], "disposition=fetched": [], "status=404": [],
    }.items():  # fmt: skip
        assert (await api.get(f"{path}?limit=1000&{asked}"))["items"] == wanted, asked


async def test_what_failed_is_counted_by_what_it_was(api: Api) -> None:
    job = await _forged(api)
    failures = (await api.get(f"/v1/jobs/{job}/errors"))["items"]
    assert [(one["site"], one["reason"], one["n"]) for one in failures] == [("http://a.test", "dns", len(TEXTS))]


@pytest.mark.parametrize("text", FORGED.values(), ids=range(len(FORGED)))
async def test_an_error_is_one_event_one_message_and_one_field(api: Api, text: str) -> None:
    async with open_target() as target:
        job = await submit(api.jobs, [SEED], is_paused=True, webhook=target.url)
        await api.jobs._registry.move(job.id, Verb.RESUME, "user")
        await api.jobs._registry.move(job.id, Verb.CANCEL, "user", error=text)
        assert (await api.get(f"/v1/jobs/{job.id}"))["error"] == text
        await target.until(lambda: target.states(job.id)[-1:] == ["cancelled"])
        assert target.events[-1]["data"]["error"] == text
    events = await _events_of(api, job.id)
    assert [event["data"].get("error") for event in events if event["data"].get("to") == "cancelled"] == [text]
    assert len(events) == len({event["id"] for event in events}) == 3


async def _events_of(api: Api, job: str) -> list[dict[str, Any]]:
    """All that was kept, as a reader of event streams takes it: a field ends with CR, LF or both, and nothing else."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    head = f"GET /v1/jobs/{job}/events?after=0 HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    writer.write(head.encode())
    told = b""
    with anyio.fail_after(30):
        while b'"to":"cancelled"' not in told or not told.endswith(b"\n\n"):
            told += await reader.read(1 << 16)
    writer.close()
    fields = [line.partition(b": ")[::2] for line in told.partition(b"\r\n\r\n")[2].splitlines() if line]
    assert {name for name, _ in fields} <= {b"id", b"event", b"data", b""}
    events = [json.loads(value) for name, value in fields if name == b"data"]
    assert events == [orjson.loads(value) for name, value in fields if name == b"data"]
    return events


async def test_a_folder_of_any_octets_ends_no_daemon(tmp_path: Path) -> None:
    """A job that fails there names it; half a character stands for an octet that is no UTF-8."""
    settings = load(settings={"executor": "inline", "allow_networks": ["127.0.0.0/8"]})
    async with open_jobs(DaemonConfig(), tmp_path / "a\udcff\nb", settings) as jobs:
        job = await submit(jobs, [SEED], is_paused=True)
        (jobs.folder(job.id) / "pages.jsonl").symlink_to("/dev/null")
        await jobs.resume(job.id)
        failed = await until(jobs, job.id, State.FAILED)
        assert "/a\\udcff\\nb/" in failed.error
        assert json.loads((await jobs.history(job.id))[-1].json)["data"]["error"] == failed.error


def test_an_answer_can_name_anything() -> None:
    class Told(BaseModel):
        folder: str
        moments: tuple[float, ...] = (0.5,)

    assert json_of(Told(folder="a\udcffb")).text == '{"folder":"a\ufffdb","moments":[0.5]}\n'


def test_a_problem_can_name_anything() -> None:
    told = answer(Problem(409, "wrong-state", "a\udcff\u2028b")).text
    assert told is not None
    assert told.endswith('"status":409,"detail":"a\ufffd\\u2028b"}\n')
