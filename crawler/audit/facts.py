"""Reads from a record the facts that findings are made of. Strangers may have changed the file: nothing is trusted."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..model import Disposition
from ..records import Record, media_type

HTML = frozenset({"text/html", "application/xhtml+xml"})
READ = frozenset({Disposition.FETCHED, Disposition.UNCHANGED, Disposition.DUPLICATE})
"""Dispositions of URLs that answered with content."""
SITE_STAGES = ("dns", "connect", "ttfb", "download")
NOTHING: dict[str, Any] = {}
_TEXTS = (
    "disposition", "reason", "detail", "location", "duplicate_of", "via", "title", "description", "language",
    "canonical",
)  # fmt: skip


class Link(NamedTuple):
    """One link of a page."""

    url: str
    kind: str
    """The kind of the link, as `scope.follow` names it: `anchors`, `images`, ..."""
    text: str
    fragment: str
    """The part after #, as written. Empty: there is none."""


class Facts(NamedTuple):
    """The facts of one record that findings need."""

    url: str
    is_page: bool
    """Whether it is an HTML page of the site itself that answered with content."""
    status: int
    disposition: str
    reason: str
    detail: str
    location: str
    duplicate_of: str
    via: str
    title: str
    description: str
    language: str
    canonical: str
    is_noindex: bool
    is_beyond: bool
    """Whether it is a page of another site, or what a page needs to be shown."""
    took_ms: float
    length: int
    simhash: int
    audit: dict[str, Any]
    """The object `audit` of the record. Empty: there is none."""


def read(record: Record) -> Facts | None:
    """Returns the facts of a record; None: it is none, or of a request that is more than a URL."""
    url = record.get("url")
    if not isinstance(url, str) or "method" in record:
        return None
    texts = [text if isinstance(text := record.get(name), str) else "" for name in _TEXTS]
    disposition, reason, detail, location, duplicate_of, via, title, description, language, canonical = texts
    audit, robots, simhash = record.get("audit"), record.get("robots"), record.get("simhash")
    return Facts(
        url, is_page(record), _number(record.get("status")), disposition, reason, detail, location, duplicate_of, via,
        title, description, language, canonical, isinstance(robots, str) and _forbids_index(robots),
        _is_beyond(record), _took(record.get("timings")), _number(record.get("length")),
        _hash(simhash) if isinstance(simhash, str) else 0, audit if isinstance(audit, dict) else NOTHING,
    )  # fmt: skip


def is_page(record: Record) -> bool:
    """Whether a record is of an HTML page of the site itself that answered with content."""
    header = record.get("content_type")
    return (
        record.get("disposition") in READ
        and isinstance(header, str)
        and media_type(header) in HTML
        and not _is_beyond(record)
    )


def links(record: Record) -> Sequence[Any]:
    """Returns the links of a page for `link`: those of its facts, else those that `links = true` records."""
    audit = record.get("audit")
    found = audit.get("links") if isinstance(audit, dict) else None
    if isinstance(found, list):
        return found
    plain = record.get("links")
    return [[url] for url in plain] if isinstance(plain, list) else ()


def link(given: Sequence[Any]) -> Link:
    """Returns a link of a page with all its parts, of which those that it lacks are empty."""
    url, kind, text, fragment = (*map(str, given[:4]), "", "", "")[:4]
    return Link(url, kind, text, fragment)


def names(facts: Facts) -> bytes | None:
    """Returns the places that a page has, four bytes each, as `parse/audit` packs them; None: not all are known."""
    packed = facts.audit.get("ids", "") if facts.audit and "ids" not in items(facts.audit, "cut") else None
    if not isinstance(packed, str):
        return None
    try:
        return b64decode(packed)
    except (Error, ValueError):
        return None


def items(audit: dict[str, Any], name: str) -> list[Any]:
    """Returns a list of the facts; an empty one if there is none."""
    found = audit.get(name)
    return found if isinstance(found, list) else []


def pairs(audit: dict[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """Yields the pairs of a list of the facts."""
    for one in items(audit, name):
        if isinstance(one, list) and len(one) == 2:
            yield str(one[0]), one[1]


def _is_beyond(record: Record) -> bool:
    return bool(record.get("extra_hop") or record.get("requisite"))


def _number(value: object) -> int:
    return value if isinstance(value, int) and abs(value) < 1 << 62 else 0


def _took(timings: object) -> float:
    if not isinstance(timings, dict):
        return 0.0
    times = [timings.get(stage) for stage in SITE_STAGES]
    return sum([float(time) for time in times if isinstance(time, (float, int))])


def _hash(digits: str) -> int:
    try:
        return int(digits, 16) if len(digits) == 16 else 0
    except ValueError:
        return 0


def _forbids_index(robots: str) -> bool:
    return bool(robots) and not {"noindex", "none"}.isdisjoint(robots.lower().replace(",", " ").split())
