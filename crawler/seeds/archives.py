"""Reads the URLs of archived pages from WARC files and their indexes (CDX, CDXJ)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from .part import BLOCK, Entry, Lines, Part

_TAKEN = {b"response", b"resource", b"revisit", b"conversion"}
"""Types of records that hold or stand for an answer of a URL. Requests and metadata only repeat the URL."""
_MOST_HEADER = 1 << 16
"""Bytes of a record's header."""
_MOST_DIGITS = 18
"""Digits of a record's length."""
_CDX = re.compile(r" ?CDX |![\w-]+ [\d\[{]|(?=\S[^\s)]*\))\S++ \d{4,17} (?:\{|[a-z]+:)")


def is_index(line: str) -> bool:
    """Whether this is the first line of a CDX or CDXJ file."""
    return _CDX.match(line) is not None


def read_warc(part: Part) -> Iterator[Entry]:
    """Yields the target of each capture in a WARC (1.0, 1.1). Targets with other schemes than http are skipped."""
    part.taken.what = "WARC records"
    reader, number, last = _Reader(part), 0, ""
    while (header := reader.header()) is not None:
        number += 1
        fields = dict(_fields(header))
        size = fields.get(b"content-length", b"")
        if not header.startswith(b"WARC/") or not size.isdigit() or len(size) > _MOST_DIGITS:
            part.bad(number, header[:200].decode("utf-8", "replace"), "not a WARC record, so the rest was not read")
            return
        target = fields.get(b"warc-target-uri", b"").strip(b"<>").decode("utf-8", "replace")
        if fields.get(b"warc-type") in _TAKEN and target != last and target.lower().startswith(("http:", "https:")):
            last = target
            yield number, target
        if not reader.skip(int(size)):
            part.bad(number, target, "the last record is incomplete")
            return


def _fields(header: bytes) -> Iterator[tuple[bytes, bytes]]:
    for line in header.split(b"\n")[1:]:
        name, _, value = line.partition(b":")
        yield name.strip().lower(), value.strip()


class _Reader:
    """Reads headers, and skips the body after each."""

    def __init__(self, part: Part) -> None:
        self._read = part.stream.read1
        self._kept = b""

    def header(self) -> bytes | None:
        """Returns the bytes up to the next empty line, or None at the end."""
        self._kept, looked = self._kept.lstrip(b"\r\n"), 0
        while True:
            ends = [at for mark in (b"\r\n\r\n", b"\n\n") if (at := self._kept.find(mark, looked)) >= 0]
            if ends or len(self._kept) > _MOST_HEADER:
                end = min(ends, default=_MOST_HEADER)
                header, self._kept = self._kept[:end], self._kept[end:]
                self._kept = self._kept.removeprefix(b"\r\n\r\n") if self._kept[:1] == b"\r" else self._kept[2:]
                return header
            if not (block := self._read(BLOCK)):
                header, self._kept = self._kept, b""
                return header or None
            looked = max(0, len(self._kept) - 3)
            self._kept = self._kept + block if self._kept else block.lstrip(b"\r\n")

    def skip(self, size: int) -> bool:
        """Skips `size` bytes. Returns False if there are fewer."""
        size -= len(self._kept)
        self._kept = self._kept[size:] if size < 0 else b""
        while size > 0 and (block := self._read(BLOCK)):
            self._kept = block[size:]
            size -= len(block)
        return size <= 0


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
