"""Reads sitemaps and feeds in one pass with expat. Standards: sitemaps.org protocol, RSS 2.0 and 1.0, Atom (RFC 4287).

Namespaces are ignored, because many sitemaps declare none or the wrong one. From an error on, `repair` reads; it also
reads documents that declare entities, because it expands none. A sitemap that is cut short is still a sitemap.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain
from xml.parsers import expat

from ..dataclass import dataclass
from ..errors import ParseError
from ..model import Reason
from ..runtime.xml_repair import MAX_TAG, Enough, Repair, decode
from ..urls import resolve_absolute, resolve_base
from . import charset, sitemap
from .job import Document, ParseJob
from .links import kinds_of_link
from .reading import Reading, one_line

MAX_NESTING = 256
"""Depth of nested elements. A deeper document is no sitemap and no feed, so the rest is not read."""
_PIECE = 1 << 16
_MAX_TITLE = 1024
_TITLES = {("channel", "title"), ("feed", "title")}
_LOCATIONS = {("url", "loc"), ("sitemap", "loc"), ("item", "link"), ("channel", "link")}
_HINTS = {("url", "lastmod"), ("sitemap", "lastmod"), ("url", "priority")}
_GUID = ("item", "guid")
_TEXTS = {*_TITLES, *_LOCATIONS, *_HINTS, _GUID}
_PARTS = {local for _, local in _TEXTS}
_ENTRIES = {"url", "sitemap", "item"}
_NEVER_NESTED = {*_ENTRIES, "entry"}
_LINKED = {"feed", "entry", "channel", "item", "url"}
_STEPS = {"previous", "first", "last", "next-archive", "prev-archive"}
"""Relations of feeds in pages (RFC 5005). `next` and `prev` are known from HTML."""


_CUT_SHORT = {
    expat.errors.codes[said]
    for said in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
}
"""Errors of documents that are right up to where they end."""


class _Entities(Exception):
    """Raised when the document declares entities, or uses one that may be declared elsewhere. None is expanded."""


def read(pieces: Iterable[bytes], document: Document, job: ParseJob) -> Reading:
    """Reads a document in pieces. Raises ParseError if it has an error, no link and no title."""
    pieces = iter(pieces)
    head = next(pieces, b"")
    name = charset.of_xml(head, charset.label(document.content_type))
    reading = Reading(charset=name, base=document.url.text)
    reader = _Reader(reading, document, job)
    error: Exception | None = None
    try:
        for text in _skip_blanks(charset.decode_in_pieces(sitemap.limit_bytes(chain([head], pieces)), name)):
            reader.feed(text)
        reader.end_document()
    except Enough as enough:
        reading.note = str(enough)
    except ParseError as fault:
        error = fault
    reader.settle()
    _note_error(reading, error or reader.error)
    return reading


def _note_error(reading: Reading, error: Exception | None) -> None:
    if error is None:
        return
    if isinstance(error, _Entities):  # no error: that they were left alone may be worth knowing
        reading.add_note(str(error))
        return
    if not (reading.hrefs or reading.title):
        raise ParseError(Reason.PARSE, f"not well-formed: {error}") from error
    is_cut = isinstance(error, ParseError) or getattr(error, "code", 0) in _CUT_SHORT
    reading.add_note(f"read {'up to' if is_cut else 'on after'} an error: {error}")


def _skip_blanks(texts: Iterator[str]) -> Iterator[str]:
    """Yields the texts without blanks before the XML declaration."""
    for text in texts:
        if begun := text.lstrip("\ufeff\t\n\r "):
            yield begun
            break
    yield from texts


@dataclass(frozen=True)
class _Mark:
    """Where the reader stood before a piece: what the piece adds is taken back if it has an error."""

    path: tuple[str, ...]
    bases: tuple[str, ...]
    text: list[str]
    texts: int
    entry: tuple[int, int, int]
    locations: int
    title: str
    is_link: bool
    is_collecting: bool
    is_cdata: bool


class _Reader:
    """Handles expat's events with a stack of names, and collects text only where it is needed."""

    def __init__(self, reading: Reading, document: Document, job: ParseJob) -> None:
        self.reading = reading
        self.error: Exception | None = None
        """The first error, from which on `repair` reads."""
        self._document = document
        self._follow = job.follow
        self.path = [""]
        self._bases = [document.url.text]
        self._text: list[str] = []
        self._is_collecting = False
        self._first = 0
        """The place of the first location of the current entry."""
        self._priority = self._modified = 0
        self._is_link = False
        """Whether the current guid is a link."""
        self._fed = self._begun = 0
        """Bytes given to the parser, and the place where `_tail` begins."""
        self._tail = b""
        """Bytes from the mark on."""
        self._is_cdata = self._is_doctype = False
        self._repair: Repair | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._mark = self._make_mark()
        self._parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.EntityDeclHandler = _refuse
        parser.SkippedEntityHandler = _refuse_unknown
        parser.StartCdataSectionHandler = lambda: setattr(self, "_is_cdata", True)
        parser.EndCdataSectionHandler = lambda: setattr(self, "_is_cdata", False)
        parser.StartDoctypeDeclHandler = lambda *_: setattr(self, "_is_doctype", True)
        parser.EndDoctypeDeclHandler = lambda: setattr(self, "_is_doctype", False)

    def feed(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            if self._repair:
                self._repair.feed(self._decoder.decode(piece))
            elif not self._feed(piece, is_last=False):
                self._begin_repair()
            elif self._fed - self._parser.CurrentByteIndex > MAX_TAG:  # expat rereads an unfinished tag each time
                raise Enough(f"a tag is longer than {MAX_TAG >> 20} MiB, so the rest was not read")

    def end_document(self) -> None:
        if not self._repair and not self._feed(b"", is_last=True):
            self._begin_repair()
        if self._repair:
            self._repair.end_document()

    def _feed(self, piece: bytes, *, is_last: bool) -> bool:
        """Gives a piece to the parser. Returns whether it is well-formed so far."""
        self._set_mark()
        self._tail += piece
        self._fed += len(piece)
        try:
            self._parser.Parse(piece, is_last)
        except (expat.ExpatError, _Entities) as error:
            if getattr(error, "code", None) == expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]:
                raise MemoryError from error
            self.error = error
            return False
        return True

    def _set_mark(self) -> None:
        """Moves the mark to where the parser stands. Within a document type it stays before that."""
        at = max(0, self._parser.CurrentByteIndex)
        if not self._is_doctype:
            self._tail = self._tail[at - self._begun :]
            self._begun, self._mark = at, self._make_mark()
        elif len(self._tail) > MAX_TAG:
            raise Enough(f"a document type is longer than {MAX_TAG >> 20} MiB, so the rest was not read")

    def _make_mark(self) -> _Mark:
        return _Mark(
            tuple(self.path),
            tuple(self._bases),
            self._text,
            len(self._text),
            (self._first, self._priority, self._modified),
            len(self.reading.hrefs),
            self.reading.title,
            self._is_link,
            self._is_collecting,
            self._is_cdata,
        )

    def _begin_repair(self) -> None:
        """Takes back what was read since the mark, and reads it as a faulty document."""
        mark, reading = self._mark, self.reading
        self.path, self._bases = list(mark.path), list(mark.bases)
        self._text = [text.replace("&", "&amp;") for text in mark.text[: mark.texts]]
        self._first, self._priority, self._modified = mark.entry
        for entries in (reading.hrefs, reading.priorities, reading.modified):
            del entries[mark.locations :]
        reading.title, self._is_link, self._is_collecting = mark.title, mark.is_link, mark.is_collecting
        self._repair = Repair(self, self._note_text, is_cdata=mark.is_cdata)
        tail, self._tail = self._tail, b""
        self._repair.feed(self._decoder.decode(tail))

    def _note_text(self, text: str) -> None:
        if self._is_collecting:
            self._text.append(text)

    def implies_end(self, local: str) -> bool:
        """Whether the end tag of the innermost element was forgotten, in a faulty document, if `local` starts here."""
        path = self.path
        if self._is_collecting and (local in _PARTS or local in _NEVER_NESTED):
            return True
        return local in _NEVER_NESTED and local in path

    def settle(self) -> None:
        """Gives priority and date of the last entry to all its locations. They may come before or after these."""
        reading, locations = self.reading, len(self.reading.hrefs) - self._first
        reading.modified[self._first :] = [self._modified] * locations
        reading.priorities[self._first :] = [self._priority] * locations

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local, parent = name.rpartition(":")[2].lower(), self.path[-1]
        self.path.append(local)
        if len(self.path) > MAX_NESTING:
            raise Enough(f"elements are nested deeper than {MAX_NESTING}, so the rest was not read")
        base = self._bases[-1]
        self._bases.append(resolve_base(base, attributes["xml:base"]) if "xml:base" in attributes else base)
        if local in _ENTRIES:
            self._begin_entry(local)
        place = (parent, local)
        if place in _TEXTS:
            self._text = []  # a new one, because the mark may hold the old one
            self._is_collecting = True
            self._parser.CharacterDataHandler = self._text.append
            self._is_link = attributes.get("isPermaLink", "true").lower() == "true"
        if local == "link" and parent in _LINKED and "href" in attributes:
            self._note_link(parent, attributes)
        elif place == ("item", "enclosure") and "media" in self._follow:
            self._note_location(attributes.get("url", ""))

    def end(self, name: str) -> None:
        local = self.path.pop()
        base = self._bases.pop()
        place = (self.path[-1], local)
        if place not in _TEXTS:
            return
        text = "".join(self._text)
        if self._repair:
            text = decode(text)
        self._text = []
        self._is_collecting = False
        self._parser.CharacterDataHandler = None
        if place in _LOCATIONS:
            self._note_location(text, base)
        elif place in _HINTS:
            self._note_hint(local, text)
        elif place == _GUID:
            if self._is_link and len(self.reading.hrefs) == self._first:
                self._note_location(text, base)
        elif not self.reading.title:
            self.reading.title = one_line(text, _MAX_TITLE)

    def _begin_entry(self, local: str) -> None:
        self.settle()
        self._first, self._priority, self._modified = len(self.reading.hrefs), 0, 0
        if local == "sitemap":
            nested = sitemap.nested_priority(self._document.priority)
            if nested is None:
                raise Enough(f"an index within {sitemap.MAX_INDEXES} others was not followed")
            self._priority = nested

    def _note_link(self, parent: str, attributes: dict[str, str]) -> None:
        relations = attributes.get("rel", "alternate").lower().split()
        if parent == "url":  # a sitemap names translations of a page like this
            is_followed = "alternates" in self._follow and "alternate" in relations
        elif "alternate" in relations:
            is_followed = True
        else:
            kinds = kinds_of_link(relations, attributes.get("type", ""))
            kinds |= {"pagination"} if not _STEPS.isdisjoint(relations) else set()
            kinds |= {"media"} if "enclosure" in relations else set()
            is_followed = not kinds.isdisjoint(self._follow)
        if is_followed:
            self._note_location(attributes["href"])

    def _note_location(self, location: str, base: str = "") -> None:
        base = base or self._bases[-1]
        if location := location.strip():
            href = location if base == self.reading.base else resolve_absolute(location, base)
            sitemap.add(self.reading, href, self._priority, self._modified)

    def _note_hint(self, local: str, text: str) -> None:
        if local == "lastmod":
            self._modified = sitemap.unix_time(text)
        else:
            self._priority = sitemap.page_priority(text)


def _refuse(*declaration: object) -> None:
    raise _Entities("entities are declared, and were not expanded")


def _refuse_unknown(*skipped: object) -> None:
    raise _Entities("entities are declared in another document, which was not read")
