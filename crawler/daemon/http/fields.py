"""Header fields of requests that operations read, as the code checks them and as openapi.json describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from aiohttp import web

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


def idempotency_key(request: web.Request) -> str | None:
    """Returns the request's idempotency key. Raises Problem: 422."""
    key = request.headers.get(IDEMPOTENCY_KEY.name)
    if key is not None and not (0 < len(key) <= 200 and key.isprintable()):
        raise bad_field(IDEMPOTENCY_KEY.name, "should be 1 to 200 printable characters")
    return key


def last_event_id(request: web.Request) -> int | None:
    """Returns the id of the last event that the client has seen. Raises Problem: 422."""
    given = request.headers.get(LAST_EVENT_ID.name)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise bad_field(LAST_EVENT_ID.name, "should be the id of an event")
    return int(given)
