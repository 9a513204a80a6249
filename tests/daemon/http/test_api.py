"""Jobs over HTTP, from being asked for to their results."""

from __future__ import annotations

import orjson
import pytest

from crawler.daemon import State
from crawler.testing import Page, Site, Web, failing, html, open_web, slow

from ..conftest import until
from .conftest import TOKEN, Api

WEB = Web([
    Site("a.test", {
        "/": html("Home", ["/one", "/two", "/gone"]),
        "/one": html("<script>window.pwned=1</script>", ["/two"]),
        "/two": html("Two"),
    }),
])  # fmt: skip


def lasting(pages: int = 40, seconds: float = 0.1) -> Web:
    rest = {f"/{n}": slow(html(str(n)), seconds) for n in range(pages)}
    return Web([Site("a.test", {"/": html("Home", list(rest)), **rest})])


async def test_a_job_is_asked_for_watched_and_read(api: Api) -> None:
    async with open_web(WEB) as served:
        job = await api.post("/v1/jobs", {"name": "mine", "seeds": list(served.seeds), "labels": {"a": "b"}})
        assert api.status == 201
        assert api.headers["Location"] == f"jobs/{job['id']}"  # from where it was asked: all may be mounted
        await until(api.jobs, job["id"], State.COMPLETED)
        job = await api.get(f"/v1/jobs/{job['id']}")
        assert (job["state"], job["ended"], job["pages"], job["labels"]) == ("completed", "exhausted", 3, {"a": "b"})
        pages = await api.get(f"/v1/jobs/{job['id']}/pages")
        assert sorted(one["status"] for one in pages["items"]) == [200, 200, 200, 404]
        assert pages["next"] is None
        errors = await api.get(f"/v1/jobs/{job['id']}/errors")
        assert [(one["reason"], one["n"]) for one in errors["items"]] == [("status-4xx", 1)]
        why = await api.get(f"/v1/jobs/{job['id']}/explain", params={"url": f"{served.seeds[0]}gone"})
        assert (why["crawl"]["disposition"], why["crawl"]["status"]) == ("failed", 404)
        history = await api.get(f"/v1/jobs/{job['id']}/history")
        assert [event["data"]["to"] for event in history["items"]] == ["queued", "running", "completed"]


async def test_the_same_idempotency_key_asks_for_the_same_job(api: Api) -> None:
    key = {"headers": {"Idempotency-Key": "k1"}}
    first = await api.post("/v1/jobs", {"seeds": ["http://127.0.0.1:9/"], "is_paused": True}, **key)
    assert api.status == 201
    again = await api.post("/v1/jobs", {"seeds": ["http://127.0.0.1:9/"], "is_paused": True}, **key)
    assert (api.status, again["id"]) == (200, first["id"])
    await api.post("/v1/jobs", {"seeds": ["http://127.0.0.1:10/"], "is_paused": True}, **key)
    assert api.status == 409


@pytest.mark.slow
async def test_seeds_come_as_a_stream_of_lines(api: Api) -> None:
    lines = "# a comment\n" + "".join(f"http://127.0.0.1:9/{n}\n" for n in range(5000)) + "not a url at all"
    job = await api.post("/v1/jobs?name=many", data=lines.encode(), headers={"Content-Type": "text/uri-list"})
    assert (api.status, job["name"], job["seeds"]["given"]) == (201, "many", 5001)
    said = await api.post(
        f"/v1/jobs/{job['id']}/seeds", data=b"http://127.0.0.1:9/more\n", headers={"Content-Type": "text/uri-list"}
    )
    assert (api.status, said) == (202, {"given": 1})
    await api.ask("DELETE", f"/v1/jobs/{job['id']}")
    assert api.status == 204
    await api.get(f"/v1/jobs/{job['id']}")
    assert api.status == 404


async def test_a_list_is_read_page_by_page(api: Api) -> None:
    for n in range(5):
        await api.post("/v1/jobs", {"name": str(n), "seeds": ["http://127.0.0.1:9/"], "is_paused": True})
    names, cursor = [], None
    while True:
        page = await api.get(
            "/v1/jobs", params={"limit": 2, "state": "paused", **({"cursor": cursor} if cursor else {})}
        )
        names += [job["name"] for job in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert names == ["4", "3", "2", "1", "0"]


async def test_records_are_filtered_paged_and_streamed(api: Api) -> None:
    async with open_web(lasting(20, 0)) as served:
        job = await api.post("/v1/jobs", {"seeds": list(served.seeds)})
        await until(api.jobs, job["id"], State.COMPLETED)
        path = f"/v1/jobs/{job['id']}/pages"
        found, cursor = [], None
        while True:
            page = await api.get(path, params={"limit": 7, **({"cursor": cursor} if cursor else {})})
            found += page["items"]
            if (cursor := page["next"]) is None:
                break
        assert len({one["url"] for one in found}) == len(found) == 21
        assert (await api.get(path, params={"status": "4xx"}))["items"] == []
        assert (
            len((await api.get(path, params={"status": "200", "disposition": "fetched", "limit": 50}))["items"]) == 21
        )
        host = found[0]["url"].split("/")[2]
        assert len((await api.get(path, params={"site": host, "limit": 50}))["items"]) == 21
        assert (await api.get(path, params={"site": "https://elsewhere.test"}))["items"] == []
        streamed = await api.get(path, headers={"Accept": "application/x-ndjson"})
        assert api.headers["Content-Type"] == "application/x-ndjson"
        assert [orjson.loads(line) for line in streamed.splitlines()] == found


async def test_the_last_records_that_match_are_those_wherever_they_stand(api: Api) -> None:
    web = Web([Site("a.test", {"/": html("Home", ["/gone", *(f"/{n}" for n in range(20))])}
              | {f"/{n}": html(str(n)) for n in range(20)})])  # fmt: skip
    async with open_web(web) as served:
        job = await api.post("/v1/jobs", {"seeds": list(served.seeds)})
        await until(api.jobs, job["id"], State.COMPLETED)
        path = f"/v1/jobs/{job['id']}/pages"
        every = (await api.get(path))["items"]
        assert every[1]["status"] == 404, "twenty records come behind it"
        assert await api.get(path, params={"status": "4xx", "last": 3}) == {"items": [every[1]], "next": None}
        assert (await api.get(path, params={"last": 3}))["items"] == every[-3:]
        first = await api.get(path, params={"status": "200", "last": 5, "limit": 2})
        more = await api.get(path, params={"status": "200", "cursor": first["next"]})
        assert first["items"] + more["items"] == every[-5:]
        assert (await api.get(path, params={"last": 0}))["items"] == []
        streamed = await api.get(path, params={"status": "4xx", "last": 9}, headers={"Accept": "application/x-ndjson"})
        assert [orjson.loads(line) for line in streamed.splitlines()] == [every[1]]


async def test_a_running_job_is_steered(api: Api) -> None:
    async with open_web(lasting()) as served:
        job = await api.post("/v1/jobs", {"seeds": list(served.seeds), "settings": {"per_site": 1}})
        await until(api.jobs, job["id"], State.RUNNING)
        assert (await api.post(f"/v1/jobs/{job['id']}/pause"))["state"] == "paused"
        assert (await api.post(f"/v1/jobs/{job['id']}/resume"))["state"] in ("queued", "running")
        change = await api.ask(
            "PATCH", f"/v1/jobs/{job['id']}", {"settings": {"politeness": {"per_site": 8}}, "priority": 3}
        )
        assert api.status == 200
        assert "politeness.per_site" in (*change["applied"], *change["needs_restart"])
        assert (change["job"]["priority"], change["job"]["settings"]["politeness"]["per_site"]) == (3, 8)
        history = await api.get(f"/v1/jobs/{job['id']}/history")
        assert any(event["kind"] == "change" for event in history["items"])
        settings = await api.get(f"/v1/jobs/{job['id']}/settings")
        per_site = next(one for one in settings["items"] if one["key"] == "politeness.per_site")
        assert (per_site["value"], per_site["origin"]) == (8, "job")
        assert (await api.post(f"/v1/jobs/{job['id']}/cancel"))["state"] == "cancelled"


@pytest.mark.slow
async def test_a_site_is_held_and_released(api: Api) -> None:
    async with open_web(lasting(30, 0.05)) as served:
        job = await api.post("/v1/jobs", {"seeds": list(served.seeds), "settings": {"per_site": 1}})
        while not (await api.get(f"/v1/jobs/{job['id']}/sites"))["items"]:
            pass
        site = served.seeds[0].rstrip("/")
        await api.post(f"/v1/jobs/{job['id']}/sites/hold", {"site": site})
        assert api.status == 204
        sites = await api.get(f"/v1/jobs/{job['id']}/sites")
        assert [(one["site"], one["is_held"]) for one in sites["items"]] == [(site, True)]
        await api.post(f"/v1/jobs/{job['id']}/sites/release", {"site": site})
        assert (await until(api.jobs, job["id"], State.COMPLETED)).pages == 31


async def test_results_are_files_with_ranges_and_settings_are_not_among_them(api: Api) -> None:
    async with open_web(WEB) as served:
        job = await api.post("/v1/jobs", {"seeds": list(served.seeds)})
        await until(api.jobs, job["id"], State.COMPLETED)
        files = await api.get(f"/v1/jobs/{job['id']}/files")
        names = [one["path"] for one in files["items"]]
        assert "pages.jsonl" in names
        assert not {"crawl.toml", "frontier.sqlite", "lock"} & set(names)
        whole = await api.get(f"/v1/jobs/{job['id']}/files/pages.jsonl")
        assert api.headers["Content-Disposition"].startswith("attachment")
        part = await api.get(f"/v1/jobs/{job['id']}/files/pages.jsonl", headers={"Range": "bytes=5-14"})
        assert (api.status, part) == (206, whole[5:15])
        for path in ("crawl.toml", "../../daemon.sqlite", "..%2F..%2Fdaemon.sqlite", "%2Fetc%2Fpasswd"):
            await api.get(f"/v1/jobs/{job['id']}/files/{path}")
            assert api.status == 404, path


async def test_events_are_replayed_and_then_come_as_they_happen(api: Api) -> None:
    first = await api.post("/v1/jobs", {"seeds": ["http://127.0.0.1:9/"], "is_paused": True})
    headers = {"Authorization": f"Bearer {TOKEN}", "Last-Event-ID": "0"}
    async with api.http.get(f"{api.url}/v1/events", headers=headers) as stream:
        assert stream.content_type == "text/event-stream"
        seen = []

        async def heard() -> dict[str, object]:
            while True:
                block = (await stream.content.readuntil(b"\n\n")).decode()
                fields = dict(line.split(": ", 1) for line in block.strip().splitlines() if not line.startswith(":"))
                if fields.get("event") == "state":
                    event = orjson.loads(fields["data"])
                    assert str(event["id"]) == fields["id"]
                    seen.append(event["id"])
                    return {**event["data"], "job": event["job"]}

        assert (await heard())["to"] == "paused"
        second = await api.post("/v1/jobs", {"seeds": ["http://127.0.0.1:9/"], "is_paused": True})
        told = await heard()
        assert (told["job"], told["to"]) == (second["id"], "paused")
        await api.post(f"/v1/jobs/{first['id']}/cancel")
        assert (await heard())["to"] == "cancelled"
        assert seen == sorted(set(seen))


async def test_templates_are_kept_and_used(api: Api) -> None:
    await api.ask("PUT", "/v1/templates/gentle", {"settings": {"delay_s": 9}, "priority": -2})
    assert api.status == 200
    job = await api.post("/v1/jobs", {"seeds": ["http://127.0.0.1:9/"], "template": "gentle", "is_paused": True})
    assert (job["settings"]["politeness"]["delay_s"], job["template"], job["priority"]) == (9, "gentle", -2)
    settings = (await api.get(f"/v1/jobs/{job['id']}/settings"))["items"]
    assert {one["key"]: one["origin"] for one in settings}["politeness.delay_s"] == "template"
    assert [one["name"] for one in (await api.get("/v1/templates"))["items"]] == ["gentle"]
    await api.ask("DELETE", "/v1/templates/gentle")
    await api.post("/v1/jobs", {"seeds": ["http://127.0.0.1:9/"], "template": "gentle"})
    assert api.status in (404, 422)


async def test_jobs_are_found_by_name_and_label(api: Api) -> None:
    for name, team in (("Shop, nightly", "search"), ("shop", "ads"), ("news", "search")):
        asked = {"name": name, "labels": {"team": team}, "seeds": ["http://127.0.0.1:9/"], "is_paused": True}
        await api.post("/v1/jobs", asked)

    async def found(**asked: str) -> list[str]:
        return [job["name"] for job in (await api.get("/v1/jobs", params=asked))["items"]]

    assert await found(name="SHOP") == ["shop", "Shop, nightly"]
    assert await found(label="team=search") == ["news", "Shop, nightly"]
    assert await found(label="team", name="news") == ["news"]
    assert await found(label="team=", state="paused") == []
    [job] = (await api.get("/v1/jobs", params={"name": "news"}))["items"]
    await api.ask("PATCH", f"/v1/jobs/{job['id']}", {"name": "weather", "labels": {}})
    assert await found(name="weather") == ["weather"]
    assert await found(name=job["id"], label="team") == []


async def test_numbers_for_prometheus(api: Api) -> None:
    async with open_web(Web([Site("a.test", {"/": html("x")})])) as served:
        job = await api.post("/v1/jobs", {"seeds": list(served.seeds)})
        await until(api.jobs, job["id"], State.COMPLETED)
        text = (await api.get("/metrics")).decode()
        assert 'crawld_jobs{state="completed"} 1.0' in text
        assert "# TYPE crawld_parked gauge" in text
        assert "crawld_connections" in text


async def test_the_form_is_told_what_there_is_to_choose(api: Api) -> None:
    schema = await api.get("/v1/settings")
    assert schema["json_schema"]["properties"]["politeness"]
    assert schema["defaults"]["politeness.delay_s"] == 0
    assert "politeness.delay_s" in schema["live"]
    assert "fetch.proxy" in schema["refused"]


async def test_what_failed_is_tried_again_and_what_is_parked_is_listed_and_fetched(api: Api) -> None:
    def endless(target: str) -> Page:
        at = int(target.removeprefix("/t/"))
        return html("Without end", [f"/t/{n}" for n in range(at + 1, min(at + 6, 200))])

    pages = {"/": html("Home", ["/t/0", "/busy"]), "/busy": failing(html("Busy"), times=1)}
    async with open_web(Web([Site("a.test", pages, traps={"/t/": endless})])) as served:
        job = (await api.post("/v1/jobs", {"seeds": list(served.seeds), "settings": {"max_attempts": 1}}))["id"]
        await until(api.jobs, job, State.COMPLETED)
        seen = await api.get(f"/v1/jobs/{job}")
        assert (seen["counts"]["settled"]["failed"], seen["seeds"]["queued"]) == (1, 1)
        assert (seen["wishes"], seen["has_more"]) == ([], False)
        parked = await api.get(f"/v1/jobs/{job}/parked")
        [pattern] = parked["items"]
        assert seen["counts"]["parked"] == parked["parked"] == pattern["parked"] > 0
        assert (parked["patterns"], pattern["reason"], len(pattern["examples"])) == (1, "trap", 2)
        why = await api.get(f"/v1/jobs/{job}/explain", params={"url": pattern["examples"][0]})
        assert (why["crawl"]["standing"], why["crawl"]["parked_under"]) == ("parked", pattern["pattern"])

        said = await api.post(f"/v1/jobs/{job}/retry", {"reasons": ["status-5xx", "dns"]})
        assert (api.status, said["queued"], said["job"]["id"]) == (202, 1, job)
        await until(api.jobs, job, State.COMPLETED)
        said = await api.post(f"/v1/jobs/{job}/unpark", {"patterns": [pattern["pattern"]]})
        assert (api.status, said["queued"]) == (202, pattern["parked"])
        done = await until(api.jobs, job, State.COMPLETED)
        assert (done.counts.parked, done.pages) == (0, 202)

        refused = await api.post(f"/v1/jobs/{job}/retry", {"reasons": ["tmeout"]})
        assert (api.status, api.faults(refused)) == (422, ["reasons.0"])
        assert "did you mean timeout?" in refused["detail"]
        for verb in ("retry", "unpark"):
            await api.post(f"/v1/jobs/j-0/{verb}", {})
            assert api.status == 404


async def test_a_wish_for_a_paused_job_is_kept_and_told(api: Api) -> None:
    job = (await api.post("/v1/jobs", {"seeds": ["http://127.0.0.1:9/"], "is_paused": True}))["id"]
    said = await api.post(f"/v1/jobs/{job}/unpark", {})
    assert (api.status, said["queued"], said["job"]["state"]) == (202, None, "paused")
    assert said["job"]["wishes"] == [{"retry": [], "unpark": [], "unpark_all": True, "number": 1}]
    assert await api.get(f"/v1/jobs/{job}/parked") == {"items": [], "patterns": 0, "parked": 0, "next": None}


async def test_wider_settings_of_a_job_that_is_over_go_on_when_it_is_resumed(api: Api) -> None:
    async with open_web(
        Web([Site("a.test", {f"/{n or ''}": html(str(n), [f"/{n + 1}"]) for n in range(6)})])
    ) as served:
        job = (await api.post("/v1/jobs", {"seeds": list(served.seeds), "settings": {"max_depth": 1}}))["id"]
        await until(api.jobs, job, State.COMPLETED)
        said = await api.ask("PATCH", f"/v1/jobs/{job}", {"settings": {"max_depth": 3}})
        assert (said["applied"], said["job"]["pages"], said["job"]["has_more"]) == (["scope.max_depth"], 2, True)
        await api.post(f"/v1/jobs/{job}/resume")
        done = await until(api.jobs, job, State.COMPLETED)
        assert (done.pages, done.has_more) == (4, False)
        said = await api.ask("PATCH", f"/v1/jobs/{job}", {"settings": {"max_depth": 2}})
        assert said["job"]["has_more"] is False
