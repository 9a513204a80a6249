"""Makes the records of one exchange: request, response or revisit, metadata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...model import Capture, Outcome, Request, Response
from ...warc.records import (
    IDENTICAL,
    NOT_MODIFIED,
    Algorithm,
    Exchange,
    Record,
    Referred,
    digest,
    make_exchange,
    make_metadata,
    make_request,
    make_response,
    make_revisit,
)
from .captures import Captures
from .files import WarcFiles

Fields = Sequence[tuple[str, str]]

ROBOTS_BYTES = 500 << 10
"""A robots.txt is read up to here, and an answer does not say whether more would have come."""


class Terms(NamedTuple):
    """How exchanges are written."""

    algorithm: Algorithm = "sha1"
    keeps_secrets: bool = False


def keep_exchange(
    response: Response, request: Request | None, fields: Fields, terms: Terms, files: WarcFiles, captures: Captures
) -> Capture:
    """Appends the records of an exchange; returns the place of its response or revisit. Blocks. Raises OSError."""
    exchange = make_exchange(response, request, keeps_secrets=terms.keeps_secrets)
    answer, noted = _make_answer(exchange, response, request, terms.algorithm, captures)
    records = [answer, make_metadata(exchange, answer.id, fields, terms.algorithm)]
    if exchange.request_head:
        records.insert(1, make_request(exchange, answer.id, terms.algorithm))
    capture = files.append([record.member for record in records])
    if noted.is_first:
        captures.add_payload(noted.referred, files.serial, capture.offset)
    if noted.may_be_unchanged:
        captures.add_url(exchange.url, noted.referred, files.serial, capture.offset)
    return capture


class _Noted(NamedTuple):
    """What later captures may refer to."""

    referred: Referred
    is_first: bool
    may_be_unchanged: bool
    """Whether the server may later say that nothing has changed."""


def _make_answer(
    exchange: Exchange, response: Response, request: Request | None, algorithm: Algorithm, captures: Captures
) -> tuple[Record, _Noted]:
    """Returns a response, or a revisit where an earlier capture has the body."""
    if response.status == 304:
        known = captures.find_latest(exchange.url)
        payload = known.payload_digest if known else ""
        record = make_revisit(exchange, NOT_MODIFIED, known, payload, algorithm)
        return record, _Noted(Referred(exchange.url, exchange.date, payload), False, False)
    payload = digest(algorithm, exchange.body)
    may_refer = bool(exchange.body) and not exchange.truncated and (request is None or request.method == "GET")
    found = captures.find_payload(payload) if may_refer else None
    referred = found or Referred(exchange.url, exchange.date, payload)
    has_validator = response.status == 200 and bool(response.header("etag") or response.header("last-modified"))
    noted = _Noted(referred, may_refer and found is None, may_refer and has_validator)
    if found is not None:
        return make_revisit(exchange, IDENTICAL, found, payload, algorithm), noted
    return make_response(exchange, payload, algorithm), noted


def describe_visit(outcome: Outcome) -> Fields:
    """Returns what is known of a visit beside its bytes, as fields of a metadata record."""
    request, response = outcome.request, outcome.response
    return [
        ("seed", request.origin.text),
        ("via", request.via.text if request.via else ""),
        ("depth", str(request.depth)),
        ("redirects", str(request.redirects) if request.redirects else ""),
        ("visit", str(request.visit)),
        ("attempt", str(request.attempt)),
        ("disposition", outcome.disposition),
        ("reason", outcome.reason or ""),
        ("detail", outcome.detail),
        *(_describe_times(response) if response else ()),
    ]


def describe_robots(response: Response) -> Fields:
    """Returns the fields of a metadata record for an answer to a request for robots.txt."""
    return [("purpose", "robots.txt"), *_describe_times(response)]


def _describe_times(response: Response) -> Fields:
    timings = response.timings
    stages = [("queue", timings.queue), ("dns", timings.dns), ("connect", timings.connect), ("ttfb", timings.ttfb)]
    whole = timings.dns + timings.connect + timings.ttfb + timings.download
    return [
        ("fetchTimeMs", f"{whole:.0f}"),
        *[(f"{name}Ms", f"{value:.1f}") for name, value in (*stages, ("download", timings.download))],
    ]
