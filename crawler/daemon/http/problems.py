"""Problem documents (RFC 9457): the answers to requests that fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import web

from ...runtime.escaping import json_line

CONTENT_TYPE = "application/problem+json"


class Fault(NamedTuple):
    """One field that is wrong."""

    field: str
    """The field's path in the request: `settings.delay_s`, `seeds.3`, `cursor`."""
    detail: str


class Problem(Exception):
    """The request failed and changed nothing."""

    def __init__(
        self,
        status: int,
        slug: str,
        detail: str,
        faults: Sequence[Fault] = (),
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.detail = detail
        self.faults: tuple[Fault, ...] = tuple(faults)
        self.headers: dict[str, str] = dict(headers or {})


def bad_field(field: str, detail: str) -> Problem:
    return bad_fields([Fault(field, detail)])


def bad_fields(faults: Sequence[Fault]) -> Problem:
    words = "; ".join(f"{fault.field}: {fault.detail}" if fault.field else fault.detail for fault in faults[:3])
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return Problem(422, "bad-field", words + more, faults)


def answer(problem: Problem) -> web.Response:
    """Returns the document: type, title, status, detail, and `errors` if fields are wrong."""
    document: dict[str, object] = {
        "type": f"urn:crawld:problem:{problem.slug}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.faults:
        document["errors"] = [fault._asdict() for fault in problem.faults]
    return web.Response(
        status=problem.status, body=json_line(document), content_type=CONTENT_TYPE, headers=problem.headers
    )
