"""Every list is read to its end, page after page, by the cursor in its body and by its link."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from crawler.daemon import State, Template, open_client
from crawler.daemon.http.app import operations
from crawler.daemon.http.operations import Operation
from crawler.testing import Page, Site, Web, html, open_web

from ..conftest import submit, until
from .conftest import TOKEN, Api

SITES = [f"{letter}.test" for letter in "abcde"]
KEYS = {
    "/v1/jobs": "id",
    "/v1/schedules": "id",
    "/v1/templates": "name",
    "/v1/jobs/{id}/pages": "url",
    "/v1/jobs/{id}/sites": "site",
    "/v1/jobs/{id}/errors": "site",
    "/v1/jobs/{id}/parked": "pattern",
    "/v1/jobs/{id}/files": "path",
    "/v1/jobs/{id}/history": "id",
    "/v1/jobs/{id}/settings": "key",
}
"""All lists, and what names an entry."""


def lists() -> dict[str, Operation]:
    """The operations that answer a list, by their paths."""
    return {
        one.path: one
        for one in operations()
        for answer in one.answers.values()
        if isinstance(answer, type) and "items" in answer.model_fields
    }


def test_every_list_has_a_cursor_a_limit_and_the_next_page() -> None:
    assert set(lists()) == set(KEYS), "every list is read to its end below"
    for path, one in lists().items():
        assert one.query, path
        assert {"cursor", "limit"} <= one.query.model_fields.keys(), path
        (answer,) = one.answers.values()
        assert isinstance(answer, type), path
        assert "next" in answer.model_fields, path


def endless(target: str) -> Page:
    at = int(target.rpartition("/")[2])
    return html("Without end", [f"{target.rpartition('/')[0]}/{n}" for n in range(at + 1, min(at + 6, 150))])


async def filled(api: Api, seeds: Sequence[str]) -> str:
    """A daemon of which every list has several entries; returns the job."""
    job = (await submit(api.jobs, seeds, settings={"limit_per_site": 60})).id
    for n in range(3):
        await submit(api.jobs, ["http://127.0.0.1:9/"], is_paused=True)
        await api.jobs.put_template(Template(f"t{2 - n}"))
        await api.post("/v1/schedules", {"cron": "0 6 * * *", "seeds": ["http://127.0.0.1:9/"]})
    await until(api.jobs, job, State.COMPLETED)
    return job


async def pages_of(api: Api, path: str, limit: int, way: str) -> AsyncIterator[list[Any]]:
    """Yields the pages of a list; the next is found by `way`: its cursor, or its link."""
    async with api.http.get(
        f"{api.url}{path}", params={"limit": limit}, headers={"Authorization": f"Bearer {TOKEN}"}
    ) as answer:
        page, url, links = await answer.json(), answer.url, answer.links
    while True:
        yield page["items"]
        assert (page["next"] is None) is ("next" not in links)
        if page["next"] is None:
            return
        url = links["next"]["url"] if way == "link" else url.update_query(cursor=page["next"])  # type: ignore[assignment]
        async with api.http.get(url, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
            page, links = await answer.json(), answer.links


@pytest.mark.slow
async def test_every_list_is_read_to_its_end_in_small_pages(api: Api) -> None:
    web = Web([Site(name, {"/": html("Home", ["/gone", "/t/0", "/u/0"])}, traps={"/t/": endless, "/u/": endless})
               for name in SITES])  # fmt: skip
    async with open_web(web) as served:
        job = await filled(api, [served.url(name, "/") for name in SITES])
        await api.jobs.hold(job, "http://held.test")
        for path, key in KEYS.items():
            place = path.replace("{id}", job)
            most, few = {"pages": (1000, 150), "parked": (500, 1)}.get(path.rpartition("/")[2], (500, 2))
            whole = [one[key] for one in (await api.get(place, params={"limit": most}))["items"]]
            assert len(whole) > few or path.endswith("/sites"), path
            for way in ("cursor", "link"):
                pages = [page async for page in pages_of(api, place, few, way)]
                assert [one[key] for page in pages for one in page] == whole, path
                assert all(0 < len(page) <= few for page in pages) or path.endswith("/sites"), path


async def test_sites_come_page_by_page_and_held_ones_with_the_first(api: Api) -> None:
    seeds = [f"http://127.0.0.1:{port}/{n}" for port in range(9, 16) for n in range(port - 8)]
    job = (await submit(api.jobs, seeds, settings={"limit_per_site": 1, "delay_s": 60.0})).id
    while len((await api.get(f"/v1/jobs/{job}/sites"))["items"]) < 5:
        pass
    await api.jobs.hold(job, "http://held.test")
    await api.post(f"/v1/jobs/{job}/pause")
    while api.jobs.running():  # then the file answers, which knows no site where only retries wait
        await asyncio.sleep(0.01)
    path = f"/v1/jobs/{job}/sites"
    whole = [one["site"] for one in (await api.get(path))["items"]]
    assert whole[-1] == "http://held.test"
    pages = [[one["site"] for one in page] async for page in pages_of(api, path, 2, "link")]
    assert pages[0] == [*whole[:2], "http://held.test"]
    assert [site for page in pages[1:] for site in page] == whole[2:-1]


async def test_entries_that_come_and_go_between_pages_move_no_others(api: Api) -> None:
    for n in range(6):
        await api.jobs.put_template(Template(f"t{n}"))
    first = await api.get("/v1/templates?limit=3")
    await api.jobs.remove_template("t0")
    await api.jobs.remove_template("t2")
    await api.jobs.put_template(Template("s"))
    rest = await api.get("/v1/templates", params={"cursor": first["next"]})
    assert [one["name"] for one in first["items"] + rest["items"]] == ["t0", "t1", "t2", "t3", "t4", "t5"]


async def test_a_cursor_of_another_list_and_one_that_is_none_are_told_so(api: Api) -> None:
    job = (await submit(api.jobs, ["http://127.0.0.1:9/"], is_paused=True)).id
    (api.jobs.folder(job) / "pages.jsonl").write_bytes(b"")
    for _ in range(3):
        await submit(api.jobs, ["http://127.0.0.1:9/"], is_paused=True)
    cursors = dict.fromkeys(KEYS, "x")
    for n in range(3):
        await api.jobs.change(job, {}, priority=n + 1)
    for path in ("/v1/jobs", "/v1/jobs/{id}/history", "/v1/jobs/{id}/settings"):
        cursors[path] = (await api.get(path.replace("{id}", job), params={"limit": 1}))["next"]
    for path in KEYS:
        for owner, cursor in cursors.items():
            if owner != path or cursor == "x":
                problem = await api.get(path.replace("{id}", job), params={"cursor": cursor})
                assert (api.status, api.faults(problem)) == (422, ["cursor"]), (path, owner)
                assert "take it from the `next` of the previous page" in problem["detail"]


async def test_the_client_reads_a_list_to_its_end(api: Api) -> None:
    ids = [(await submit(api.jobs, ["http://127.0.0.1:9/"], is_paused=True)).id for _ in range(5)]
    async with open_client(api.url, TOKEN) as client:
        async with aclosing(client.list("/v1/jobs", {"limit": 2, "sort": "name"})) as listed:
            assert [job["id"] async for job in listed] == ids[::-1]
        async with open_web(Web([Site("a.test", {"/": html("Home", ["/1"]), "/1": html("One")})])) as served:
            job = (await submit(api.jobs, served.seeds)).id
            await until(api.jobs, job, State.COMPLETED)
            await api.jobs.plant(job, _late())  # more may come: the list has no end yet
            await api.jobs.resume(job)
            async with aclosing(client.list(f"/v1/jobs/{job}/pages", {"limit": 1})) as listed:
                assert len([one async for one in listed]) >= 2


async def _late() -> AsyncIterator[Sequence[str]]:
    yield ["http://127.0.0.1:9/"]
