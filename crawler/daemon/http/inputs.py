"""Reads and checks the input of clients: bodies, queries, cursors, seeds."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from .problems import Fault, Problem, bad_field, bad_fields
from .storable import MAX_INT

M = TypeVar("M", bound=BaseModel)

MAX_BODY = 4 << 20
"""Largest JSON body in bytes: 50,000 seeds; more are uploaded as lines."""
BODY_S = 30.0
"""Seconds in which a client must send the next block of a body."""
WHOLE_S = 120.0
"""Seconds for a whole JSON body. An upload of lines may last as long as blocks come."""
MAX_LINE = 1 << 17
LINES = "text/uri-list"
"""The media type of RFC 2483: one URL a line, `#` starts a comment."""
BATCH = 1000


async def body(request: web.Request, model: type[M]) -> M:
    """Reads the JSON body as `model`. Raises Problem: 400, 408, 413, 415, 422."""
    check_json(request)
    try:
        text = await whole(request) or b"null"
        data = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "malformed", f"the body is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise Problem(400, "malformed", "the body should be a JSON object")
    with _translate_errors():
        return model.model_validate_json(text, strict=True)  # neither "3" nor true counts as a number


def query(request: web.Request, model: type[M]) -> M:
    """Reads the query string as `model`; each name at most once. Raises Problem: 422."""
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given:
            raise bad_field(name, "should be given once")
        given[name] = value
    with _translate_errors():
        return model.model_validate(given)


def is_lines(request: web.Request) -> bool:
    """Whether the body is a stream of seeds, one a line."""
    return request.content_type in (LINES, "text/plain")


async def lines(request: web.Request, most_bytes: int) -> AsyncIterator[Sequence[str]]:
    """Yields an upload as it comes, in batches of lines without line ends. Raises Problem: 400, 408, 413."""
    batch: list[str] = []
    pieces, length, received = list[bytes](), 0, 0
    async for block in _blocks(request):
        received += len(block)
        if received > most_bytes:
            raise Problem(413, "too-large", f"more than {most_bytes:,} bytes of seeds: send them in parts")
        *whole, rest = block.split(b"\n")
        if whole:
            whole[0] = b"".join([*pieces, whole[0]])
            pieces, length = [], 0
        pieces.append(rest)
        length += len(rest)
        if length > MAX_LINE:
            raise Problem(400, "malformed", f"a line is longer than {MAX_LINE:,} bytes")
        batch += [line.decode("utf-8", "replace").strip() for line in whole]
        if len(batch) >= BATCH:
            yield batch
            batch = []
    batch.append(b"".join(pieces).decode("utf-8", "replace").strip())
    yield batch


def cursor(*parts: str | int) -> str:
    """Returns the position where a list continues, as text that is opaque to clients."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def position(text: str) -> list[str | int]:
    """Returns the parts that `cursor` was given. Raises Problem: 422."""
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        parts = None
    if not isinstance(parts, list) or not all(map(_is_part, parts)):
        raise foreign_cursor()
    return parts


def _is_part(part: object) -> bool:
    return type(part) is str or (type(part) is int and abs(part) <= MAX_INT)


def foreign_cursor() -> Problem:
    return bad_field("cursor", "is not valid: take it from the `next` of the previous page")


def check_json(request: web.Request) -> None:
    """Raises Problem (415) unless the body is JSON. Forms of other sites cannot send JSON unasked (CSRF)."""
    if request.content_type != "application/json":
        raise Problem(
            415, "media-type", f"the body should be application/json, not {request.content_type[:100]!r}",
            headers={"Accept": "application/json"},
        )  # fmt: skip


async def whole(request: web.Request) -> bytes:
    """Reads a body of at most MAX_BODY bytes. Raises Problem: 400, 408, 413."""
    gathered = bytearray()
    try:
        async with asyncio.timeout(WHOLE_S):
            async for block in _blocks(request):
                gathered += block
                if len(gathered) > MAX_BODY:
                    raise Problem(413, "too-large", f"the body should have at most {MAX_BODY:,} bytes")
    except TimeoutError:
        raise _late() from None
    return bytes(gathered)


async def _blocks(request: web.Request) -> AsyncIterator[bytes]:
    """Yields the blocks of a body. Each must come within BODY_S, so that a stalled client holds nothing."""
    while True:
        try:
            async with asyncio.timeout(BODY_S):
                block = await request.content.readany()
        except TimeoutError:
            raise _late() from None
        except web.RequestPayloadError as error:
            raise Problem(400, "malformed", f"the body could not be read: {error}") from None
        if not block:
            return
        yield block


def _late() -> Problem:
    return Problem(408, "timeout", "the rest of the body did not come", headers={"Connection": "close"})


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        raise bad_fields(
            [_fault(".".join(map(str, one["loc"])), one["type"], one["msg"]) for one in error.errors()]
        ) from None


def _fault(field: str, kind: str, message: str) -> Fault:
    if kind == "extra_forbidden":
        return Fault(field, "there is no such field")
    return Fault(field, message.removeprefix("Value error, ").replace("Input should", "should"))
