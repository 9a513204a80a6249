"""Who may talk to the daemon, and what bad input gets: a problem document that names the field, and nothing changed."""

from __future__ import annotations

import asyncio
import io
import logging
from typing import Any

import anyio
import pytest

from crawler import ConfigError
from crawler.daemon.http import inputs
from crawler.daemon.http.server import open_server

from ..conftest import Open
from .conftest import TOKEN, Api

SEED = "http://127.0.0.1:9/"


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("", "no-token"),
        ("Bearer", "no-token"),
        ("Bearer ", "no-token"),
        (f"Basic {TOKEN}", "no-token"),
        ("Bearer wrong", "wrong-token"),
        (f"bearer {TOKEN}x", "wrong-token"),
        (f"Bearer {TOKEN[:-1]}", "wrong-token"),
        ("Bearer \xff", "wrong-token"),
    ],
)
async def test_without_the_token_nobody_learns_anything(api: Api, given: str, kind: str) -> None:
    for path in ("/v1/jobs", "/v1/events", "/metrics", "/v1/nothing/here", "/v1/settings"):
        problem = await api.get(path, headers={"Authorization": given})
        assert (api.status, problem["type"]) == (401, f"urn:crawld:problem:{kind}")
        assert api.headers["WWW-Authenticate"].startswith("Bearer")
        assert ("invalid_token" in api.headers["WWW-Authenticate"]) is (kind == "wrong-token")
        assert TOKEN not in str(problem)


async def test_the_page_and_health_need_no_token(api: Api) -> None:
    for path in ("/", "/assets/app.js", "/healthz", "/readyz", "/openapi.json", "/docs"):
        await api.get(path, headers={"Authorization": ""})
        assert api.status == 200, path


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:80", "127.0.0.1.evil.test", "localhost@evil.test", "", "[::2]"]
)
async def test_a_foreign_host_is_refused(api: Api, host: str) -> None:
    problem = await api.get("/v1/jobs", headers={"Host": host})
    assert api.status in (400, 421), problem


async def test_pages_of_other_sites_are_refused(api: Api) -> None:
    for headers in ({"Origin": "https://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        await api.post("/v1/jobs", {"seeds": [SEED]}, headers=headers)
        assert api.status == 403
    await api.get("/v1/jobs", headers={"Origin": api.url, "Sec-Fetch-Site": "same-origin"})
    assert api.status == 200


async def test_every_answer_tells_browsers_to_trust_nothing_else(api: Api) -> None:
    for path in ("/", "/assets/app.js", "/v1/jobs", "/v1/nothing"):
        await api.get(path)
        policy = api.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert api.headers["X-Content-Type-Options"] == "nosniff"
        assert api.headers["Referrer-Policy"] == "no-referrer"
        assert api.headers["Server"] == "crawld"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"seeds": [SEED], "sedes": []}, ["sedes"]),
        ({"seeds": "http://127.0.0.1/"}, ["seeds"]),
        ({"seeds": [SEED], "priority": 99}, ["priority"]),
        ({"seeds": [SEED], "name": "a\nb"}, ["name"]),
        ({"seeds": []}, ["seeds"]),
        ({"seeds": ["/etc/passwd"]}, ["seeds"]),
        ({"seeds": ["-"]}, ["seeds"]),
        ({"seeds": ["file:///etc/passwd"]}, ["seeds"]),
        ({"seeds": ["http://10.0.0.1/"]}, ["seeds.0"]),
        ({"seeds": [SEED, "http://169.254.169.254/latest/"]}, ["seeds.1"]),
        ({"seeds": [SEED], "settings": {"delay_s": -1}}, ["politeness.delay_s"]),
        ({"seeds": [SEED], "settings": {"no_such": 1}}, ["no_such"]),
        ({"seeds": [SEED], "settings": {"fetch": {"proxy": "http://127.0.0.1:1"}}}, ["fetch.proxy"]),
        ({"seeds": [SEED], "settings": {"allow_networks": ["10.0.0.0/8"]}}, ["fetch.allow_networks"]),
        ({"seeds": [SEED], "settings": {"sinks": [{"path": "../../x"}]}}, ["sinks.0.path"]),
    ],
)  # fmt: skip
async def test_a_job_that_cannot_be_is_refused_by_the_field(api: Api, body: dict[str, Any], fields: list[str]) -> None:
    problem = await api.post("/v1/jobs", body)
    assert api.status == 422, problem
    assert api.faults(problem) == fields
    assert (await api.get("/v1/jobs"))["items"] == []


async def test_a_query_beside_a_body_of_json_is_not_ignored(api: Api) -> None:
    problem = await api.post("/v1/jobs?name=mine", {"seeds": [SEED], "is_paused": True})
    assert (api.status, api.faults(problem)) == (422, ["name"])
    assert (await api.get("/v1/jobs"))["items"] == []


async def test_what_is_no_json_is_refused(api: Api) -> None:
    json = {"Content-Type": "application/json"}
    for data, headers, status in (
        (b"{", json, 400),
        (b"[1]", json, 400),
        (b"", json, 400),
        (b"\xff\xfe{}", json, 400),
        (b"seeds=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"{}", {"Content-Type": "multipart/form-data"}, 415),
        (b'{"seeds":["' + b"x" * inputs.MAX_BODY + b'"]}', json, 413),
    ):
        problem = await api.post("/v1/jobs", data=io.BytesIO(data), headers=headers)
        assert api.status == status, problem
        api.faults(problem)


@pytest.mark.parametrize("cursor", ["x", "!!!", "WyJqIl0x", "eyJhIjoxfQ", "WzFd" * 100])
async def test_a_cursor_that_is_none_of_ours_is_refused(api: Api, cursor: str) -> None:
    problem = await api.get("/v1/jobs", params={"cursor": cursor})
    assert (api.status, api.faults(problem)) == (422, ["cursor"])


async def test_unknown_jobs_paths_and_verbs_get_their_own_answers(api: Api) -> None:
    for path in ("/v1/jobs/j-none", "/v1/jobs/%00", "/v1/jobs/..%2f..%2fetc", "/v1/nothing", "/v1/jobs/j-none/pages"):
        problem = await api.get(path)
        assert api.status == 404
        api.faults(problem)
    problem = await api.ask("PUT", "/v1/jobs")
    assert (api.status, api.headers["Allow"]) == (405, "GET,HEAD,POST".replace(",", ", "))
    problem = await api.get("/v1/jobs", params=[("limit", "1"), ("limit", "2")])
    assert api.faults(problem) == ["limit"]


async def test_a_bug_of_ours_is_logged_once_and_shows_nothing(
    api: Api, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("with a secret in it")

    monkeypatch.setattr(type(api.jobs), "list", broken)
    with caplog.at_level(logging.ERROR):
        problem = await api.get("/v1/jobs")
    assert api.status == 500
    assert "secret" not in str(problem)
    assert len(caplog.records) == 1


async def test_another_address_needs_a_token(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        with pytest.raises(ConfigError, match="token"):
            async with open_server(jobs, host="0.0.0.0", port=0, token=None):
                pass


async def test_an_upload_that_stops_half_way_ends(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "BODY_S", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    head = f"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    writer.write(head.encode() + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    with anyio.fail_after(20):
        assert b"408" in await reader.readline()
    writer.close()
    assert (await api.get("/v1/jobs"))["items"] == []
