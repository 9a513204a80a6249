"""Reads the URLs of archived pages from WARC files and their indexes (CDX, CDXJ)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from ..errors import ArchiveError
from ..warc.reading import Walk
from ..warc.unpacking import CUT_SHORT, Place
from .part import BLOCK, Entry, Lines, Part, Stream

_TAKEN = {"response", "resource", "revisit", "conversion"}
"""Types of records that hold or stand for an answer of a URL. Requests and metadata only repeat the URL."""
_CDX = re.compile(r" ?CDX |![\w-]+ [\d\[{]|(?=\S[^\s)]*\))\S++ \d{4,17} (?:\{|[a-z]+:)")


def is_index(line: str) -> bool:
    """Whether this is the first line of a CDX or CDXJ file."""
    return _CDX.match(line) is not None


def read_warc(part: Part) -> Iterator[Entry]:
    """Yields the target of each capture in a WARC (0.17 to 1.1). Targets with other schemes than http are skipped."""
    part.taken.what = "WARC records"
    number, last = 0, ""
    try:
        for number, record in enumerate(Walk(_Blocks(part.stream), part.name, is_checked=False), 1):
            target = record.target
            if record.type in _TAKEN and target != last and target.lower().startswith(("http:", "https:")):
                last = target
                yield number, target
    except ArchiveError as error:
        if error.why == CUT_SHORT:
            part.bad(number, last, "the last record is incomplete")
        else:
            part.bad(number + 1, error.why, "not a WARC record, so the rest was not read")


class _Blocks:
    """The bytes of a list, which is unpacked already, as a walk over records reads them."""

    is_packed = False

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._size = 0

    @property
    def end(self) -> Place:
        return Place(self._size)

    def read(self) -> bytes:
        piece = self._stream.read1(BLOCK)
        self._size += len(piece)
        return piece


def read_index(part: Part, encoding: str) -> Iterator[Entry]:
    """Yields the URLs of an index: of CDX the third field, or the one named `a` in its first line; of CDXJ `url`."""
    part.taken.what = "an index of captures"
    place, last = 2, ""
    for number, line in Lines(part.stream, encoding, 1 << 20):
        fields = line.split()
        if not fields or line.startswith("!"):
            continue
        if fields[0] == "CDX":
            place = fields.index("a") - 1 if "a" in fields else 2
            continue
        text = _of_json(line) if line.rstrip().endswith("}") else fields[place] if place < len(fields) else ""
        if not text:
            part.bad(number, line, "no URL in this line of the index")
        elif text != last and text.lower().startswith(("http:", "https:")):
            last = text
            yield number, text


def _of_json(line: str) -> str:
    try:
        found = orjson.loads(line[line.index("{") :])
        return str(found["url"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return ""
