"""Whoever changes a job, a schedule or a template as it was read is refused once somebody else has changed it."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from crawler.daemon import Jobs, Outdated, State
from crawler.testing import Site, Web, html, open_web, slow

from ..conftest import Open, submit, until
from .conftest import Api

SEEDS = ["http://127.0.0.1:9/"]
SCHEDULE = {"cron": "0 6 * * *", "seeds": SEEDS}
OUTDATED = "urn:crawld:problem:outdated"


def when(tag: str) -> dict[str, Any]:
    return {"headers": {"If-Match": tag}}


async def paused(api: Api) -> str:
    return f"/v1/jobs/{(await submit(api.jobs, SEEDS, is_paused=True)).id}"


async def test_the_second_of_two_writers_is_told_and_changes_nothing(api: Api) -> None:
    path = await paused(api)
    read = await api.get(path)
    tag = api.headers["Etag"]
    assert tag == f'"{read["revision"]}"'
    changed = await api.ask("PATCH", path, {"priority": 3}, **when(tag))
    assert (api.status, api.headers["Etag"]) == (200, f'"{changed["job"]["revision"]}"')
    problem = await api.ask("PATCH", path, {"priority": 4, "name": "other"}, **when(tag))
    assert (api.status, problem["type"]) == (412, OUTDATED)
    assert problem["detail"] == (
        f"job {path.rpartition('/')[2]} was changed since you have read it (its revision is 1 now): read it again, and"
        " repeat your change if it is still right"
    )
    now = await api.get(path)
    assert (now["priority"], now["name"], now["revision"]) == (3, read["name"], read["revision"] + 1)
    await api.ask("PATCH", path, {"priority": 4}, **when(api.headers["Etag"]))
    assert api.status == 200


async def test_of_writers_at_once_with_one_revision_one_wins(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        job = await submit(jobs, SEEDS, is_paused=True)
        done: list[str] = []

        async def write(name: str) -> None:
            try:
                await jobs.change(job.id, {}, name=name, expected=[job.revision])
                done.append(name)
            except Outdated:
                pass

        async with anyio.create_task_group() as tasks:
            for n in range(5):
                tasks.start_soon(write, str(n))
        assert len(done) == 1
        assert jobs.find(job.id).name == done[0]
    async with open_daemon() as jobs:
        assert jobs.find(job.id).revision == job.revision + 1, "kept over a restart"


async def test_every_change_makes_a_new_revision_and_figures_make_none(api: Api) -> None:
    pages = {f"/{n}": slow(html(str(n)), 0.02) for n in range(20)}
    async with open_web(Web([Site("a.test", {"/": html("Home", list(pages)), **pages})])) as served:
        job = (await submit(api.jobs, served.seeds, is_paused=True)).id
        seen = [api.jobs.find(job).revision]

        async def check() -> None:
            seen.append(api.jobs.find(job).revision)
            assert seen[-1] > seen[-2]

        for change in ({"name": "x"}, {"priority": 1}, {"labels": {"a": "b"}}, {"settings": {"max_depth": 3}}):
            await api.ask("PATCH", f"/v1/jobs/{job}", change)
            await check()
        await api.jobs.hold(job, "http://a.test")
        await check()
        await api.jobs.change(job, {"max_depth": 3}, name="x", priority=1)
        assert api.jobs.find(job).revision == seen[-1], "nothing changed"
        await api.jobs.resume(job)
        await until(api.jobs, job, State.RUNNING)
        await check()
        while not api.jobs.find(job).pages:
            await anyio.sleep(0.01)
        assert api.jobs.find(job).state is State.COMPLETED or api.jobs.find(job).revision == seen[-1]
        await until(api.jobs, job, State.COMPLETED)
        await check()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("POST", "/pause", None),
        ("POST", "/resume", None),
        ("POST", "/cancel", None),
        ("POST", "/retry", {}),
        ("POST", "/unpark", {}),
        ("POST", "/sites/hold", {"site": "http://a.test"}),
        ("POST", "/sites/release", {"site": "http://a.test"}),
    ],
)
async def test_no_action_on_an_older_revision_does_anything(
    api: Api, method: str, path: str, body: dict[str, Any] | None
) -> None:
    job = await paused(api)
    before = await api.get(job)
    for tag in ('"7"', '"0", "x"', f'W/"{before["revision"]}"', '"99999999999999999999"'):
        if tag != '"0", "x"':
            problem = await api.ask(method, job + path, body, **when(tag))
            assert (api.status, problem["type"]) == (412, OUTDATED), tag
    for tag in ("7", "", "no tag"):
        problem = await api.ask(method, job + path, body, **when(tag))
        assert (api.status, api.faults(problem)) == (422, ["If-Match"]), tag
    assert await api.get(job) == before
    for tag in ('"9", "0"', "*"):
        job = await paused(api)
        await api.ask(method, job + path, body, **when(tag))
        assert api.status in (200, 202, 204), tag


async def test_a_job_that_ended_meanwhile_is_not_removed_by_who_saw_it_run(api: Api) -> None:
    job = await paused(api)
    seen = await api.get(job)
    tag = api.headers["Etag"]
    await api.post(f"{job}/cancel")
    await api.ask("DELETE", job, **when(tag))
    assert api.status == 412
    assert (await api.get(job))["revision"] == seen["revision"] + 1
    await api.ask("DELETE", job, **when(api.headers["Etag"]))
    assert api.status == 204
    running = await paused(api)
    await api.ask("DELETE", running, **when('"0"'))
    assert api.status == 204, "its own cancel counts as no change of somebody else"


async def test_a_schedule_has_revisions_too(api: Api) -> None:
    made = await api.post("/v1/schedules", SCHEDULE)
    tag, path = api.headers["Etag"], api.headers["Location"]
    assert await api.get(path) == made
    assert api.headers["Etag"] == tag == f'"{made["revision"]}"'
    await api.ask("PATCH", path, {"name": "a"}, **when(tag))
    assert (api.status, api.headers["Etag"] != tag) == (200, True)
    for method, body in (("PATCH", {"name": "b"}), ("DELETE", None)):
        problem = await api.ask(method, path, body, **when(tag))
        assert (api.status, problem["type"]) == (412, OUTDATED)
    assert (await api.get(path))["name"] == "a"
    await api.ask("DELETE", path, **when(api.headers["Etag"]))
    assert api.status == 204


async def test_a_template_has_revisions_too_and_one_can_be_made_only_where_there_is_none(api: Api) -> None:
    path = "/v1/templates/t"
    await api.ask("PUT", path, {"settings": {}}, **when('"1"'))
    assert api.status == 412
    await api.ask("PUT", path, {"settings": {}}, headers={"If-None-Match": "*"})
    assert api.status == 200
    tag = api.headers["Etag"]
    await api.ask("PUT", path, {"settings": {"limit": 1}}, headers={"If-None-Match": "*"})
    assert api.status == 412
    made = await api.ask("PUT", path, {"settings": {"limit": 2}}, **when(tag))
    assert (api.status, await api.get(path)) == (200, made)
    for method, body in (("PUT", {"settings": {"limit": 3}}), ("DELETE", None)):
        await api.ask(method, path, body, **when(tag))
        assert api.status == 412
    now = (await api.get("/v1/templates"))["items"]
    assert now == [made]
    await api.ask("DELETE", path, **when(f'"{made["revision"]}"'))
    await api.ask("PUT", path, {"settings": {}})
    assert (await api.get(path))["revision"] > made["revision"], "not the one that was removed"
    problem = await api.ask("PUT", path, {"settings": {}}, headers={"If-None-Match": '"1"'})
    assert (api.status, api.faults(problem)) == (422, ["If-None-Match"])
    await api.get("/v1/templates/none")
    assert api.status == 404


@pytest.mark.parametrize("path", ["/v1/settings", "/openapi.json"])
async def test_a_long_answer_that_the_client_has_is_not_sent_again(api: Api, path: str) -> None:
    said = await api.get(path)
    tag = api.headers["Etag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        assert await api.get(path, headers={"If-None-Match": known}) == b""
        assert (api.status, api.headers["Etag"]) == (304, tag), known
    for other in ('"x"', "nonsense"):
        assert await api.get(path, headers={"If-None-Match": other}) == said
        assert api.status == 200


async def test_programs_say_what_they_expect(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        job = await submit(jobs, SEEDS, is_paused=True)
        await jobs.pause(job.id, expected=[job.revision])
        await jobs.change(job.id, {"limit": 3})
        await _refused(jobs, job.id, job.revision)
        assert jobs.find(job.id).settings == {"scope": {"limit": 3}}


async def _refused(jobs: Jobs, job: str, revision: int) -> None:
    for act in (jobs.pause, jobs.resume, jobs.cancel, jobs.remove, jobs.retry, jobs.unpark):
        with pytest.raises(Outdated, match="read it again"):
            await act(job, expected=[revision])
