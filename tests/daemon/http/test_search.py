"""Pages of a job are found by words, with the same words as on the command line."""

from __future__ import annotations

from crawler.daemon import State
from crawler.testing import Site, Web, html, open_web, slow

from ..conftest import until
from .conftest import Api
from .test_outputs import run

PAGES = {"/": html("Home", ["/cats", "/dogs"]), "/cats": html("On cats"), "/dogs": html("On dogs")}


async def test_pages_of_a_job_are_found_by_words(api: Api) -> None:
    async with open_web(Web([Site("a.test", PAGES)])) as served:
        job = await run(api, served.seeds, {"kind": "jsonl", "text": True})
        home = served.url("a.test").rstrip("/")
    found = await api.get(f"/v1/jobs/{job}/search?q=cat*%20-dogs&status=2xx&site={home}")
    assert (found["total"], found["has_texts"], found["is_current"]) == (1, True, True)
    [hit] = found["hits"]
    assert (hit["url"], hit["title"], hit["status"]) == (f"{home}/cats", "On cats", 200)
    assert [hit["snippet"][begin:end] for begin, end in hit["marks"]] == ["cats"]
    assert (await api.get(f"/v1/jobs/{job}/search?q=http&limit=1"))["total"] == 3
    for query, field in (("q=-x", "q"), ("q=a&after=soon", "after"), ("q=a&site=b.test", "site"), ("", "q")):
        problem = await api.get(f"/v1/jobs/{job}/search?{query}")
        assert (api.status, api.faults(problem)) == (422, [field]), query
    await api.get("/v1/jobs/none/search?q=a")
    assert api.status == 404


async def test_a_job_that_runs_is_searched_too(api: Api) -> None:
    pages = {"/": html("Home", ["/cats", "/late"]), "/cats": html("On cats"), "/late": slow(html("Late"), 60)}
    async with open_web(Web([Site("a.test", pages)])) as served:
        settings = {"sinks": [{"kind": "jsonl"}], "delay_s": 0.0, "per_site": 4, "allow_networks": ["127.0.0.0/8"]}
        job = (await api.post("/v1/jobs", {"seeds": served.seeds, "settings": settings}))["id"]
        await until(api.jobs, job, State.RUNNING)
        found = {"total": 0}
        while not found["total"]:
            found = await api.get(f"/v1/jobs/{job}/search?q=cats")
        assert found["hits"][0]["title"] == "On cats"  # type: ignore[index]
        await api.post(f"/v1/jobs/{job}/cancel")
        await until(api.jobs, job, State.CANCELLED)
