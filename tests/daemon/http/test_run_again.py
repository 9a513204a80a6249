"""A job is run again as a new one: the same seeds and settings, but for what the request says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crawler.daemon import State
from crawler.testing import Site, Web, html, open_web

from ..conftest import lines, pages, until
from .conftest import Api

SECRET = {"headers": {"X-Key": "of-our-own"}}
WEB = Web([Site("a.test", {"/": html("Home", ["/1", "/2"]), **{f"/{n}": html(str(n)) for n in range(1, 9)}})])


async def made(api: Api, **body: Any) -> Any:
    job = await api.post("/v1/jobs", body)
    assert api.status == 201, job
    return job


async def test_a_job_runs_again_with_its_seeds_of_all_uploads_its_settings_and_its_secrets(api: Api) -> None:
    async with open_web(WEB) as served:
        seeds = [served.url("a.test", f"/{n}") for n in (1, 3)]
        more: dict[str, Any] = {"labels": {"team": "x"}, "priority": 3, "name": "n"}
        first = await made(api, seeds=seeds, settings={"max_depth": 0, **SECRET}, **more)
        await api.jobs.plant(first["id"], lines([served.url("a.test", "/5")]))
        await until(api.jobs, first["id"], State.COMPLETED)
        again = await api.post(f"/v1/jobs/{first['id']}/run-again", {})
        assert (api.status, api.headers["Location"]) == (201, f"../{again['id']}")
        assert again["id"] != first["id"]
        same = ("name", "settings", "labels", "priority", "template", "webhook")
        assert {name: again[name] for name in same} == {name: first[name] for name in same}
        await until(api.jobs, again["id"], State.COMPLETED)
        assert sorted(pages(api.jobs, again["id"])) == sorted([*seeds, served.url("a.test", "/5")])
        assert api.jobs.find(again["id"]).seeds.given == 3
        assert api.jobs.settings(again["id"]).fetch.headers == SECRET["headers"]


async def test_what_the_request_says_comes_over_the_job(api: Api) -> None:
    labels = {"team": "x", "schedule": "s"}
    settings = {"max_depth": 3, "limit": 9, **SECRET}
    first = await made(api, seeds=["http://a.test/"], settings=settings, labels=labels, is_paused=True)
    body = {"seeds": ["http://b.test/"], "settings": {"limit": 5}, "without": ["scope.max_depth"], "name": "other",
            "labels": {"by": "me"}, "priority": -2, "is_paused": True, "text": True}  # fmt: skip
    again = await api.post(f"/v1/jobs/{first['id']}/run-again", body)
    assert (again["name"], again["priority"], again["state"]) == ("other", -2, "paused")
    assert again["labels"] == {"team": "x", "by": "me"}  # no schedule asked for it
    assert again["settings"]["scope"] == {"limit": 5}
    assert again["settings"]["sinks"] == [{"text": True}]
    assert api.jobs.settings(again["id"]).fetch.headers == SECRET["headers"]
    assert (api.jobs.folder(again["id"]) / "seeds" / "0001.txt").read_text() == "http://b.test/\n"


async def test_a_template_that_is_gone_stays_with_its_settings_as_they_were(api: Api) -> None:
    await api.ask("PUT", "/v1/templates/mine", {"settings": {"max_depth": 2}, "priority": 4})
    first = await made(api, seeds=["http://a.test/"], template="mine", settings={"limit": 7}, is_paused=True)
    await api.ask("DELETE", "/v1/templates/mine")
    again = await api.post(f"/v1/jobs/{first['id']}/run-again", {"is_paused": True})
    assert (again["template"], again["priority"]) == ("mine", 4)
    origins = api.jobs.origins(again["id"])
    assert (origins["scope.max_depth"], origins["scope.limit"]) == ("template", "job")


async def test_a_request_to_run_again_is_repeated_safely(api: Api) -> None:
    first = await made(api, seeds=["http://a.test/"], is_paused=True)
    path, key = f"/v1/jobs/{first['id']}/run-again", {"Idempotency-Key": "k"}
    again = await api.ask("POST", path, {"is_paused": True}, headers=key)
    assert api.status == 201
    assert (await api.ask("POST", path, {"is_paused": True}, headers=key))["id"] == again["id"]
    assert api.status == 200
    await api.ask("POST", path, {"is_paused": True, "name": "other"}, headers=key)
    assert api.status == 409
    assert len(api.jobs.list()) == 2


async def test_what_cannot_be_run_again_is_refused_with_the_reason(api: Api) -> None:
    first = await made(api, seeds=["http://a.test/"], is_paused=True)
    path = f"/v1/jobs/{first['id']}/run-again"
    told = await api.post(path, {"without": ["depth"]})
    assert (api.status, api.faults(told)) == (422, ["without"])
    told = await api.post(path, {"settings": {"offload.workers": 3}})
    assert (api.status, api.faults(told)) == (422, ["offload.workers"])
    (api.jobs.folder(first["id"]) / "seeds" / "0001.txt").unlink()
    told = await api.post(path, {})
    assert (api.status, told["detail"]) == (409, f"the seeds of job {first['id']} are gone: give them")
    again = await api.post(path, {"seeds": ["http://b.test/"], "is_paused": True})
    assert api.status == 201, again
    assert len(api.jobs.list()) == 2
    assert (await api.post("/v1/jobs/j-nothing/run-again", {}))["status"] == 404


async def test_seeds_that_are_a_link_are_not_followed(api: Api, tmp_path: Path) -> None:
    first = await made(api, seeds=["http://a.test/"], is_paused=True)
    upload = api.jobs.folder(first["id"]) / "seeds" / "0001.txt"
    (tmp_path / "secret").write_text("http://secret.test/\n")
    upload.unlink()
    upload.symlink_to(tmp_path / "secret")
    told = await api.post(f"/v1/jobs/{first['id']}/run-again", {})
    assert (api.status, "a symbolic link" in told["detail"]) == (409, True)
    assert len(api.jobs.list()) == 1
