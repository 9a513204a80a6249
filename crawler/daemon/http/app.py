"""The API as one aiohttp application, for `crawl serve` or to mount in another application."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from ...errors import CrawlError
from ...settings.loading import project_version
from ..api import Jobs
from ..desk import Desk
from ..insight import Insight
from ..reload import Changed
from . import (
    changes,
    dashboard,
    events,
    files,
    health,
    identity,
    jobs,
    pages,
    repeats,
    reports,
    results,
    safety,
    schedules,
    search,
    settings,
    wishes,
)
from .adapters import Adapter
from .admission import Admission
from .bounds import Bounds
from .errors import problem
from .fields import IF_NONE_MATCH, tagged
from .inputs import MAX_BODY
from .keys import ADMISSION, DESK, INSIGHT, JOBS, RELOAD, STREAMS
from .openapi import document
from .operations import Operation, Operations
from .reference import render_page
from .safety import Token
from .streams import Streams

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_about_itself = Operations()


def application(
    opened: Jobs,
    *,
    token: Token | str | None = None,
    hosts: Iterable[str] = (),
    admission: Admission | None = None,
    reload: Callable[[], Changed] | None = None,
    adapters: Sequence[Adapter] = (),
) -> web.Application:
    """Returns the application: the API at `/v1`, the dashboard at `/`, `/metrics`, health checks, `/openapi.json`.

    Clients send `token` as Bearer; with None, the program that mounts the application must protect it. `hosts` are
    the host names it answers to besides the local ones; `*` means any. `reload` serves `/v1/reload`, which is refused
    without it. `adapters` speak other protocols beside it (`make_adapters`).
    """
    shown = Token(token) if isinstance(token, str) else token
    app = web.Application(
        middlewares=[
            _tell_porch,
            safety.problems(adapters),
            safety.guard(shown, LOCAL_NAMES | {host.lower() for host in hosts}, admission, adapters),
            _translate_errors,
        ],
        client_max_size=MAX_BODY,
    )
    app[JOBS], app[INSIGHT], app[DESK] = opened, Insight(opened), Desk(opened)
    app[STREAMS] = Streams(admission.bounds if admission else Bounds())
    if admission is not None:
        app[ADMISSION] = admission
    if reload is not None:
        app[RELOAD] = reload
    app.on_response_prepare.append(safety.add_headers)
    app.on_shutdown.append(events.end_all)
    app.cleanup_ctx.append(health.offer_figures)
    app.add_routes([_route(entry) for entry in operations()])
    app.add_routes(dashboard.routes())
    for adapter in adapters:
        adapter.mount(app)
    return app


def operations() -> list[Operation]:
    """Returns all operations, in the order of the documentation."""
    rooms = (
        jobs, pages, repeats, wishes, results, search, reports, schedules, events, changes, files, settings, identity,
        health,
    )  # fmt: skip
    return [entry for table in (*(room.operation for room in rooms), _about_itself) for entry in table]


def _route(entry: Operation) -> web.RouteDef:
    name = f"{safety.PUBLIC}-{entry.name}" if entry.is_public else entry.name
    return web.route(entry.method, entry.path, entry.serve, name=name, expect_handler=safety.answer_expectation)


@_about_itself(
    "GET", "/openapi.json", {200: "application/json", 304: None},
    is_public=True, fields=(IF_NONE_MATCH,), has_etag=True,
)  # fmt: skip
async def describe_api(request: web.Request) -> web.StreamResponse:
    """The description of this API (OpenAPI 3.1)."""
    return tagged(request, _description())


@_about_itself("GET", "/docs", {200: "text/html"}, is_public=True)
async def show_reference(request: web.Request) -> web.StreamResponse:
    """This API as a page for people, with every operation, its fields, answers and problems."""
    place = f"{request.scheme}://{request.host}{request.path.removesuffix('/docs')}"
    page = render_page(orjson.loads(_description()), place)
    return web.Response(text=page, content_type="text/html", headers={"Cache-Control": "no-cache"})


@cache
def _description() -> bytes:
    return orjson.dumps(document(operations(), project_version()))


@web.middleware
async def _tell_porch(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tells the admission when a request came and when it was served."""
    if (admission := request.app.get(ADMISSION)) is None:
        return await handler(request)
    admission.has_asked(request)
    try:
        await admission.pace(request)
        return await handler(request)
    finally:
        admission.has_answered(request)


@web.middleware
async def _translate_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns errors of the daemon into problem documents."""
    try:
        return await handler(request)
    except CrawlError as error:
        raise problem(error) from error
