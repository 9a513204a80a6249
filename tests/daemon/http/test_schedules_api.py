"""Schedules over HTTP: asked for, looked at, changed, switched off, removed."""

from __future__ import annotations

import pytest

from .conftest import Api

GOOD = {"cron": "0 6 * * *", "zone": "Europe/Berlin", "seeds": ["http://127.0.0.1:9/"], "name": "news"}


async def test_a_schedule_lives(api: Api) -> None:
    made = await api.post("/v1/schedules", {**GOOD, "settings": {"fetch.headers": {"X-Key": "secret"}}})
    assert api.status == 201
    path = api.headers["Location"]
    assert path == f"/v1/schedules/{made['id']}"
    assert made["settings"] == {"fetch": {"headers": "***"}}
    assert (await api.get("/v1/schedules"))["items"] == [made]
    changed = await api.ask("PATCH", path, {"is_enabled": False, "overlap": "queue"})
    assert (changed["is_enabled"], changed["next_at"], changed["overlap"]) == (False, None, "queue")
    assert await api.get(path) == changed
    assert changed["cron"] == GOOD["cron"]
    await api.ask("DELETE", path)
    assert api.status == 204
    await api.get(path)
    assert api.status == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"cron": "0 25 * * *"}, "cron"),
        ({"cron": "every day"}, "cron"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"overlap": "maybe"}, "overlap"),
        ({"seeds": []}, "seeds"),
        ({"seeds": ["file:///etc/passwd"]}, "seeds.0"),
        ({"settings": {"delay_s": -1}}, "politeness.delay_s"),
        ({"settings": {"workers": 9}}, "offload.workers"),
        ({"settings": {"name_servers": ["9.9.9.9"]}}, "fetch.name_servers"),
        ({"formats": ["xml"]}, "formats"),
        ({"colour": "red"}, "colour"),
        ({"is_enabled": "perhaps"}, "is_enabled"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_kept(api: Api, wrong: dict[str, object], field: str) -> None:
    problem = await api.post("/v1/schedules", {**GOOD, **wrong})
    assert api.status == 422
    assert api.faults(problem) == [field]
    assert (await api.get("/v1/schedules"))["items"] == []


async def test_a_change_that_cannot_be_used_changes_nothing(api: Api) -> None:
    made = await api.post("/v1/schedules", GOOD)
    problem = await api.ask("PATCH", f"/v1/schedules/{made['id']}", {"cron": "* * * * 9", "name": "other"})
    assert (api.status, api.faults(problem)) == (422, ["cron"])
    assert await api.get(f"/v1/schedules/{made['id']}") == made


async def test_nothing_is_reloaded_where_there_is_no_file(api: Api) -> None:
    await api.post("/v1/reload")
    assert api.status == 409
