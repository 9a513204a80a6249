"""Lists what the WARC files of a crawl hold: URL -> body, redirect -> target. The list is on the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from typing import NamedTuple

from .. import urls
from ..archives.answers import MOST_HEAD, Answer, read_answer
from ..errors import ParseError, UrlError
from ..parse import codings, kinds, rewriting
from ..settings import Config
from ..urls.canonical import Policy
from ..warc.reading import Record, Walk, read_record
from ..warc.unpacking import Window
from .archives import Archive
from .source import Source

MOST_HOPS = 20
"""Redirects that are followed from one link."""
BATCH = 500
_PAGE = "text/html"
_XHTML = "application/xhtml+xml"
_STYLE = "text/css"
_REWRITTEN = (_PAGE, _XHTML, _STYLE)
_TABLES = (
    "CREATE TABLE body (id INTEGER PRIMARY KEY, payload TEXT, file INTEGER, offset INTEGER, kind TEXT, digest BLOB)",
    "CREATE INDEX by_payload ON body (payload)",
    "CREATE TABLE held (id INTEGER PRIMARY KEY, url TEXT UNIQUE, at TEXT, body INTEGER, moved_to TEXT, alike BLOB,"
    " path TEXT)",
    "CREATE INDEX by_alike ON held (alike)",
)


class Held(NamedTuple):
    """The archive's answer for one URL."""

    id: int
    url: str
    path: str
    """The file in the copy. Empty: not named yet."""
    kind: str
    """The media type that the body has."""
    file: int
    offset: int


class _Capture(NamedTuple):
    """One capture: a body, or a redirect."""

    record_id: str
    url: str
    at: str
    """Its WARC-Date, which sorts as text."""
    body: int | None
    moved_to: str | None


class Holdings:
    """The list. Its methods block; one thread uses it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._archives: list[Archive] = source.archives
        self._policy = _policy(source.folder.config)
        self._most = source.folder.config.fetch.max_body_bytes
        self.base: sqlite3.Connection = sqlite3.connect(
            "", isolation_level=None
        )  # an empty name: SQLite removes its file by itself
        for said in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", *_TABLES):
            self.base.execute(said)
        self._windows = ExitStack()
        self._open: tuple[int, Window] | None = None

    def __len__(self) -> int:
        return int(self.base.execute("SELECT count(*) FROM held WHERE body IS NOT NULL").fetchone()[0])

    def close(self) -> None:
        """Closes all files and drops the list."""
        self._windows.close()
        self.base.close()

    def read(self) -> None:
        """Reads all archives once. Raises ArchiveError, OSError."""
        self._source.expect(2 * sum(archive.size for archive in self._archives))
        self.base.execute("BEGIN")
        for number, archive in enumerate(self._archives):
            with archive.open() as window:
                self._read_file(Walk(window, archive.name), number)
            self._source.advance(archive.size)
        self.base.execute("COMMIT")

    def find(self, url: str) -> Held | None:
        """Returns what a link to this URL leads to, redirects followed; None: the copy has nothing of it."""
        try:
            known = urls.parse(url, policy=self._policy).text
        except UrlError:
            return None
        for _ in range(MOST_HOPS):
            row = self.base.execute(
                "SELECT held.id, url, path, kind, file, offset, moved_to"
                " FROM held LEFT JOIN body ON body.id = held.body WHERE url = ?", (known,)
            ).fetchone()  # fmt: skip
            if row is None or row[6] is None:
                return None if row is None else Held(row[0], row[1], row[2] or "", *row[3:6])
            known = row[6]
        return None

    def walk(self, after: int = 0) -> Iterator[Held]:
        """Yields all bodies in the order of their captures, once for each URL."""
        while True:
            rows = self.base.execute(
                "SELECT held.id, url, path, kind, file, offset FROM held JOIN body ON body.id = held.body"
                " WHERE held.id > ? ORDER BY held.id LIMIT ?", (after, BATCH)
            ).fetchall()  # fmt: skip
            for row in rows:
                yield Held(row[0], row[1], row[2] or "", *row[3:])
            if not rows:
                return
            after = rows[-1][0]

    def walk_doubles(self) -> Iterator[Held]:
        """Yields what is rewritten and has the bytes of another URL."""
        kinds_ = ", ".join("?" * len(_REWRITTEN))
        self.base.execute(
            "CREATE TABLE doubled AS SELECT held.id AS id FROM held JOIN body ON body.id = held.body"
            f" WHERE kind IN ({kinds_}) AND alike IN (SELECT alike FROM held GROUP BY alike HAVING count(*) > 1)",
            _REWRITTEN,
        )
        self.base.execute("CREATE UNIQUE INDEX by_double ON doubled (id)")
        for one in self.walk():
            if self.base.execute("SELECT 1 FROM doubled WHERE id = ?", (one.id,)).fetchone():
                yield one

    def set_alike(self, one: Held, alike: bytes) -> None:
        """Says what distinguishes a document from others with the same bytes."""
        self.base.execute("UPDATE held SET alike = ? WHERE id = ?", (alike, one.id))

    def find_named(self, one: Held) -> str | None:
        """Returns the file that has the same content already; None: there is none yet."""
        row = self.base.execute(
            "SELECT path FROM held WHERE alike = (SELECT alike FROM held WHERE id = ?) AND path IS NOT NULL LIMIT 1",
            (one.id,),
        ).fetchone()
        return row and str(row[0])

    def name(self, one: Held, path: str) -> None:
        """Gives what a URL holds its file."""
        self.base.execute("UPDATE held SET path = ? WHERE id = ?", (path, one.id))

    def body_of(self, one: Held) -> tuple[bytes, str]:
        """Returns body and Content-Type. Raises ArchiveError, OSError, ParseError for one that cannot be unpacked."""
        if self._open is None or self._open[0] != one.file:
            self._windows.close()
            self._open = one.file, self._windows.enter_context(self._archives[one.file].open())
        record = read_record(self._open[1], self._archives[one.file].name, one.offset)
        answer = self._answer(record)
        return (b"", "") if answer is None else self._unpack(answer)

    # -- reading once ------------------------------------------------------------------------------------------------

    def _read_file(self, walk: Walk, number: int) -> None:
        """Reads one file. A capture waits for the record behind it, its request: only what a GET brought is shown."""
        waiting: _Capture | None = None
        while (record := walk.next()) is not None:
            if record.type in {"response", "revisit", "resource"}:
                self._keep(waiting)
                waiting = self._take(record, number)
            elif record.type == "request" and waiting and record.fields.get("warc-concurrent-to") == waiting.record_id:
                head, _ = record.read_all(16)
                if not head.startswith(b"GET "):
                    waiting = None
        self._keep(waiting)

    def _keep(self, waiting: _Capture | None) -> None:
        if waiting is not None:
            one = waiting
            self.base.execute(
                "INSERT INTO held (url, at, body, moved_to, alike) VALUES (?, ?, ?, ?,"
                " (SELECT digest FROM body WHERE id = ?)) ON CONFLICT (url) DO UPDATE SET at = excluded.at,"
                " body = excluded.body, moved_to = excluded.moved_to, alike = excluded.alike WHERE excluded.at >= at",
                (one.url, one.at, one.body, one.moved_to, one.body),
            )

    def _take(self, record: Record, number: int) -> _Capture | None:
        """Returns the capture of a record; None: it shows nothing."""
        try:
            url = urls.parse(record.target, policy=self._policy)
        except UrlError:
            return None
        answer = self._answer(record)
        if answer is None or url.path == "/robots.txt":
            return None
        name, at = record.fields.get("warc-record-id", ""), record.fields.get("warc-date", "")
        if 300 <= answer.status < 400:
            location = answer.find(b"location").decode("utf-8", "replace")
            target = urls.make_resolver(url.text, self._policy)(location) if location else ""
            return _Capture(name, url.text, at, None, target) if target and target != url.text else None
        if answer.status not in {200, 203}:
            return None
        body = self._find_body(record) if record.type == "revisit" else self._add_body(record, answer, number)
        return None if body is None else _Capture(name, url.text, at, body, None)

    def _find_body(self, record: Record) -> int | None:
        payload = record.fields.get("warc-payload-digest", "")
        row = self.base.execute("SELECT id FROM body WHERE payload = ? LIMIT 1", (payload,)).fetchone()
        return row and int(row[0])

    def _add_body(self, record: Record, answer: Answer, number: int) -> int | None:
        try:
            body, content_type = self._unpack(answer)
        except ParseError:
            return None
        kind = _kind_of(body, content_type)
        digest = sha256(f"{kind}\n".encode() + body).digest()
        payload = record.fields.get("warc-payload-digest", "")
        values = (payload, number, record.place.offset, kind, digest)
        added = self.base.execute(
            "INSERT INTO body (payload, file, offset, kind, digest) VALUES (?, ?, ?, ?, ?)", values
        )
        return added.lastrowid

    def _answer(self, record: Record) -> Answer | None:
        block, _ = record.read_all(self._most + MOST_HEAD)
        if record.type == "resource":
            kind = record.fields.get("content-type", "").encode("latin-1", "replace")
            return Answer(200, ((b"Content-Type", kind),), b"", block)
        return read_answer(block, has_body=record.type == "response") or (
            Answer(200, (), b"", b"") if record.type == "revisit" else None
        )

    def _unpack(self, answer: Answer) -> tuple[bytes, str]:
        coding = b",".join(value for name, value in answer.fields if name.lower() == b"content-encoding")
        found = codings.decode_beginning(answer.body, coding.decode("latin-1"), self._most, is_cut=True)
        return found.body[: self._most], answer.find(b"content-type").decode("latin-1")


def _kind_of(body: bytes, content_type: str) -> str:
    """Returns the media type that the body is shown as."""
    if kinds.kind(content_type, body) == "html":
        return _XHTML if rewriting.is_xhtml(body, content_type) else _PAGE
    return kinds.essence(content_type)


def _policy(config: Config) -> Policy:
    return Policy(config.urls.strip_params, config.urls.strip_session_ids, config.urls.sort_params)
