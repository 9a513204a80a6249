"""Makes the index entries of a WARC file: one for each record that can be replayed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .cdxj import INDEXED, REVISIT, Entry, find_mime, make_stamp
from .reading import Record, Walk
from .unpacking import Window

MOST_HEAD = 1 << 16
"""Bytes of a block that are looked at: the head of an answer is at the beginning."""
_STATUS = re.compile(rb"HTTP/[0-9.]+[ \t]+([0-9]{3})(?![0-9])", re.IGNORECASE)
_MIME = re.compile(rb"^content-type[ \t]*:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_END = re.compile(rb"\r?\n\r?\n")


def index_file(window: Window, name: str) -> Iterator[Entry]:
    """Yields the entries of a WARC file in the order of its records. `name` is that in the index, without a folder.

    Memory is bounded. Digests are not checked. Raises ArchiveError at the place from which on the file cannot be read,
    OSError.
    """
    for record in Walk(window, name, is_checked=False):
        if record.type in INDEXED and record.target:
            yield _index(record, name)


def _index(record: Record, name: str) -> Entry:
    said, status = record.fields.get("content-type"), ""
    mime = None if said is None else find_mime(said.encode())
    if record.type != "resource" and record.target[:4].lower() == "http":
        head = _END.split(record.read_all(MOST_HEAD)[0], maxsplit=1)[0]
        status, mime = _read_head(head)
    record.finish()
    return Entry(
        url=record.target,
        stamp=make_stamp(record.fields.get("warc-date", "")),
        filename=name,
        offset=record.place.offset,
        length=record.length or 0,
        mime=REVISIT if record.type == "revisit" else mime,
        status=status,
        digest=record.fields.get("warc-payload-digest", ""),
    )


def _read_head(head: bytes) -> tuple[str, str | None]:
    """Returns status (empty: none) and media type (None: none) of the head of an HTTP answer."""
    status, mime = _STATUS.match(head), _MIME.search(head)
    return status[1].decode() if status else "", find_mime(mime[1]) if mime else None
