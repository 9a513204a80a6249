"""A job's feed of changes as server-sent events, behind the cursor of the last one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import anyio

from crawler.daemon import State
from crawler.testing import Page, Site, Web, html, open_web
from crawler.testing.pages import Asked
from crawler.testing.wire import Answer

from ..conftest import until
from .conftest import TOKEN, Api
from .test_outputs import run


def news() -> Page:
    """A page that is another one at each visit."""
    page = html("News")

    def answer(asked: Asked) -> Answer:
        return html(f"News {asked.visit}").answer(asked)

    return replace(page, answer=answer, fixed=False)


async def test_changes_are_told_once_while_a_job_is_resumed(api: Api) -> None:
    pages = {"/": html("Home", ["/news", "/same"]), "/news": news(), "/same": html("Same")}
    async with open_web(Web([Site("a.test", pages)])) as served:
        job = await run(api, served.seeds, {"kind": "jsonl"}, revisit_after_s=0)
        first = await read(api, job, 3)
        assert sorted((kind, one["url"].rpartition("/")[2]) for _, kind, one in first) == [
            ("new", ""), ("new", "news"), ("new", "same"),
        ]  # fmt: skip
        await api.post(f"/v1/jobs/{job}/resume")
        await until(api.jobs, job, State.COMPLETED)
        [(cursor, kind, one)] = await read(api, job, 1, first[-1][0])
        assert (kind, one["url"]) == ("changed", served.url("a.test", "/news"))
        assert cursor == one["cursor"]
        assert await read(api, job, 1, first[1][0]) == [first[2]]


async def test_what_is_no_cursor_of_the_job_is_refused(api: Api) -> None:
    async with open_web(Web([Site("a.test", {"/": html("Home")})])) as served:
        job = await run(api, served.seeds, {"kind": "jsonl"})
    problem = await api.get(f"/v1/jobs/{job}/changes?since=nonsense")
    assert (api.status, api.faults(problem)) == (422, ["since"])
    await api.get("/v1/jobs/none/changes")
    assert api.status == 404


async def read(api: Api, job: str, most: int, since: str = "") -> list[tuple[str, str, dict[str, Any]]]:
    """Reads as many changes of a job: cursor, kind, fields."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    headers = {"Authorization": f"Bearer {TOKEN}", **({"Last-Event-ID": since} if since else {})}
    with anyio.fail_after(20):
        async with api.http.get(f"{api.url}/v1/jobs/{job}/changes", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            fields: dict[str, str] = {}
            async for line in answer.content:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif "data" in fields:
                    found.append((fields["id"], fields["event"], json.loads(fields["data"])))
                    fields = {}
                if len(found) == most:
                    return found
    return found
