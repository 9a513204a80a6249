"""Turns a change into the rows that its trigger takes: JSON arrays there, tuples with named columns here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import orjson

from ... import urls
from ...model import Request, Url
from ..change import Change
from ..extras import Extra, complete
from ..order import Entry

SIGN = 1 << 63
"""SQLite's integers are signed, so this is subtracted from a fingerprint before it is stored."""
NOTE = "note-"
"""The prefix of the names of notes among the other meta data."""
Number = Callable[[str], int]
"""Returns the number of a site or a pattern in the file."""


class NameRow(NamedTuple):
    row: int
    text: str


class FamilyRow(NamedTuple):
    first: int
    depth: int
    priority: int
    redirects: int
    via: int
    seed: int
    root: int
    way: int
    site: int
    rank: int
    texts: Sequence[str]
    is_parked: bool


class PlaceRow(NamedTuple):
    """A place in the queue."""

    site: int
    rank: int
    row: int


class SetbackRow(NamedTuple):
    row: int
    rank: int
    due: float
    attempt: int
    reason: str | None


class VisitRow(NamedTuple):
    row: int
    disposition: str
    reason: str | None
    detail: str
    status: int | None
    attempt: int
    visited_at: float
    digest_at: int | None
    """Where its digest begins among those of the change, counted from 1: JSON cannot carry it. None: it has none."""
    digest_length: int | None
    duplicate_of: str | None
    left_out: int | None


class SiteRow(NamedTuple):
    site: int
    queued: int
    next_at: float
    is_shelved: bool | None


class MetaRow(NamedTuple):
    name: str
    value: str


class ScheduleRow(NamedTuple):
    row: int
    due: float | None
    etag: str
    last_modified: str
    visit: int
    interval_s: float
    fingerprint: int | None
    digest_at: int | None
    digest_length: int | None


class HintRow(NamedTuple):
    fingerprint: int
    modified: int


class NearerRow(NamedTuple):
    row: int
    depth: int
    via: int
    seed: int
    root: int
    way: int


class ParkedRow(NamedTuple):
    row: int
    rank: int
    pattern: int


class ParkingRow(NamedTuple):
    pattern: int
    name: str
    reason: str
    examples: str


class RereadRow(NamedTuple):
    row: int
    left_out: int | None


class JudgedRow(NamedTuple):
    row: int
    before: int
    left_out: int
    visited_at: float


class PatternRow(NamedTuple):
    name: str
    standing: int
    fetched: int
    news: int
    parked: int
    windows: str


class ExtraRow(NamedTuple):
    """One `Extra`; the names are those of its fields."""

    row: int
    sent: str
    label: str
    data: str


def fingerprint(text: str, sent: str | None, key: bytes) -> int:
    """Returns the fingerprint of a request, as the seen-set has it, from its URL and the `sent` of its extra."""
    request = Request(Url(text))
    return urls.fingerprint(complete(request, Extra(0, sent, "", "")).identity if sent else text, key)


def column(row: type[tuple[object, ...]], name: str, at: str = "value") -> str:
    """Returns the SQL that takes one column out of a row."""
    return f"json_extract({at}, '$[{_names(row).index(name)}]')"


def columns(row: type[tuple[object, ...]], *names: str) -> str:
    """Returns the SQL that takes these columns out of a row, or all of them in their order."""
    return ", ".join(column(row, name) for name in names or _names(row))


def _names(row: type[tuple[object, ...]]) -> tuple[str, ...]:
    names: tuple[str, ...] = row._fields  # type: ignore[attr-defined]
    return names


def fill(change: Change, number: Number) -> dict[str, object]:
    """Returns the values for the fields of `schema.CHANGE`, by name."""
    digests = bytearray()
    rows = _rows(change, number, digests)
    first = change.families[0].first if change.families else None
    return {
        "first": first,
        "fingerprints": change.fingerprints if first is not None else None,
        "digests": bytes(digests),
        "claims": np.array(change.claims, "<u8").tobytes() if change.claims else None,
        "rereads": _json(change.rereads),
        "again": _json(change.again),
        "outside": change.outside or None,
        **{name: _json_rows(made) for name, made in rows.items()},
    }


def _rows(change: Change, number: Number, digests: bytearray) -> dict[str, Sequence[tuple[object, ...]]]:
    """Returns the rows of a change by the field they go to; digests go into one blob."""
    return {
        "families": _families(change, number),
        "names": [NameRow(name.row, name.text) for name in change.names],
        "extras": [ExtraRow(*extra) for extra in change.extras],
        "requeued": _places(change.requeued, number),
        "gone": _places(change.gone, number),
        "setbacks": [
            SetbackRow(s.entry.row, s.entry.rank, s.due, s.entry.request.attempt, s.reason) for s in change.setbacks
        ],
        "visits": _visits(change, digests),
        "sites": [SiteRow(number(k), s.queued, s.next_at, s.is_shelved) for k, s in change.sites.items()],
        "meta": _meta(change),
        "schedules": _schedules(change, digests),
        "hints": [HintRow(hint.fingerprint - SIGN, hint.modified) for hint in change.hints],
        "patterns": [PatternRow(*pattern) for pattern in change.patterns],
        "nearer": [NearerRow(n.row, n.request.depth, n.via, n.seed, n.root, n.request.way) for n in change.nearer],
        "parked": [ParkedRow(p.row, p.rank, number(p.pattern)) for p in change.parked],
        "parkings": [ParkingRow(number(p.pattern), p.pattern, p.reason, _json(p.examples)) for p in change.parkings],
        "reread": [RereadRow(page.row, page.left_out) for page in change.reread],
        "judged": [JudgedRow(j.row, j.before, j.left_out, j.visited_at) for j in change.judged],
    }


def _families(change: Change, number: Number) -> list[FamilyRow]:
    return [
        FamilyRow(
            f.first, f.like.depth, f.like.priority, f.like.redirects, f.via, f.seed, f.root,
            f.like.way, number(f.site), f.rank, f.texts, bool(f.pattern),
        ) for f in change.families
    ]  # fmt: skip


def _places(entries: Sequence[Entry], number: Number) -> list[PlaceRow]:
    return [PlaceRow(number(e.request.url.site), e.rank, e.row) for e in entries]


def _visits(change: Change, digests: bytearray) -> list[VisitRow]:
    return [
        VisitRow(
            v.row, v.disposition, v.reason, v.detail, v.status, v.attempt, v.visited_at,
            *_append_digest(v.digest, digests), v.duplicate_of, v.left_out,
        ) for v in change.visits
    ]  # fmt: skip


def _schedules(change: Change, digests: bytearray) -> list[ScheduleRow]:
    rows = [
        (s.entry.row, s.due, None if s.fingerprint is None else s.fingerprint - SIGN, s.entry.request)
        for s in change.schedules
    ]
    return [
        ScheduleRow(row, due, r.etag, r.last_modified, r.visit, r.interval_s, mark, *_append_digest(r.digest, digests))
        for row, due, mark, r in rows
    ]


def _meta(change: Change) -> list[MetaRow]:
    notes = [(NOTE + name, value) for name, value in change.notes.items()]
    named = [("positions", change.positions), ("settled", change.settled), *notes]
    return [MetaRow(name, _json(value)) for name, value in named if value is not None]


def _append_digest(digest: bytes | None, digests: bytearray) -> tuple[int | None, int | None]:
    """Adds a digest to the others; returns its place, from 1 as SQLite counts, and its length."""
    if not digest:
        return None, None
    digests += digest
    return len(digests) - len(digest) + 1, len(digest)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _json_rows(rows: Sequence[tuple[object, ...]]) -> str:
    """Returns rows as JSON arrays: here their names end."""
    return orjson.dumps(list(map(tuple, rows))).decode() if rows else "[]"
