"""Sitemaps and feeds read, in one pass over expat. Standard: sitemaps.org protocol, RSS 2.0 and 1.0, Atom (RFC 4287).

Names are taken without their namespace, for half the world's sitemaps declare none or the wrong one. A document that
declares entities is refused. What stood before an error is kept: a sitemap cut short is still a sitemap.
"""

from __future__ import annotations

from xml.parsers import expat

from ..errors import ParseError
from ..model import Reason
from .reading import Reading, one_line

MAX_LOCATIONS = 50_000
"""What a sitemap may hold, by its protocol; the rest is not read."""
MAX_NESTING = 256
"""Elements within elements; what lies deeper is no sitemap and no feed, and the rest is not read."""
_MAX_TITLE = 1024
_TITLES = {("channel", "title"), ("feed", "title")}
_LOCATIONS = {("url", "loc"), ("sitemap", "loc"), ("item", "link"), ("channel", "link")}
_LINKED = {"feed", "entry", "channel", "item"}
_RELATIONS = {"alternate", "next", "prev", "previous", "first", "last"}


class _Enough(Exception):
    """The rest need not be read."""


class _Entities(Exception):
    """The document declares entities, which nobody honest does and bombs are made of."""


def read(body: bytes, url: str) -> Reading:
    """Raises ParseError where nothing could be read, or where the document declares entities."""
    reader = _Reader(Reading(charset="utf-8", base=url))
    try:
        reader.feed(body)
    except _Enough:
        pass
    except _Entities:
        raise ParseError(Reason.PARSE, "declares entities") from None
    except (expat.ExpatError, ValueError, LookupError) as error:  # the latter two: an encoding nobody knows
        if not reader.reading.hrefs:
            raise ParseError(Reason.PARSE, f"not well-formed: {error}") from error
    return reader.reading


class _Reader:
    """Follows expat through the document with a stack of names, collecting text only where it is wanted."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self._path = [""]
        self._text: list[str] = []
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.XmlDeclHandler = self._declared
        parser.EntityDeclHandler = _refuse

    def feed(self, body: bytes) -> None:
        self._parser.Parse(body, True)

    def _declared(self, version: str, encoding: str | None, standalone: int) -> None:
        self.reading.charset = (encoding or "utf-8").lower()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local, parent = name.rpartition(":")[2].lower(), self._path[-1]
        self._path.append(local)
        if len(self._path) > MAX_NESTING:
            raise _Enough
        place = (parent, local)
        if place in _LOCATIONS or place in _TITLES:
            self._text.clear()
            self._parser.CharacterDataHandler = self._text.append
        if local == "link" and parent in _LINKED and attributes.get("rel", "alternate") in _RELATIONS:
            self._found(attributes.get("href", ""))

    def _end(self, name: str) -> None:
        local = self._path.pop()
        place = (self._path[-1], local)
        if place in _LOCATIONS:
            self._found("".join(self._text))
        elif place in _TITLES and not self.reading.title:
            self.reading.title = one_line("".join(self._text), _MAX_TITLE)
        else:
            return
        self._text.clear()
        self._parser.CharacterDataHandler = None

    def _found(self, location: str) -> None:
        if location := location.strip():
            self.reading.hrefs.append(location)
            if len(self.reading.hrefs) >= MAX_LOCATIONS:
                raise _Enough


def _refuse(*declaration: object) -> None:
    raise _Entities
