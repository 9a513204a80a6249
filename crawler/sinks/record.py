"""Makes records of outcomes: the fields that every format writes, and one line of JSON for each."""

from __future__ import annotations

from dataclasses import fields

import orjson

from ..dataclass import dataclass
from ..model import Disposition, Outcome, Page, Response, Statement
from ..runtime.escaping import json_line
from ..runtime.times import iso
from ..settings import SinkConfig

MOST_SHARED = 4096
"""Bytes of a line that is kept with its outcome; longer ones would take much memory together."""
VERSION = 1
"""Version of the record. Under the same number no field is renamed or changes its meaning."""


@dataclass(frozen=True, slots=True)
class Wants:
    """The optional heavy fields that a record carries."""

    links: bool = False
    """All links of the page."""
    text: bool = False
    """Its readable text."""
    markdown: bool = False
    """Its main part as markdown."""
    metadata: bool = False
    """Statements of the page about itself."""
    structured: bool = False
    """Its structured data."""
    headers: bool = False
    """The header fields of the answer."""
    simhash: bool = False
    """The simhash of its text."""
    audit: bool = False
    """Facts for the site's owner."""


def wants_of(config: SinkConfig) -> Wants:
    """Returns the heavy fields that an output asks for."""
    return Wants(*(getattr(config, one.name) for one in fields(Wants)))


FIELDS = (
    "v", "url", "status", "disposition", "reason", "detail", "location", "duplicate_of", "seed", "via", "depth",
    "attempt", "visit", "fetched_at", "elapsed_ms", "timings", "ip", "tls", "content_type", "etag", "last_modified",
    "charset", "length", "truncated", "digest", "simhash", "title", "description", "language", "canonical", "n_links",
    "robots",
)  # fmt: skip
"""Fields of every record, in this order; unknown values are null. docs/records.md explains each."""
EXTRA = ("method", "request_id", "label", "request_data")
"""Fields of records whose request was more than a URL. Headers and body, which may be secret, are not among them."""
BEYOND = ("requisite", "extra_hop")
"""Fields of records of URLs that belong to the crawl though they need not be in its reach."""
HEAVY = (
    "near_duplicate_of", "links", "audit", "text", "markdown", "text_from", "metadata", "structured", "headers", "pdf",
    "fields", "data", "trace", "warc", "file", "screenshot", "print", "rendered", "render_ms", "relevance", "usage",
)  # fmt: skip
"""Fields of a record on request, see Wants; `fields` comes from selectors `data` and `trace` from a parse function,
`warc` from an archive, `file`, `screenshot` and `print` from the output that saves bodies, `near_duplicate_of` from the
search for these, `rendered` and `render_ms` from the browser, `relevance` from the focus of the crawl,
`usage` from what sites say about the use of their content."""


def record(outcome: Outcome, wants: Wants) -> bytes:
    """Returns the outcome as one line of JSON. Sinks that want the same share short lines, which are made once."""
    for known, line in outcome._lines:
        if known == wants:
            return line
    line = _make_line(outcome, wants)
    if len(line) <= MOST_SHARED:
        outcome._lines.append((wants, line))
    return line


def _make_line(outcome: Outcome, wants: Wants) -> bytes:
    request = outcome.request
    values: dict[str, object] = {
        "v": VERSION,
        "url": request.url.text,
        "status": outcome.response and outcome.response.status,
        "disposition": outcome.disposition,
        "reason": outcome.reason,
        "detail": outcome.detail or None,
        "location": _location(outcome),
        "duplicate_of": outcome.duplicate_of and outcome.duplicate_of.text,
        **({"near_duplicate_of": outcome.near_duplicate_of.text} if outcome.near_duplicate_of else {}),
        "seed": request.origin.text,
        "via": request.via and request.via.text,
        "depth": request.depth,
        "attempt": request.attempt,
        "visit": request.visit,
        "fetched_at": iso(outcome.visited_at, "milliseconds"),
        **_exchange(outcome.response),
        **_content(outcome.page, wants),
    }
    values |= _heavy(outcome, wants)
    if request.way:
        values |= {"requisite": True} if request.requisite else {"extra_hop": request.extra_hop}
    if outcome.response is not None and outcome.response.rendered is not None:
        values["rendered"] = outcome.response.rendered.why
        values["render_ms"] = round(outcome.response.timings.render, 1)
    if outcome.capture is not None:
        values["warc"] = outcome.capture._asdict()
    if outcome.file:
        values["file"] = outcome.file
    values |= outcome.views
    if outcome.usage:
        values["usage"] = [_statement(one) for one in outcome.usage]
    if request.label or request.data is not None or not request.is_plain:
        values |= _extra(outcome)
    if outcome.page is not None and outcome.page.relevance is not None:
        values["relevance"] = outcome.page.relevance  # comes last, where it is found without reading the line
    return json_line(values)


def estimate_heavy_bytes(outcome: Outcome) -> int:
    """Returns roughly how many bytes of a record, header included, come from the website."""
    page, response = outcome.page, outcome.response
    weight = len(outcome.detail) + (len(page.data_trace) if page is not None else 0)
    if response is not None:
        weight += sum([len(value) for _, value in response.headers])
    if page is not None:
        weight += len(page.title) + len(page.description) + len(page.text) + len(page.markdown) + len(page.data_json)
        weight += len(page.metadata_json) + len(page.structured_json) + len(page.fields_json)
    return weight


def _statement(one: Statement) -> dict[str, object]:
    said = {"purpose": one.purpose, "allowed": one.allowed, "where": one.where, "signal": one.signal}
    return said | {"of": one.of} if one.of else said


def _location(outcome: Outcome) -> str | None:
    is_followed = outcome.disposition is Disposition.REDIRECTED and outcome.reason is None and outcome.found
    return outcome.found[0].url.text if is_followed else None


def _exchange(response: Response | None) -> dict[str, object]:
    if response is None:
        return _NO_EXCHANGE
    timings = response.timings
    return {
        "elapsed_ms": round(timings.total, 1),
        "timings": {
            "queue": round(timings.queue, 1),
            "dns": round(timings.dns, 1),
            "connect": round(timings.connect, 1),
            "ttfb": round(timings.ttfb, 1),
            "download": round(timings.download, 1),
            "parse": round(timings.parse, 1),
        },
        "ip": response.ip or None,
        "tls": response.tls or None,
        "content_type": response.header("content-type") or None,
        "etag": response.header("etag") or None,
        "last_modified": response.header("last-modified") or None,
    }


def _content(page: Page | None, wants: Wants) -> dict[str, object]:
    if page is None:
        return _NO_CONTENT
    return {
        "charset": page.charset or None,
        "length": page.length,
        "truncated": page.truncated or None,
        "digest": f"sha256:{page.digest.hex()}",
        "simhash": f"{page.simhash:016x}" if page.simhash and wants.simhash else None,
        "title": page.title or None,
        "description": page.description or None,
        "language": page.language or None,
        "canonical": page.canonical or None,
        "n_links": page.n_links,
        "robots": page.robots or None,
    }


def _heavy(outcome: Outcome, wants: Wants) -> dict[str, object]:
    page, response = outcome.page, outcome.response
    heavy: dict[str, object] = {}
    if page is not None:
        if wants.links:
            heavy["links"] = orjson.Fragment(page.links_json or b"[]")
        if wants.audit and page.audit_json:
            heavy["audit"] = orjson.Fragment(page.audit_json)
        heavy |= _texts(page, wants)
        if page.fields_json:
            heavy["fields"] = orjson.Fragment(page.fields_json)
        if page.data_json:
            heavy["data"] = orjson.Fragment(page.data_json)
        if page.data_trace:
            heavy["trace"] = {"function": page.parser, "text": page.data_trace}
    if response is not None and wants.headers:
        heavy["headers"] = [[k.decode("latin-1"), v.decode("latin-1")] for k, v in response.headers]
    return heavy


def _texts(page: Page, wants: Wants) -> dict[str, object]:
    """Returns what is made of the content of a page for those who read or search it."""
    found: dict[str, object] = {}
    if wants.text:
        found["text"] = page.text
    if wants.markdown:
        found["markdown"] = page.markdown or None
    if page.pdf_json:
        found["pdf"] = orjson.Fragment(page.pdf_json)
    if wants.text or wants.markdown:
        found["text_from"] = page.text_from or None
    if wants.metadata:
        found["metadata"] = orjson.Fragment(page.metadata_json or b"null")
    if wants.structured:
        found["structured"] = orjson.Fragment(page.structured_json or b"null")
    return found


def _extra(outcome: Outcome) -> dict[str, object]:
    """Returns the facts about the request that its URL does not say."""
    request = outcome.request
    known = request.method if request.method != "GET" else None, outcome.lease.request_id, request.label
    found: dict[str, object] = {name: value for name, value in zip(EXTRA, known, strict=False) if value}
    return found if request.data is None else found | {"request_data": request.data}


_NO_EXCHANGE = dict.fromkeys(("elapsed_ms", "timings", "ip", "tls", "content_type", "etag", "last_modified"))
_NO_CONTENT = dict.fromkeys(
    (
        "charset",
        "length",
        "truncated",
        "digest",
        "simhash",
        "title",
        "description",
        "language",
        "canonical",
        "n_links",
        "robots",
    )
)
