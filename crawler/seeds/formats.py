"""Finds the format of a list by its first bytes, and calls the reader of that format."""

from __future__ import annotations

import codecs
import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import IO, cast

from ..errors import SeedError
from .archives import is_index, read_index, read_warc
from .markup import read_html
from .packing import is_zip, members, seekable, unpack
from .part import Bytes, Entry, Part, Stream
from .records import is_json, read_json
from .reports import Taken
from .sheets import is_sheet, read_sheets
from .tables import read_text
from .xml import read_xml

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
_XML = re.compile(r"<(?:\?xml\b|urlset\b|sitemapindex\b|opml\b|rss\b|feed\b)", re.IGNORECASE)
_HTML = re.compile(
    r"(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*)*<(?:!doctype\s+(?:html|netscape)|"
    r"(?:html|head|body|title|meta|dl|dt|ul|ol|li|p|h[1-6]|div|table)[\s>]|a\s)",
    re.IGNORECASE,
)


def parts_of(part: Part, file: IO[bytes] | None) -> Iterator[tuple[Part, Iterator[Entry]]]:
    """Yields the lists in a source, each with its entries. Read one before taking the next. Raises SeedError."""
    bare, part.stream = part.stream, unpack(part.name, part.stream)
    if not part.stream.head(4):
        raise SeedError(f"{part.name}: empty")
    if not is_zip(part.stream):
        yield part, _entries(part)
        return
    with ExitStack() as stack:
        whole = seekable(part.stream, file if part.stream is bare else None, stack)
        archive = stack.enter_context(zipfile.ZipFile(whole))
        if is_sheet(archive):
            yield part, read_sheets(part, archive, whole)
            return
        chosen = _of_web_archive(list(members(part.name, archive)))
        for info in chosen:
            with archive.open(info) as member:
                stream = unpack(part.name, Stream(cast("Bytes", member)))
                name = f"{part.name}/{info.filename}"
                one = replace(part, name=name, stream=stream, is_one_of_many=len(chosen) > 1, taken=Taken(name))
                if stream.head(4):
                    yield one, _of_member(one)


def _of_member(part: Part) -> Iterator[Entry]:
    """Returns the entries of a zip's file. If the zip has several files, binary ones are left out and reported."""
    if part.is_one_of_many and _encoding_of(part.stream.head()) is None:
        part.taken.what = "a binary file, left out"
        return iter(())
    return _entries(part)


def _of_web_archive(files: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """Chooses files of a zip. Of a WACZ: its list of pages, else an index, else the archives. Of others: all files."""
    names = {info.filename for info in files}
    if "datapackage.json" not in names or not any(name.startswith(("archive/", "pages/")) for name in names):
        return files
    pages, indexes = r"(?:pages|indexes)/[^/]*pages\.jsonl", r"indexes/.*\.cdxj?(?:\.gz)?"
    for wanted in (pages, indexes, r"archive/.*\.warc(?:\.gz|\.zst)?"):
        if chosen := [info for info in files if re.fullmatch(wanted, info.filename, re.IGNORECASE)]:
            return chosen
    return files


def _entries(part: Part) -> Iterator[Entry]:
    head = part.stream.head()
    if head.startswith(b"WARC/"):
        return read_warc(part)
    encoding = _encoding_of(head)
    if encoding is None:
        raise SeedError(f"{part.name}: a binary file, not a list of URLs")
    text = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    if _HTML.match(text):
        return read_html(part, encoding)
    if _XML.match(text):
        return read_xml(part)
    if is_json(text):
        return read_json(part, encoding)
    if is_index(head.decode(encoding, "replace").lstrip("\ufeff")):
        return read_index(part, encoding)
    return read_text(part, encoding)


def _encoding_of(head: bytes) -> str | None:
    """Returns the encoding by its mark, else UTF-8; UTF-16 without a mark if every second byte is mostly zero."""
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    if b"\0" not in head:
        return "utf-8"
    even, odd = head[::2], head[1::2]
    if odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.7 * len(even) and odd.count(0) < 0.1 * len(odd):
        return "utf-16-be"
    return None
