"""Sends events as server-sent events: first those after the client's last one, then new ones as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web
from anyio import CancelScope, create_task_group

from ..events import Event, Listener
from . import answers, inputs
from .fields import LAST_EVENT_ID, last_event_id
from .jobs import id_of
from .keys import JOBS, STREAMS
from .models import EventsQuery
from .operations import Operations

EVENT_STREAM = "text/event-stream"
HEARTBEAT_S = 15.0
"""Seconds between two comments, which show both sides that the other is still there."""
REPLAYED_AT_ONCE = 500
operation = Operations()


@operation(
    "GET", "/v1/events", {200: EVENT_STREAM}, query=EventsQuery, fields=(LAST_EVENT_ID,), raises=("busy", "store")
)
async def follow_all(request: web.Request) -> web.StreamResponse:
    """All events after `Last-Event-ID`; without it, from now on."""
    return await _follow(request, None)


@operation(
    "GET",
    "/v1/jobs/{id}/events",
    {200: EVENT_STREAM},
    query=EventsQuery,
    fields=(LAST_EVENT_ID,),
    raises=("busy", "store"),
)
async def follow_job(request: web.Request) -> web.StreamResponse:
    """The events of one job after `Last-Event-ID`; without it, from now on."""
    return await _follow(request, request.app[JOBS].find(id_of(request)).id)


async def end_all(app: web.Application) -> None:
    """Ends all streams, for `on_shutdown`."""
    app[STREAMS].end()


async def _follow(request: web.Request, job: str | None) -> web.StreamResponse:
    after = _last_seen(request)
    with request.app[STREAMS].count_stream(request), request.app[JOBS].listen(job) as listener:
        first = [] if after is None else await request.app[JOBS].events(after, job, REPLAYED_AT_ONCE)
        response = await answers.open_stream(request, EVENT_STREAM)  # a database that fails was told before
        if (seen := await _replay(request, response, first, job)) is not None:
            await _live(response, listener, seen)
        return response


async def _replay(
    request: web.Request, response: web.StreamResponse, events: Sequence[Event], job: str | None
) -> int | None:
    """Sends these stored events and those after them. Returns the last id, 0 without any; None: the client is gone."""
    last = 0
    while events:
        if not await answers.send(response, map(_text, events)):
            return None
        last = events[-1].id or last
        events = await request.app[JOBS].events(last, job, REPLAYED_AT_ONCE)
    return last


async def _live(response: web.StreamResponse, listener: Listener, seen: int) -> None:
    """Sends new events until the client is gone or too slow. Events of the replay are not sent again."""
    async with create_task_group() as tasks:
        tasks.start_soon(_beat, response, tasks.cancel_scope)
        async for batch in listener:
            if not await _send_new(response, batch, seen):
                break
        tasks.cancel_scope.cancel()


async def _beat(response: web.StreamResponse, stream: CancelScope) -> None:
    is_there = True
    while is_there:
        is_there = await answers.send(response, [b": still here\n\n"])
        await asyncio.sleep(HEARTBEAT_S)
    stream.cancel()


async def _send_new(response: web.StreamResponse, batch: Sequence[Event], seen: int) -> bool:
    return await answers.send(response, (_text(event) for event in batch if event.id is None or event.id > seen))


def _text(event: Event) -> bytes:
    """Returns the event in the format of WHATWG's event streams. JSON holds no line ends."""
    number = b"" if event.id is None else b"id: %d\n" % event.id
    return b"%sevent: %s\ndata: %s\n\n" % (number, event.kind.encode(), event.json)


def _last_seen(request: web.Request) -> int | None:
    given = last_event_id(request)
    return inputs.query(request, EventsQuery).after if given is None else given
