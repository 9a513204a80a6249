"""Writes and reads lines of CDXJ, the index of captures: a key, a second, and where the record stands."""

from __future__ import annotations

import re
from json.encoder import encode_basestring_ascii as quote
from typing import NamedTuple

import orjson

from .surt import make_surt

REVISIT = "warc/revisit"
"""The media type that indexes give to a record without a body of its own."""
INDEXED = frozenset({"response", "revisit", "resource"})
"""Types of the records that an index names."""
_STAMP = re.compile(r"([0-9]{4})-?([0-9]{2})?-?([0-9]{2})?T?([0-9]{2})?:?([0-9]{2})?:?([0-9]{2})?")
_UNKNOWN = ("0000", "01", "01", "00", "00", "00")


class Entry(NamedTuple):
    """One line of an index. An empty status and an empty digest are not written."""

    url: str
    stamp: str
    """The second of the capture, in UTC: `20261129100000`."""
    filename: str
    """The name of the WARC file, without a folder."""
    offset: int
    length: int
    """Bytes that the record takes in the file."""
    mime: str | None = None
    """The media type as the server spelt it; `warc/revisit` for a revisit. None: the server named none."""
    status: str = ""
    digest: str = ""
    """The payload digest, as the record has it."""


def make_line(entry: Entry) -> bytes:
    r"""Returns the line of a capture, with its end, in ASCII: `org,example)/ 20261129100000 {"url": ...}\n`.

    It is the same that cdxj-indexer writes, byte for byte.
    """
    mime = "" if entry.mime is None else f', "mime": {quote(entry.mime)}'
    status = f', "status": {quote(entry.status)}' if entry.status else ""
    digest = f', "digest": {quote(entry.digest)}' if entry.digest else ""
    place = f'"length": "{entry.length}", "offset": "{entry.offset}", "filename": {quote(entry.filename)}'
    known = f'{{"url": {quote(entry.url)}{mime}{status}{digest}, {place}}}'
    return f"{make_surt(entry.url)} {entry.stamp} {known}\n".encode()


def read_line(line: bytes) -> Entry:
    """Returns the capture of a line, of whatever maker. Raises ValueError for a line that is none."""
    _, stamp, text = line.split(b" ", 2)
    values = orjson.loads(text)
    if not isinstance(values, dict) or not isinstance(values.get("url"), str):
        raise ValueError("the line names no URL")
    texts = {name: str(values.get(name, "")) for name in ("url", "filename", "status", "digest")}
    mime = str(values["mime"]) if "mime" in values else None
    offset, length = int(str(values.get("offset", -1))), int(str(values.get("length", 0)))
    return Entry(**texts, mime=mime, stamp=stamp.decode("ascii"), offset=offset, length=length)


def make_stamp(date: str) -> str:
    """Returns the second of a WARC-Date in the form of an index; where the date is coarser, its beginning."""
    found = _STAMP.match(date.strip())
    parts = found.groups() if found else (None,) * len(_UNKNOWN)
    return "".join(part or unknown for part, unknown in zip(parts, _UNKNOWN, strict=True))


def find_mime(content_type: bytes) -> str:
    """Returns the media type of a Content-Type as the server spelt it, without parameters."""
    mime = content_type.partition(b";")[0].strip()
    try:
        return mime.decode("utf-8")
    except UnicodeDecodeError:
        return mime.decode("latin-1")
