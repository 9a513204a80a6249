"""Reads archives once, record by record, and puts their captures into the index."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from hashlib import sha1
from typing import TypeVar

from .. import urls
from ..errors import UrlError
from ..urls.canonical import Policy
from ..warc.reading import Record, Walk
from .answers import Answer, read_answer
from .captures import Captures, Kind, NewCapture, digest_key, request_key, request_key_of

T = TypeVar("T")

PEEKED = 1 << 13
"""Bytes of an answer that are read for the index. Its status and its type are among them."""
MOST_BODY = 256 << 10
"""Bytes of a request's body that tell it from others, the most that a crawl sends."""
_RECENT = 1000
"""Requests and answers that wait for each other: they stand side by side."""
_DOCUMENTS = frozenset(("text/html", "application/xhtml+xml", "application/pdf", "text/plain"))


class Indexer:
    """Puts the captures of one file after another into the index."""

    def __init__(self, captures: Captures, policy: Policy) -> None:
        self._captures = captures
        self._policy = policy
        self._asked: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        """Method and digest of the body of recent requests that are no plain GET, by the id of their record."""
        self._answered: OrderedDict[str, tuple[int, str]] = OrderedDict()
        """Number and URL of recent captures, by the id of their record."""

    def read(self, walk: Walk, file: int, should_stop: Callable[[], bool]) -> int:
        """Reads a file to its end and returns how many captures it has. Raises ArchiveError at a damage, OSError.

        The captures before the damage are in the index. Stops at a record that shares its member with others: there it
        raises Unseekable.
        """
        before = len(self._captures)
        while not should_stop() and (record := walk.next()) is not None:
            if record.place.inner:
                raise Unseekable
            match record.type:
                case "response" | "revisit" | "resource":
                    self._take(record, file)
                case "request":
                    self._take_request(record)
        return len(self._captures) - before

    def _take(self, record: Record, file: int) -> None:
        url = self._url(record)
        if url is None:
            return
        block, _ = record.read_all(PEEKED)
        record.finish()
        answer = read_block(record, block)
        if answer is None:
            return
        fields = record.fields
        method, body = self._asked.pop(fields.get("warc-concurrent-to", ""), ("GET", b""))
        is_revisit = record.type == "revisit"
        is_page = is_document(answer.find(b"content-type").decode("latin-1"), answer.status)
        is_page = is_page and method == "GET" and not url.endswith("/robots.txt")
        kind = (Kind.REVISIT if is_revisit else Kind(0)) | (Kind.DOCUMENT if is_page else Kind(0))
        number = self._captures.add(
            NewCapture(
                request_key_of(url, method, body), unix_time(fields.get("warc-date", "")), file, record.place.offset,
                answer.status, kind, digest_key(fields.get("warc-payload-digest", "")), url if is_page else None,
            )
        )  # fmt: skip
        _keep(self._answered, fields.get("warc-record-id", ""), (number, url))

    def _take_request(self, record: Record) -> None:
        """Gives the capture of a request its key, where that is more than the URL."""
        head, _ = record.read_all(PEEKED)
        method = head.partition(b" ")[0].decode("latin-1").upper()
        if not method.isalpha() or method == "GET":
            return
        rest, _ = record.read_all(MOST_BODY)
        record.finish()
        body = (head + rest).partition(b"\r\n\r\n")[2]
        digest = sha1(body, usedforsecurity=False).digest() if body else b""
        answered = self._answered.get(record.fields.get("warc-concurrent-to", ""))
        if answered:
            number, url = answered
            self._captures.change_key(number, request_key_of(url, method, digest))
        else:
            _keep(self._asked, record.fields.get("warc-record-id", ""), (method, digest))

    def _url(self, record: Record) -> str | None:
        """Returns the canonical URL that a capture is about; None: no crawler can go there."""
        target = record.target
        if not target.lower().startswith(("http:", "https:")):
            return None
        try:
            return urls.parse(target, policy=self._policy).text
        except UrlError:
            return None


class Unseekable(Exception):
    """Records share one packed stream, so that none of them can be found again without all before it."""


def original_key(record: Record, policy: Policy, *, is_unchanged: bool) -> tuple[bytes, bytes | None, float]:
    """Returns the key, the digest and the time of the capture that a revisit refers to.

    `is_unchanged`: it is the answer that nothing has changed, so its digest is not that of the page.
    """
    fields = record.fields
    target = fields.get("warc-refers-to-target-uri", "").strip("<>") or record.target
    try:
        text = urls.parse(target, policy=policy).text
    except UrlError:
        text = target
    at = unix_time(fields.get("warc-refers-to-date", "") or fields.get("warc-date", ""))
    digest = "" if is_unchanged else fields.get("warc-payload-digest", "")
    return request_key(text), digest_key(digest), at


def unix_time(text: str) -> float:
    """Returns the Unix seconds of a WARC-Date; 0 for what is none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def read_block(record: Record, block: bytes) -> Answer | None:
    """Returns the answer that a record holds; None: it holds none.

    A resource is an answer without a head, and a revisit may have no head of its own.
    """
    if record.type == "resource":
        kind = record.fields.get("content-type", "").encode("latin-1", "replace")
        return Answer(200, ((b"Content-Type", kind),) if kind else (), b"", block)
    if record.type == "revisit":
        return read_answer(block, has_body=False) or Answer(200, (), b"", b"")
    return read_answer(block)


def is_document(content_type: str, status: int) -> bool:
    """Whether a person could read an answer of this type as a page. A redirect may have none."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in _DOCUMENTS or (not kind and 300 <= status < 400)


def _keep(recent: OrderedDict[str, T], name: str, value: T) -> None:
    if name:
        recent[name] = value
    if len(recent) > _RECENT:
        recent.popitem(last=False)
