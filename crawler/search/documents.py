"""Judges what a record changes in the index: a page that can be found, one that cannot any more, or nothing. Pure."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple
from urllib.parse import unquote

from ..model import Url
from ..records import Record, tells_content
from .spelling import spell

_UNREAD = 304
"""The status of a page that did not change: its record says nothing of its content."""
_ELSEWHERE = frozenset({"redirected", "duplicate"})
MOST_TITLE = 1000


class Step(Enum):
    """One change of the entry of a page."""

    ENTER = "enter"
    """It is made, or replaced."""
    SEE = "see"
    """It was seen again unchanged."""
    DROP = "drop"
    """It goes: its content stands elsewhere."""


class Document(NamedTuple):
    """One page as the index holds it."""

    key: str
    """Its URL, with what tells other requests for the same URL from it."""
    url: str
    site: str
    status: int | None
    at: str
    """When it was last seen so, RFC 3339, UTC."""
    visit: int
    title: str
    text: str
    address: str
    """The URL in letters that people read."""


def judge(record: Record) -> Step | None:
    """Returns what a record changes. None: nothing, since it says nothing about the page's content."""
    disposition, status = record.get("disposition"), record.get("status")
    if record.get("requisite"):
        return None
    if disposition == "unchanged" and status == _UNREAD:
        return Step.SEE
    if not tells_content(record):
        return None
    return Step.DROP if disposition in _ELSEWHERE else Step.ENTER


def key_of(record: Record) -> str:
    request = record.get("request_id")
    return f"{record['url']} {request}" if request else str(record["url"])


def make_document(record: Record) -> Document:
    """Returns the page of a record. Raises KeyError, TypeError, ValueError where somebody changed it."""
    url, status = str(record["url"]), record["status"]
    return Document(
        key=key_of(record),
        url=url,
        site=Url(url).site,
        status=None if status is None else int(status),
        at=str(record["fetched_at"]),
        visit=int(record["visit"]),
        title=spell(_said(record, "title")[:MOST_TITLE]),
        text=_text(record),
        address=spell(unquote(url, errors="replace")),
    )


def has_text(record: Record) -> bool:
    """Returns whether a record holds more than a description of its page."""
    return bool(_said(record, "text") or _said(record, "markdown"))


def _text(record: Record) -> str:
    return spell(_said(record, "text") or _said(record, "markdown") or _said(record, "description"))


def _said(record: Record, name: str) -> str:
    value: Any = record.get(name)
    return value if isinstance(value, str) else ""
