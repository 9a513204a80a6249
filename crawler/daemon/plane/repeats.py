"""The operations of a control plane on schedules."""

from __future__ import annotations

from aiohttp import web

from ..http import answers, inputs, safety
from ..http.fields import etag, expected
from ..http.schedules import ScheduleIn, SchedulePatch, SchedulesOut, chosen_fields, to_model
from ..schedules.schedule import Schedule
from .keys import SCHEDULES


def routes() -> list[web.RouteDef]:
    """Returns the operations, at the paths that they have in a daemon."""
    one, expects = "/v1/schedules/{id}", safety.answer_expectation
    return [
        web.post("/v1/schedules", add_schedule, expect_handler=expects),
        web.get("/v1/schedules", list_schedules),
        web.get(one, show_schedule),
        web.patch(one, change_schedule, expect_handler=expects),
        web.delete(one, remove_schedule),
    ]


async def add_schedule(request: web.Request) -> web.Response:
    """Adds a schedule: each time it starts one job, whatever number of control planes run."""
    asked = await inputs.body(request, ScheduleIn)
    made = await request.app[SCHEDULES].add(Schedule(id="", **chosen_fields(asked)))
    return _answer(made, 201, {"Location": f"/v1/schedules/{made.id}"})


async def list_schedules(request: web.Request) -> web.Response:
    """All schedules, the oldest first."""
    found = await request.app[SCHEDULES].list()
    return answers.json(SchedulesOut(items=tuple(map(to_model, found))))


async def show_schedule(request: web.Request) -> web.Response:
    """One schedule."""
    return _answer(await request.app[SCHEDULES].find(request.match_info["id"]))


async def change_schedule(request: web.Request) -> web.Response:
    """Changes a schedule, or switches it off or on. Jobs that it started stay as they are."""
    asked = await inputs.body(request, SchedulePatch)
    changes = {name: value for name, value in chosen_fields(asked).items() if value is not None}
    return _answer(await request.app[SCHEDULES].change(request.match_info["id"], expected(request), changes))


async def remove_schedule(request: web.Request) -> web.Response:
    """Removes a schedule; its jobs stay."""
    await request.app[SCHEDULES].remove(request.match_info["id"], expected(request))
    return answers.nothing()


def _answer(schedule: Schedule, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return answers.json(to_model(schedule), status, {**(headers or {}), **etag(schedule.revision)})
