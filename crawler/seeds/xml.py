"""Reads lists in XML: sitemaps, OPML, feeds. From an error on it reads as browsers and feed readers do."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from xml.parsers import expat

from ..errors import SeedError
from ..runtime.xml_repair import MAX_TAG, Enough, Repair, decode
from .part import BLOCK, MAX_LINE, Entry, Part

_ENCODING = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)""")
_KINDS = {
    "urlset": "a sitemap", "sitemapindex": "an index of sitemaps", "opml": "OPML", "rss": "a feed", "feed": "a feed",
    "rdf": "a feed",
}  # fmt: skip
MAX_NESTING = 256
"""Depth of nested elements. A deeper document is no list of URLs."""
_ENTRIES = {"url", "sitemap", "item", "entry"}
"""None of these stands within another one of its name."""


def read_xml(part: Part) -> Iterator[Entry]:
    """Yields the URLs in `<loc>` (sitemaps.org protocol 0.9), in the outlines of OPML, or in the items of a feed.

    A list that declares entities is refused, because entities can blow up.
    """
    part.taken.what = "XML"
    reader = _Reader(part)
    try:
        while block := part.stream.read1(BLOCK):
            reader.feed(block)
            part.taken.what = reader.what
            yield from reader.take()
        reader.end_document()
    except Enough as enough:
        part.bad(reader.line(), "", str(enough))
    yield from reader.take()


def feed(parser: expat.XMLParserType, read: Callable[[int], bytes]) -> Iterator[None]:
    """Feeds a parser piece by piece. Raises expat.ExpatError, also for a tag that is too long."""
    total = 0
    while block := read(BLOCK):
        total += len(block)
        parser.Parse(block, False)
        if total - parser.CurrentByteIndex > MAX_TAG:  # expat rereads an unfinished tag with every piece
            error = expat.ExpatError(f"a tag of more than {MAX_TAG >> 20} MiB")
            error.lineno = parser.CurrentLineNumber
            raise error
        yield
    parser.Parse(b"", True)


class _Reader:
    """Feeds a parser, collects the URLs in the kinds of XML that we know, and reads on if the parser gives up."""

    def __init__(self, part: Part) -> None:
        self.what = "XML without a list that we know"
        self.path = [""]
        self._part = part
        self._found = list[Entry]()
        self._text: list[str] | None = None
        self._repair: Repair | None = None
        self._line = 1
        self._fed = self._begun = 0
        """Bytes given to the parser, and the place where `_tail` begins."""
        self._tail = b""
        self._head = b""
        self._is_cdata = False
        self._mark = self._make_mark()
        self._parser = parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self.start, self.end
        parser.CharacterDataHandler = self._add_text
        parser.StartCdataSectionHandler = lambda: setattr(self, "_is_cdata", True)
        parser.EndCdataSectionHandler = lambda: setattr(self, "_is_cdata", False)
        parser.EntityDeclHandler = self._refuse

    def take(self) -> list[Entry]:
        """Returns what was found since the last call."""
        found, self._found = self._found, []
        return found

    def line(self) -> int:
        """Returns the number of the line that is being read."""
        return self._line + self._repair.lines if self._repair else self._parser.CurrentLineNumber

    # -- bytes in ----------------------------------------------------------------------------------------------------

    def feed(self, block: bytes) -> None:
        """Reads a block. Raises Enough if the rest should not be read, SeedError if the list declares entities."""
        if self._repair:
            self._read_on(block)
            return
        self._head = self._head or block[:BLOCK]
        self._parse(block, is_last=False)
        if not self._repair and self._fed - self._parser.CurrentByteIndex > MAX_TAG:
            raise Enough(f"a tag is longer than {MAX_TAG >> 20} MiB, so the rest was not read")

    def end_document(self) -> None:
        if not self._repair:
            self._parse(b"", is_last=True)
        if self._repair:
            self._read_on(b"", is_last=True)
            self._repair.end_document()

    def _parse(self, block: bytes, *, is_last: bool) -> None:
        at = max(0, self._parser.CurrentByteIndex)
        self._tail = self._tail[at - self._begun :] + block
        self._begun, self._mark = at, self._make_mark()
        self._fed += len(block)
        try:
            self._parser.Parse(block, is_last)
        except expat.ExpatError as error:
            self._begin_repair(error, is_last=is_last)

    def _make_mark(self) -> tuple[int, list[str], list[str] | None, int, bool]:
        line = self._parser.CurrentLineNumber if hasattr(self, "_parser") else 1
        return line, [*self.path], None if self._text is None else [*self._text], len(self._found), self._is_cdata

    def _begin_repair(self, error: expat.ExpatError, *, is_last: bool) -> None:
        """Takes back what was read since the mark, and reads it as a faulty document."""
        why = "the XML ends too early" if is_last else "the XML has a fault here, and was read on as browsers do"
        self._part.bad(error.lineno, "", f"{why}: {error}")
        self._line, self.path, text, kept, is_cdata = self._mark
        self._text = None if text is None else [one.replace("&", "&amp;") for one in text]
        del self._found[kept:]
        self._decoder = codecs.getincrementaldecoder(_encoding(self._head))("replace")
        self._repair = Repair(self, self._add_text, is_cdata=is_cdata)
        tail, self._tail = self._tail, b""
        self._read_on(tail)

    def _read_on(self, block: bytes, *, is_last: bool = False) -> None:
        assert self._repair is not None
        self._repair.feed(self._decoder.decode(block, final=is_last))

    def _refuse(self, *_: object) -> None:
        raise SeedError(f"{self._part.name}: a list must not declare entities")

    # -- elements out ------------------------------------------------------------------------------------------------

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        local = name.rpartition(":")[2].lower()
        if len(self.path) == 1:
            self.what = _KINDS.get(local, self.what)
        self.path.append(local)
        if len(self.path) > MAX_NESTING:
            raise Enough(f"elements are nested deeper than {MAX_NESTING}, so the rest was not read")
        match self.path[-2:]:
            case ["url" | "sitemap", "loc"] | ["item", "link"]:
                self._text = []
            case ["entry", "link"] if attributes.get("rel", "alternate") == "alternate" and "href" in attributes:
                self._found.append((self.line(), attributes["href"]))
            case [_, "outline"]:
                known = (attributes.get(key, "") for key in ("xmlUrl", "htmlUrl", "url"))
                self._found += [(self.line(), url.strip()) for url in known if url.strip()]

    def end(self, _: str) -> None:
        self.path.pop()
        if self._text is not None:
            text = "".join(self._text)
            self._found.append((self.line(), (decode(text) if self._repair else text).strip()))
            self._text = None

    def implies_end(self, local: str) -> bool:
        """Whether the end tag of the innermost element was forgotten, in a faulty list, if `local` starts here."""
        return local in _ENTRIES and local in self.path

    def _add_text(self, text: str) -> None:
        if self._text is not None and len(self._text) < MAX_LINE:
            self._text.append(text)


def _encoding(head: bytes) -> str:
    """Returns the encoding that a document declares, as far as Python knows it; UTF-8."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name
    declared = _ENCODING.match(head.lstrip())
    try:
        return codecs.lookup(declared[1].decode()).name if declared else "utf-8"
    except LookupError:
        return "utf-8"
