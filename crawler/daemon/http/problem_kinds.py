"""The kinds of problems, and which of them each operation may answer: the source of openapi.json and of `/docs`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple

from .fields import IF_MATCH, IF_NONE, IF_NONE_MATCH
from .operations import Operation

URN = "urn:crawld:problem:"
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Kind(NamedTuple):
    """One kind of problem."""

    status: int
    slug: str
    """The last word of the problem's `type`."""
    meaning: str

    @property
    def uri(self) -> str:
        return URN + self.slug


KINDS: Mapping[str, Kind] = {
    slug: Kind(status, slug, meaning)
    for status, slug, meaning in (
        (400, "malformed", "The request cannot be read as HTTP, or its body not as JSON."),
        (400, "bad-host", "The header field `Host` names no host."),
        (400, "bad-origin", "The header field `Origin` names no origin."),
        (401, "no-token", "The request shows no token."),
        (401, "wrong-token", "The token is not known, or was replaced."),
        (403, "disallowed", "robots.txt, the guard of addresses or the settings forbid to fetch the URL."),
        (403, "foreign-origin", "The request comes from a page of another site."),
        (404, "not-found", "There is no such job, schedule, template, file or path."),
        (405, "method", "The path has no such operation; `Allow` names those that it has."),
        (408, "timeout", "The rest of the body did not come in time."),
        (409, "wrong-state", "The state of the job, or of its folder, does not allow it."),
        (409, "no-records", "The job keeps no records that can be read back."),
        (409, "key-reused", "The idempotency key belongs to another request."),
        (409, "full", "There are as many jobs, seeds, schedules or patterns as the daemon allows."),
        (409, "no-file", "The daemon is part of another program and has no file of settings."),
        (412, "outdated", "It was changed since the client has read it."),
        (413, "too-large", "The body is larger than the daemon takes."),
        (415, "media-type", "The body should be JSON, or lines where these are taken."),
        (417, "bad-request", "The header field `Expect` asks for something unknown."),
        (421, "foreign-host", "The daemon does not answer for the name in `Host`."),
        (422, "bad-field", "Fields of the body, the query or the header cannot be used; `errors` names each."),
        (424, "no-answer", "The site gave no answer; `detail` says why."),
        (424, "too-slow", "The page did not come in the time that the request allows."),
        (500, "internal", "A bug of ours; the daemon's log has details."),
        (500, "store", "The daemon's database cannot be read or written."),
        (500, "crawl", "The job's folder cannot be read."),
        (503, "not-ready", "The daemon is starting or stopping: try again after `Retry-After` seconds."),
        (
            503,
            "busy",
            "As many streams of events are open, or pages under way for clients that wait, as the daemon allows.",
        ),
        (507, "storage-full", "No space is left on the disk; nothing was changed."),
    )
}
OF_ALL = ("malformed", "bad-host", "bad-origin", "foreign-origin", "bad-request", "foreign-host", "internal")
"""Problems of every operation."""
OF_NONE = ("method",)
"""Problems of requests for which there is no operation."""


def problems_of(entry: Operation) -> Mapping[int, Sequence[Kind]]:
    """Returns the problems that an operation may answer, by their status."""
    slugs = {*OF_ALL, *entry.raises, *_by_shape(entry)}
    found: dict[int, list[Kind]] = {}
    for kind in KINDS.values():
        if kind.slug in slugs:
            found.setdefault(kind.status, []).append(kind)
    return found


def response_name(kinds: Sequence[Kind]) -> str:
    """Returns the name of the answer with one of these problems: `409-full-key-reused`."""
    return "-".join([str(kinds[0].status), *(kind.slug for kind in kinds)])


def response(kinds: Sequence[Kind], model: str, content_type: str) -> dict[str, object]:
    """Returns the description of an answer with one of these problems, of one status."""
    status = kinds[0].status
    said = {"type": {"enum": [kind.uri for kind in kinds]}, "status": {"const": status}}
    meanings = " ".join(f"`{kind.slug}`: {kind.meaning}" for kind in kinds)
    return {
        "description": f"{HTTPStatus(status).phrase}. {meanings}",
        "content": {content_type: {"schema": {"allOf": [{"$ref": model}, {"type": "object", "properties": said}]}}},
    }


def _by_shape(entry: Operation) -> Iterator[str]:
    """Yields the problems that follow from what an operation reads and does."""
    if not entry.is_public:
        yield from ("no-token", "wrong-token", "not-ready")
    if re.search(r"\{", entry.path):
        yield "not-found"
    if entry.body or entry.takes_lines:
        yield from ("timeout", "too-large", "media-type")
    if entry.body or entry.query or any(field is not IF_NONE_MATCH for field in entry.fields):
        yield "bad-field"
    if IF_MATCH in entry.fields or IF_NONE in entry.fields:
        yield "outdated"
    if entry.method in CHANGES:
        yield from ("store", "storage-full")
    if entry.path.startswith("/v1/jobs/{id}"):
        yield "crawl"
