"""Makes answers: models as JSON, and streams of lines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from aiohttp import web
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from ...runtime.escaping import json_line

WRITE_S = 30.0
"""Seconds in which a client must take the next part of a stream, so that a stalled client holds nothing for long."""
PIECE = 1 << 16
"""Bytes of a stream that are sent at once."""
NDJSON = "application/x-ndjson"


def json(model: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=encode(model), content_type="application/json", headers=headers)


def encode(model: BaseModel) -> bytes:
    try:
        return model.model_dump_json().encode()
    except PydanticSerializationError:  # half a character, as in the path of a folder that is no UTF-8
        return json_line(model.model_dump())


def nothing() -> web.Response:
    return web.Response(status=204)


async def open_stream(request: web.Request, media_type: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": media_type, "X-Accel-Buffering": "no"})
    await response.prepare(request)
    return response


async def send(response: web.StreamResponse, parts: Iterable[bytes]) -> bool:
    """Sends the parts piece by piece. Returns False if the client is gone or too slow."""
    try:
        for piece in _pieces(parts):
            async with asyncio.timeout(WRITE_S):
                await response.write(piece)
    except (TimeoutError, ConnectionError):
        return False
    return True


def _pieces(parts: Iterable[bytes]) -> Iterator[bytes]:
    gathered = bytearray()
    for part in parts:
        gathered += part
        if len(gathered) >= PIECE:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)
