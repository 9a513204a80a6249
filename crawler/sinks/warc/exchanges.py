"""Makes the records of one exchange: request, response or revisit, metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...model import Capture, Outcome, Request, Response
from ...warc.cdxj import REVISIT, Entry, find_mime
from ...warc.records import (
    IDENTICAL,
    NOT_MODIFIED,
    Algorithm,
    Exchange,
    Record,
    Referred,
    digest,
    make_exchange,
    make_field,
    make_metadata,
    make_request,
    make_response,
    make_revisit,
)
from .captures import Captures, Note
from .files import WarcFiles
from .index import CaptureIndex

ROBOTS_BYTES = 500 << 10
"""A robots.txt is read up to here, and an answer does not say whether more would have come."""
_TIMES = "fetchTimeMs: %.0f\r\nqueueMs: %.1f\r\ndnsMs: %.1f\r\nconnectMs: %.1f\r\nttfbMs: %.1f\r\ndownloadMs: %.1f\r\n"


class Terms(NamedTuple):
    """How exchanges are written."""

    algorithm: Algorithm = "sha1"
    keeps_secrets: bool = False


class Seen(NamedTuple):
    """One answer to be archived."""

    response: Response
    request: Request | None
    told: bytes
    """Facts about it beside its bytes, as fields of a metadata record."""


def keep_exchanges(
    seen: Sequence[Seen], terms: Terms, files: WarcFiles, captures: Captures, index: CaptureIndex
) -> list[Capture]:
    """Appends the records of exchanges; returns the places of their responses or revisits. Blocks. Raises OSError."""
    sent = [_Sent.make(one, terms) for one in seen]
    known = captures.find_payloads({one.payload: one.exchange.url for one in sent if one.may_refer})
    notes: list[Note] = []
    entries: list[Entry] = []
    places = []
    for one in sent:
        is_revisit = not one.payload or (one.may_refer and one.payload in known)
        records, referred = one.make_records(known, captures, terms.algorithm)
        place = files.append([record.member for record in records])
        places.append(place)
        entries.append(one.make_entry(place, referred.payload_digest, is_revisit))
        if one.may_refer and one.payload not in known:
            known[one.payload] = referred
            notes.append(Note("payload", one.payload, files.serial, place.offset, referred))
        if one.may_be_unchanged:
            notes.append(Note("url", one.exchange.url, files.serial, place.offset, referred))
    files.flush()
    captures.add(notes)
    index.add(entries)
    return places


class _Sent(NamedTuple):
    """One exchange, and what it may have to do with others."""

    exchange: Exchange
    told: bytes
    payload: str
    """The digest of the body. Empty: it has none, since nothing has changed."""
    may_refer: bool
    may_be_unchanged: bool
    """Whether the server may later say that nothing has changed."""
    status: int
    mime: str | None
    """The media type as the server spelt it. None: it named none."""

    @classmethod
    def make(cls, seen: Seen, terms: Terms) -> _Sent:
        response, request = seen.response, seen.request
        exchange = make_exchange(response, request, keeps_secrets=terms.keeps_secrets)
        said = response.all("content-type")
        kind = response.status, find_mime(said[0].encode("latin-1")) if said else None
        if response.status == 304:
            return cls(exchange, seen.told, "", False, False, *kind)
        is_get = request is None or request.method == "GET"
        may_refer = is_get and bool(response.body) and not response.truncated
        has_validator = bool(response.header("etag") or response.header("last-modified"))
        is_validated = may_refer and response.status == 200 and has_validator
        return cls(exchange, seen.told, digest(terms.algorithm, response.body), may_refer, is_validated, *kind)

    def make_entry(self, place: Capture, payload_digest: str, is_revisit: bool) -> Entry:
        """Returns the line of the index."""
        return Entry(
            self.exchange.url,
            _make_stamp(self.exchange.date),
            *place,
            REVISIT if is_revisit else self.mime,
            str(self.status),
            payload_digest,
        )

    def make_records(
        self, known: Mapping[str, Referred], captures: Captures, algorithm: Algorithm
    ) -> tuple[list[Record], Referred]:
        """Returns the records, the answer first, and the capture that has the body."""
        exchange = self.exchange
        if not self.payload:
            latest = captures.find_latest(exchange.url)
            answer = make_revisit(exchange, NOT_MODIFIED, latest, latest.payload_digest if latest else "", algorithm)
        elif self.may_refer and (found := known.get(self.payload)):
            latest = found
            answer = make_revisit(exchange, IDENTICAL, found, self.payload, algorithm)
        else:
            latest = None
            answer = make_response(exchange, self.payload, algorithm)
        records = [answer, make_metadata(exchange, answer.id, self.told, algorithm)]
        if exchange.request_head:
            records.insert(1, make_request(exchange, answer.id, algorithm))
        return records, latest or Referred(exchange.url, exchange.date, self.payload)


def describe_visit(outcome: Outcome) -> bytes:
    """Returns what is known of a visit beside its bytes, as fields of a metadata record."""
    request, response = outcome.request, outcome.response
    told = [
        "purpose: reread\r\n" if request.is_reread else "",
        make_field("seed", request.origin.text),
        make_field("via", request.via.text) if request.via else "",
        f"depth: {request.depth}\r\n",
        f"redirects: {request.redirects}\r\n" if request.redirects else "",
        f"requisite: {request.requisite}\r\n" if request.requisite else "",
        f"extra_hop: {request.extra_hop}\r\n" if request.extra_hop else "",
        f"visit: {request.visit}\r\nattempt: {request.attempt}\r\ndisposition: {outcome.disposition}\r\n",
        f"reason: {outcome.reason}\r\n" if outcome.reason else "",
        make_field("detail", outcome.detail) if outcome.detail else "",
        _describe_times(response) if response else "",
    ]
    return "".join(told).encode("utf-8", "replace")


def describe_aside(response: Response) -> bytes:
    """Returns the fields of a metadata record for an answer without an outcome: of robots.txt, or for a page."""
    return f"purpose: {response.aside or 'robots.txt'}\r\n{_describe_times(response)}".encode()


def _describe_times(response: Response) -> str:
    told = response.timings
    whole = told.dns + told.connect + told.ttfb + told.download
    return _TIMES % (whole, told.queue, told.dns, told.connect, told.ttfb, told.download)


def _make_stamp(date: str) -> str:
    """Returns the second of a date that this crawl wrote, in the form of an index."""
    return f"{date[:4]}{date[5:7]}{date[8:10]}{date[11:13]}{date[14:16]}{date[17:19]}"
