"""The format `links`: a table of all links, from page to page, for spreadsheets and tools that draw graphs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from ..audit.facts import Link, link, links
from ..errors import FolderError
from ..records import Record
from ..sinks.bulk import Row, load_records
from ..sinks.rows import Rows
from .newest import Newest, open_newest
from .source import Source
from .wanted import Wanted

COLUMNS = ("from", "to", "kind", "text")
_MARKS = (b'"links":', b'"audit":{', b'"location":"')
REDIRECT = "redirect"


def write_links(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes a row for each link of the newest visit of each page, and one for each redirect that was followed.

    Raises FolderError where the records hold no links, OSError.
    """
    rows, has_links = Rows(COLUMNS, "csv"), False
    file.write(rows.head)
    with open_newest(source, wanted.scratch) as newest:
        for lines in source.batches():
            marked = [line for line in lines if any(mark in line for mark in _MARKS)]
            records = load_records(marked)
            has_links = has_links or any("links" in one or "audit" in one for one in records)
            file.write(rows.write(list(_edges(records, newest))))
    if not has_links and not any(sink.links or sink.audit for sink in source.folder.config.sinks):
        raise FolderError(f"{source.folder.path}: its records hold no links; crawl with --links, or --preset audit")


def _edges(records: list[dict[str, Any]], newest: Newest) -> Iterator[Row]:
    for record in records:
        if newest.has(record):
            url = record.get("url")
            if record.get("location"):
                yield url, record["location"], REDIRECT, None
            for one in read_links(record):
                target = one.url + (f"#{one.fragment}" if one.fragment else "")
                yield url, target, one.kind or None, one.text or None


def read_links(record: Record) -> Iterator[Link]:
    """Yields the links that a record holds. Strangers may have changed it: what is no link is left out."""
    return (link(one) for one in links(record) if isinstance(one, list) and one)
