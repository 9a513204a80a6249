"""Reads sitemaps and feeds in one pass with expat. Standards: sitemaps.org protocol, RSS 2.0 and 1.0, Atom (RFC 4287).

Namespaces are ignored, because many sitemaps declare none or the wrong one. A document that declares entities is
refused. Everything before an error is kept: a sitemap that is cut short is still a sitemap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from xml.parsers import expat

from ..errors import ParseError
from ..model import Reason
from ..urls import resolve_absolute, resolve_base
from . import charset, sitemap
from .job import Document, ParseJob
from .links import kinds_of_link
from .reading import Reading, one_line

MAX_NESTING = 256
"""Depth of nested elements. A deeper document is no sitemap and no feed, so the rest is not read."""
MAX_TAG = 1 << 20
"""Bytes of a tag or a comment. No sitemap and no feed has a longer one."""
_PIECE = 1 << 16
_MAX_TITLE = 1024
_TITLES = {("channel", "title"), ("feed", "title")}
_LOCATIONS = {("url", "loc"), ("sitemap", "loc"), ("item", "link"), ("channel", "link")}
_HINTS = {("url", "lastmod"), ("sitemap", "lastmod"), ("url", "priority")}
_GUID = ("item", "guid")
_TEXTS = {*_TITLES, *_LOCATIONS, *_HINTS, _GUID}
_ENTRIES = {"url", "sitemap", "item"}
_LINKED = {"feed", "entry", "channel", "item", "url"}
_STEPS = {"previous", "first", "last", "next-archive", "prev-archive"}
"""Relations of feeds in pages (RFC 5005). `next` and `prev` are known from HTML."""


class _Entities(Exception):
    """Raised when the document declares entities. Bombs are made of them, and honest documents have none."""


def read(pieces: Iterable[bytes], document: Document, job: ParseJob) -> Reading:
    """Reads a document in pieces. Raises ParseError if nothing could be read, or if it declares entities."""
    pieces = iter(pieces)
    head = next(pieces, b"")
    name = charset.of_xml(head, charset.label(document.content_type))
    reading = Reading(charset=name, base=document.url.text)
    reader = _Reader(reading, document, job)
    try:
        for text in _skip_blanks(charset.decode_in_pieces(sitemap.limit_bytes(chain([head], pieces)), name)):
            reader.feed(text)
        reader.end()
    except sitemap.Enough as enough:
        reading.note = str(enough)
    except _Entities:
        raise ParseError(Reason.PARSE, "declares entities") from None
    except (expat.ExpatError, ParseError) as error:
        if getattr(error, "code", None) == expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]:
            raise MemoryError from error
        if not reading.hrefs:
            raise ParseError(Reason.PARSE, f"not well-formed: {error}") from error
        reading.note = f"read up to an error: {error}"
    reader.settle()
    return reading


def _skip_blanks(texts: Iterator[str]) -> Iterator[str]:
    """Yields the texts without blanks before the XML declaration."""
    for text in texts:
        if begun := text.lstrip("\ufeff\t\n\r "):
            yield begun
            break
    yield from texts


class _Reader:
    """Handles expat's events with a stack of names, and collects text only where it is needed."""

    def __init__(self, reading: Reading, document: Document, job: ParseJob) -> None:
        self.reading = reading
        self._document = document
        self._follow = job.follow
        self._path = [""]
        self._bases = [document.url.text]
        self._text: list[str] = []
        self._first = 0
        """The place of the first location of the current entry."""
        self._priority = self._modified = 0
        self._is_link = False
        """Whether the current guid is a link."""
        self._fed = 0
        """Bytes given to the parser."""
        self._parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.EntityDeclHandler = _refuse

    def feed(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            self._fed += len(piece)
            self._parser.Parse(piece, False)
            if self._fed - self._parser.CurrentByteIndex > MAX_TAG:  # expat rereads an unfinished tag with every piece
                raise sitemap.Enough(f"a tag is longer than {MAX_TAG >> 20} MiB, so the rest was not read")

    def end(self) -> None:
        self._parser.Parse(b"", True)

    def settle(self) -> None:
        """Gives priority and date of the last entry to all its locations. They may come before or after these."""
        reading, locations = self.reading, len(self.reading.hrefs) - self._first
        reading.modified[self._first :] = [self._modified] * locations
        reading.priorities[self._first :] = [self._priority] * locations

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local, parent = name.rpartition(":")[2].lower(), self._path[-1]
        self._path.append(local)
        if len(self._path) > MAX_NESTING:
            raise sitemap.Enough(f"elements are nested deeper than {MAX_NESTING}, so the rest was not read")
        base = self._bases[-1]
        self._bases.append(resolve_base(base, attributes["xml:base"]) if "xml:base" in attributes else base)
        if local in _ENTRIES:
            self._begin_entry(local)
        place = (parent, local)
        if place in _TEXTS:
            self._text.clear()
            self._parser.CharacterDataHandler = self._text.append
            self._is_link = attributes.get("isPermaLink", "true").lower() == "true"
        if local == "link" and parent in _LINKED and "href" in attributes:
            self._note_link(parent, attributes)
        elif place == ("item", "enclosure") and "media" in self._follow:
            self._note_location(attributes.get("url", ""))

    def _end(self, name: str) -> None:
        local = self._path.pop()
        base = self._bases.pop()
        place = (self._path[-1], local)
        if place not in _TEXTS:
            return
        text = "".join(self._text)
        self._text.clear()
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
                raise sitemap.Enough(f"an index within {sitemap.MAX_INDEXES} others was not followed")
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
    raise _Entities
