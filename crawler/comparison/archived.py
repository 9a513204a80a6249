"""Reads one side of a comparison from web archives. A page is decoded once, and parsed only where it changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from .. import urls
from ..archives.answers import Answer
from ..archives.files import OPEN, ArchiveFile, find_archives, open_window
from ..archives.indexing import read_block, unix_time
from ..assembly import parts
from ..errors import ArchiveError, ParseError, UrlError
from ..model import Request, Response, Url
from ..parse import make_document, parse
from ..parse.codings import decode_beginning
from ..settings import Config, SinkConfig
from ..warc.reading import Record, Walk, read_record
from ..warc.unpacking import Window
from .sides import Facts
from .table import Row

MOST_BLOCK = 64 << 20
"""Bytes of a record that are read."""
NOWHERE = -1
"""The place of a capture that cannot be found again by itself."""
_UNREAD = Facts(None, None, None, None)


class ArchiveSide:
    """WARC files, folders of them, or a WACZ."""

    is_archive = True

    def __init__(self, path: Path) -> None:
        self.name: str = str(path)
        self._files = find_archives([path])
        self._config = Config(sinks=(SinkConfig(text=True, simhash=True),))
        self._policy = parts.policy(self._config)
        self._job = parts.job(self._config, parts.scope(self._config), b"comparison")

    def rows(self) -> Iterator[Row]:
        for number, file in enumerate(self._files):
            with ExitStack() as stack:
                yield from self._read(number, file, open_window(file, stack))

    def facts(self, row: Row) -> Facts:
        if row.part == NOWHERE:
            return _UNREAD
        with ExitStack() as stack:
            file = self._files[row.part]
            record = read_record(open_window(file, stack), file.name, row.nth)
            answer = self._answer(record)
            url = self._url(record)
        return self._parse(url, answer) if url and answer else _UNREAD

    def _read(self, number: int, file: ArchiveFile, window: Window) -> Iterator[Row]:
        try:
            for record in Walk(window, file.name, is_checked=False):
                if row := self._row(record, number):
                    yield row
        except ArchiveError:
            if not file.path.name.endswith(OPEN):  # a crawl is writing it, or was killed
                raise

    def _row(self, record: Record, number: int) -> Row | None:
        if record.type not in ("response", "revisit", "resource") or not (url := self._url(record)):
            return None
        answer = self._answer(record)
        if answer is None:
            return None
        location = answer.find(b"location").decode("latin-1") if 300 <= answer.status < 400 else ""
        body = None if record.type == "revisit" or answer.status == 304 else self._decode(answer)
        return Row(
            url.text,
            unix_time(record.fields.get("warc-date", "")),
            _disposition(answer.status, location),
            None if answer.status < 400 else f"status-{answer.status // 100}xx",
            answer.status,
            None if body is None else f"sha256:{sha256(body).hexdigest()}",
            None,
            None,
            self._resolve(location, url) or None,
            None,
            None if body is None else len(body),
            NOWHERE if record.place.inner or body is None else number,
            record.place.offset,
            record.fields.get("warc-payload-digest", "").lower() or None,
        )

    def _url(self, record: Record) -> Url | None:
        """Returns the URL of a page; None: the record is about something else, robots.txt for example."""
        if not record.target.lower().startswith(("http:", "https:")):
            return None
        try:
            url = urls.parse(record.target, policy=self._policy)
        except UrlError:
            return None
        return None if url.path == "/robots.txt" else url

    def _answer(self, record: Record) -> Answer | None:
        block, _ = record.read_all(MOST_BLOCK)
        return read_block(record, block)

    def _decode(self, answer: Answer) -> bytes:
        coding = answer.find(b"content-encoding").decode("latin-1")
        try:
            return decode_beginning(answer.body, coding, self._job.max_body_bytes).body[: self._job.max_body_bytes]
        except ParseError:
            return answer.body

    def _resolve(self, location: str, url: Url) -> str:
        return urls.make_resolver(url.text, self._policy)(location) if location else ""

    def _parse(self, url: Url, answer: Answer) -> Facts:
        response = Response(url, answer.status, answer.fields, answer.body)
        try:
            page = parse(make_document(Request(url), response, is_for_function=False), self._job)
        except ParseError:
            return _UNREAD
        simhash = f"{page.simhash:016x}" if page.simhash else None
        return Facts(page.text, simhash, page.robots or None, page.title or None)


def _disposition(status: int, location: str) -> str:
    if status == 304:
        return "unchanged"
    return "redirected" if location else "fetched" if status < 400 else "failed"
