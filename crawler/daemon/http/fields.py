"""Header fields of requests that operations read, as the code checks them and as openapi.json describes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import NamedTuple

from aiohttp import ETag, web

from .problems import bad_field


class Field(NamedTuple):
    """One header field that an operation reads. None of them has to be sent."""

    name: str
    meaning: str
    schema: Mapping[str, object]


IDEMPOTENCY_KEY = Field(
    "Idempotency-Key",
    "A text of yours that makes the request safe to repeat: the same key with the same content gets the same answer "
    "and changes nothing; with other content it is refused.",
    {"type": "string", "minLength": 1, "maxLength": 200},
)
LAST_EVENT_ID = Field(
    "Last-Event-ID",
    "The id of the last event seen: the events after it come first. `after` in the query says the same.",
    {"type": "string", "pattern": "^[0-9]{1,18}$"},
)
LAST_CURSOR = Field(
    "Last-Event-ID",
    "The id of the last change seen, its cursor: those after it come. `since` in the query says the same.",
    {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,100}$"},
)
IF_MATCH = Field(
    "If-Match",
    "The ETag of a job, schedule or template as you have read it (or several). Has it been changed since, the request "
    "is refused with 412 and changes nothing.",
    {"type": "string", "pattern": r'^(\*|"[0-9]{1,18}"(, *"[0-9]{1,18}")*)$'},
)
IF_NONE_MATCH = Field(
    "If-None-Match",
    "The ETag of an answer that you have: if it is the same still, the status is 304 and nothing is sent.",
    {"type": "string"},
)
IF_NONE = Field(
    "If-None-Match",
    "`*`: store it only where there is none of this name; else the request is refused with 412.",
    {"type": "string", "const": "*"},
)
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def etag(revision: int) -> dict[str, str]:
    """Returns the header field that tells the revision of a job, schedule or template."""
    return {"ETag": f'"{revision}"'}


def expected(request: web.Request) -> Collection[int] | None:
    """Returns the revisions that the client expects; None: any. Raises Problem: 422."""
    given = request.headers.get(IF_MATCH.name)
    if given is None or given.strip() == "*":
        return None
    if not (tags := request.if_match):
        raise bad_field(IF_MATCH.name, 'should be an ETag with its quotes, such as "7"')
    return {int(tag.value) for tag in tags if _is_revision(tag)}


def must_be_new(request: web.Request) -> bool:
    """Whether the client wants to make something that must not exist yet. Raises Problem: 422."""
    given = request.headers.get(IF_NONE.name)
    if given is not None and given.strip() != "*":
        raise bad_field(IF_NONE.name, "should be `*` here")
    return given is not None


def tagged(request: web.Request, body: bytes) -> web.Response:
    """Returns an answer of JSON with an ETag made of it; 304 if the client has it already (RFC 9110 13.1.2)."""
    tag = blake2b(body, digest_size=12).hexdigest()
    headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}
    if any(one.value in ("*", tag) for one in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type="application/json", headers=headers)


def _is_revision(tag: ETag) -> bool:
    return not tag.is_weak and tag.value.isascii() and tag.value.isdigit() and len(tag.value) < 19


def idempotency_key(request: web.Request, name: str = IDEMPOTENCY_KEY.name) -> str | None:
    """Returns the request's idempotency key. Raises Problem: 422."""
    key = request.headers.get(name)
    if key is not None and not (0 < len(key) <= 200 and key.isprintable()):
        raise bad_field(name, "should be 1 to 200 printable characters")
    return key


def last_event_id(request: web.Request) -> int | None:
    """Returns the id of the last event that the client has seen. Raises Problem: 422."""
    given = request.headers.get(LAST_EVENT_ID.name)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise bad_field(LAST_EVENT_ID.name, "should be the id of an event")
    return int(given)
