"""The API of a control plane as one aiohttp application: some of the API of `crawl serve`, at the same paths."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import web

from ...api.engines import Engine
from ...errors import CrawlError, FrontierError
from ...runtime.escaping import json_line
from ...settings.loading import project_version
from ..http import inputs, safety
from ..http.errors import problem
from ..http.problems import Problem
from ..http.safety import Token
from ..owners import Rule
from . import jobs, pages, repeats
from .keys import ENGINE, RULE, SAMPLES, SCHEDULES
from .samples import Samples
from .schedules import PlaneSchedules

READY_S = 5.0
"""Seconds in which the engine must answer, or the plane is not ready."""


def application(engine: Engine, rule: Rule, token: Token, hosts: frozenset[str]) -> web.Application:
    """Returns the application."""
    middlewares = [safety.problems(), safety.guard(token, hosts), _translate_errors]
    app = web.Application(middlewares=middlewares, client_max_size=inputs.MAX_BODY)
    app[ENGINE], app[RULE], app[SAMPLES], app[SCHEDULES] = engine, rule, Samples(), PlaneSchedules(engine, rule)
    app.on_response_prepare.append(safety.add_headers)
    app.cleanup_ctx.append(_work)
    app.add_routes(
        [
            web.get("/healthz", is_alive, name=f"{safety.PUBLIC}-is_alive"),
            web.get("/readyz", is_ready, name=f"{safety.PUBLIC}-is_ready"),
            *jobs.routes(),
            *repeats.routes(),
            *pages.routes(),
            web.route("*", "/{rest:.*}", refuse_rest, expect_handler=safety.answer_expectation),
        ]
    )
    return app


async def _work(app: web.Application) -> AsyncIterator[None]:
    """Takes samples and starts scheduled jobs, as long as the application runs."""
    chores = [asyncio.ensure_future(one) for one in (app[SAMPLES].run(app[ENGINE]), app[SCHEDULES].run())]
    yield
    for chore in chores:
        chore.cancel()
    await asyncio.gather(*chores, return_exceptions=True)


async def is_alive(request: web.Request) -> web.Response:
    """Whether the event loop runs."""
    return _json({"status": "ok", "version": project_version()})


async def is_ready(request: web.Request) -> web.Response:
    """Whether the engine answers."""
    try:
        async with asyncio.timeout(READY_S):
            await request.app[ENGINE].crawls()
    except (FrontierError, TimeoutError):
        raise Problem(503, "not-ready", "the engine does not answer", headers={"Retry-After": "1"}) from None
    return _json({"status": "ok", "version": project_version()})


async def refuse_rest(request: web.Request) -> web.Response:
    """Refuses all else that a daemon can do."""
    asked = f"{request.method} {request.path[:200]!a}"
    raise Problem(
        404, "not-found",
        f"a control plane of an engine has no {asked}: it lists, submits, shows, changes, pauses, resumes and cancels"
        " jobs, holds their sites, and lists their nodes; records are merged with `crawl merge`; for all else run"
        " `crawl serve` without --engine",
    )  # fmt: skip


def _json(value: Mapping[str, object]) -> web.Response:
    return web.Response(body=json_line(value), content_type="application/json")


@web.middleware
async def _translate_errors(request: web.Request, handler: Any) -> web.StreamResponse:
    """Turns errors into problem documents."""
    try:
        answer: web.StreamResponse = await handler(request)
    except FrontierError as error:
        raise Problem(503, "not-ready", str(error), headers={"Retry-After": "5"}) from error
    except CrawlError as error:
        raise problem(error) from error
    return answer
