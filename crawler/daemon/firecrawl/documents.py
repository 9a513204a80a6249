"""Makes Firecrawl's documents of the records of a job, or of one page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from ...api.one_page import FetchedPage
from ...errors import ParseError
from ...model import Url
from ...parse import Document as Body
from ...parse.source import read_source, render_seen
from ...protocols import Offloader, Reader
from ...records import Filter, Record
from ...runtime.private_files import opener
from ...runtime.threads import run_in_thread
from ..runs import records

MOST_DOCUMENTS = 100
"""Documents in one answer."""
MOST_BYTES = 8 << 20
"""Bytes of documents in one answer; the one that goes beyond is its last."""
AT_ONCE = 200
"""Records that are read at once."""
TREE_BYTES = 96 << 20
"""Memory for the tree of one page."""
EVERY = Filter()
BROUGHT = frozenset({"fetched", "duplicate", "unchanged"})
"""Dispositions of URLs that brought a page."""
Document = dict[str, Any]


class Form(NamedTuple):
    """The form of the documents of a job."""

    formats: frozenset[str]
    is_main: bool
    """Whether HTML is that of the main part alone."""


class Part(NamedTuple):
    """Some documents of a job."""

    documents: Sequence[Document]
    start: int
    """Where the records begin among which the next documents are."""
    skip: int
    """The documents among these records that were given already."""
    is_last: bool
    """Whether there are no more for now."""


async def read_part(reader: Reader, start: int, skip: int, folder: Path, form: Form, workers: Offloader) -> Part:
    """Returns documents of the records from `start` on, without the first `skip`."""
    found: list[Document] = []
    size = seen = 0
    async for batch, end in batches(reader, start, AT_ONCE):
        for record in filter(is_document, batch):
            if size >= MOST_BYTES or len(found) >= MOST_DOCUMENTS:
                return Part(found, start, seen, False)
            seen += 1
            if seen > skip:
                document = await of_record(record, folder, form, workers)
                found.append(document)
                size += sum(len(text) for text in document.values() if isinstance(text, str))
        start, skip, seen = end, max(0, skip - seen), 0
    return Part(found, start, seen, True)


async def batches(reader: Reader, start: int, at_once: int) -> AsyncIterator[tuple[Sequence[Record], int]]:
    """Yields the records from a position on in batches, each with the position behind it."""
    while True:
        with records.readable():
            stretch = await run_in_thread(reader.read, start, at_once, EVERY, records.MOST_READ)
        yield [orjson.loads(line) for line in stretch.lines], stretch.end
        if stretch.is_last:
            return
        start = stretch.end


def is_document(record: Mapping[str, Any]) -> bool:
    """Whether a record is that of a page, and not of a sitemap or of a URL that brought none."""
    kind = (record.get("content_type") or "").partition(";")[0].strip().lower()
    is_list = kind.endswith("xml") and "html" not in kind
    return record["disposition"] in BROUGHT and not is_list and not record.get("requisite")


async def of_record(record: Mapping[str, Any], folder: Path, form: Form, workers: Offloader) -> Document:
    """Returns the document of a record; its HTML is read from the crawl folder."""
    html = await _html(record, folder, form, workers) if record.get("file") else {}
    return make(record, form.formats, html)


def of_page(page: FetchedPage, formats: Sequence[str], asked: str) -> Document:
    """Returns the document of one page. `asked` is the URL as the client wrote it."""
    html = {"rawHtml": page.html.get("source", ""), "html": page.html.get("main") or page.html.get("seen", "")}
    document = make(page.record, frozenset(formats), html)
    document["metadata"]["sourceURL"] = asked
    return document


def make(record: Mapping[str, Any], formats: frozenset[str], html: Mapping[str, str]) -> Document:
    """Returns a document with the formats that were asked for."""
    document: Document = {}
    if "markdown" in formats:
        document["markdown"] = record.get("markdown") or record.get("text") or ""
    if "links" in formats:
        document["links"] = record.get("links") or []
    document |= {name: html.get(name, "") for name in ("html", "rawHtml") if name in formats}
    document["metadata"] = _metadata(record)
    return document


def _metadata(record: Mapping[str, Any]) -> dict[str, Any]:
    said = record.get("metadata") or {}
    known = {
        "title": record.get("title"),
        "description": record.get("description"),
        "language": record.get("language"),
        "robots": record.get("robots"),
        "publishedTime": said.get("published"),
        "modifiedTime": said.get("modified"),
        "sourceURL": record["url"],
        "url": record["url"],
        "statusCode": record["status"],
        "contentType": record.get("content_type"),
        "proxyUsed": "basic",
        "cacheState": "miss",
        "error": record.get("detail") if record["disposition"] not in BROUGHT else None,
    }
    return {name: value for name, value in known.items() if value is not None}


async def _html(record: Mapping[str, Any], folder: Path, form: Form, workers: Offloader) -> dict[str, str]:
    """Returns the HTML of a page whose body was saved as a file; empty where the file is gone."""
    try:
        body = await run_in_thread(_read, folder / str(record["file"]))
    except OSError:
        return {}
    page, found = Body(Url(str(record["url"])), body, str(record.get("content_type") or "")), dict[str, str]()
    size, most = max(len(body), 1 << 17), len(body)
    try:
        if "rawHtml" in form.formats:
            charset = str(record.get("charset") or "")
            found["rawHtml"] = await workers.run(read_source, page, charset, most, size=size)
        if "html" in form.formats:
            found["html"] = await workers.run(render_seen, page, most, TREE_BYTES, form.is_main, size=size)
    except ParseError:
        pass
    return found


def _read(path: Path) -> bytes:
    with open(path, "rb", opener=opener) as file:
        return file.read()


def failures(lines: Iterable[Mapping[str, Any]], job: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Returns the failures of a job, and the URLs that robots.txt disallows."""
    errors, disallowed = [], []
    for number, record in enumerate(lines):
        if record.get("reason") == "robots":
            disallowed.append(str(record["url"]))
        elif record["disposition"] == "failed":
            code = str(record.get("reason") or "failed").upper().replace("-", "_")
            errors.append({
                "id": f"{job}-{number}", "timestamp": record["fetched_at"], "url": record["url"], "code": code,
                "error": record.get("detail") or record.get("reason"),
            })  # fmt: skip
    return errors, disallowed
