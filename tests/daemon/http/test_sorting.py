"""The list of jobs in another order: each job once over all pages, whatever changes in between."""

from __future__ import annotations

from typing import Any

from crawler.daemon import State
from crawler.testing import Site, Web, error, html, open_web

from ..conftest import submit, until
from .conftest import Api

SORTS = ("created", "name", "state", "pages", "pages_per_s", "bytes", "queued", "failed")


def web(n: int) -> Web:
    pages = {f"/{at}": html(str(at)) for at in range(n)} | {f"/gone/{at}": error(404) for at in range(n)}
    return Web([Site("site.test", {"/": html("Home", list(pages)), **pages})])


async def fill(api: Api) -> None:
    """Jobs of one, two and three pages, that failed as often, and two that wait."""
    for n, name in ((1, "bee"), (3, "Ant"), (2, "cat")):
        async with open_web(web(n)) as served:
            job = await submit(api.jobs, served.seeds, name=name)
            await until(api.jobs, job.id, State.COMPLETED)
    for name in ("ant", "dog"):
        await submit(api.jobs, ["http://127.0.0.1:9/"], name=name, is_paused=True)


async def walk(api: Api, query: str, limit: int = 1) -> list[str]:
    """The names of all jobs, page by page."""
    names, cursor = [], ""
    while True:
        page = await api.get(f"/v1/jobs?limit={limit}&{query}{cursor}")
        assert api.status == 200, page
        names += [job["name"] for job in page["items"]]
        if page["next"] is None:
            return names
        cursor = f"&cursor={page['next']}"


async def test_jobs_are_listed_in_any_order_page_by_page(api: Api) -> None:
    await fill(api)
    assert await walk(api, "") == ["dog", "ant", "cat", "Ant", "bee"]
    assert await walk(api, "order=asc") == ["bee", "Ant", "cat", "ant", "dog"]
    assert await walk(api, "sort=name&order=asc") == ["Ant", "ant", "bee", "cat", "dog"]
    assert await walk(api, "sort=pages") == ["Ant", "cat", "bee", "dog", "ant"]
    assert await walk(api, "sort=failed&order=asc") == ["ant", "dog", "bee", "cat", "Ant"]
    assert await walk(api, "sort=state&order=asc") == ["ant", "dog", "bee", "Ant", "cat"]
    assert await walk(api, "sort=pages&state=completed&name=a") == ["Ant", "cat"]
    for sort in SORTS:
        whole: Any = await api.get(f"/v1/jobs?sort={sort}")
        assert [job["name"] for job in whole["items"]] == await walk(api, f"sort={sort}", 2)


async def test_a_cursor_stays_right_when_its_job_is_removed_and_belongs_to_its_order(api: Api) -> None:
    await fill(api)
    page = await api.get("/v1/jobs?sort=pages&limit=2")
    assert [job["name"] for job in page["items"]] == ["Ant", "cat"]
    await api.jobs.remove(page["items"][-1]["id"])
    rest = await api.get(f"/v1/jobs?sort=pages&cursor={page['next']}")
    assert [job["name"] for job in rest["items"]] == ["bee", "dog", "ant"]
    for sort in ("created", "name", "bytes"):
        problem = await api.get(f"/v1/jobs?sort={sort}&cursor={page['next']}")
        assert api.status == 422
        assert api.faults(problem) == ["cursor"]
    assert api.faults(await api.get("/v1/jobs?sort=colour")) == ["sort"]


async def test_long_names_make_cursors_that_are_taken_back(api: Api) -> None:
    for n in range(3):
        await submit(api.jobs, ["http://127.0.0.1:9/"], name="\U00010400" * 199 + str(n), is_paused=True)
    assert [name[-1] for name in await walk(api, "sort=name&order=asc")] == ["0", "1", "2"]
