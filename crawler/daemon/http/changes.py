"""Sends what visits found as server-sent events: first what comes after the client's cursor, then what is found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from aiohttp import web
from pydantic import Field

from ...errors import ConfigError, CrawlError
from ...feed import PageChange
from ...runtime.escaping import json_line
from . import answers, inputs
from .events import EVENT_STREAM, HEARTBEAT_S
from .fields import LAST_CURSOR
from .jobs import id_of
from .keys import JOBS, STREAMS
from .models import Sent
from .operations import Operations
from .problems import bad_field

AT_ONCE = 1000
LOOK_S = 5.0
"""Seconds between two looks for what is new."""
operation = Operations()


class ChangesQuery(Sent):
    since: Annotated[str, Field(max_length=100, pattern="^[A-Za-z0-9_-]*$")] = ""
    """The `cursor` of the last change seen; the header `Last-Event-ID` says the same. Without it, all come."""


@operation(
    "GET",
    "/v1/jobs/{id}/changes",
    {200: EVENT_STREAM},
    query=ChangesQuery,
    fields=(LAST_CURSOR,),
    raises=("busy", "no-records", "wrong-state"),
)
async def follow_changes(request: web.Request) -> web.StreamResponse:
    """Pages that a job's visits found to be new, changed, moved or gone, each once; the id of each is its cursor."""
    job = request.app[JOBS].find(id_of(request)).id
    since = request.headers.get(LAST_CURSOR.name) or inputs.query(request, ChangesQuery).since
    with request.app[STREAMS].count_stream(request):
        try:
            first = await request.app[JOBS].changes.read(job, since, AT_ONCE)
        except ConfigError as error:
            raise bad_field("since", str(error).removeprefix("--since: ")) from error
        response = await answers.open_stream(request, EVENT_STREAM)
        await _send_all(request, response, job, since, first)
        return response


async def _send_all(
    request: web.Request, response: web.StreamResponse, job: str, since: str, found: Sequence[PageChange]
) -> None:
    """Sends these changes and those after them, until the client is gone or the job is."""
    silent_s = HEARTBEAT_S
    while True:
        beat = [b": still here\n\n"] if silent_s >= HEARTBEAT_S else []
        if not await answers.send(response, [*map(_text, found), *beat]):
            return
        silent_s = 0.0 if found or beat else silent_s + LOOK_S
        since = found[-1].cursor if found else since
        if len(found) < AT_ONCE:
            await asyncio.sleep(LOOK_S)
        try:
            found = await request.app[JOBS].changes.read(job, since, AT_ONCE)
        except CrawlError:  # the job was removed or cannot be read; the client connects again and is told why
            return


def _text(change: PageChange) -> bytes:
    """Returns the change in the format of WHATWG's event streams."""
    return b"id: %s\nevent: %s\ndata: %s\n" % (change.cursor.encode(), change.kind.encode(), json_line(change.record()))
