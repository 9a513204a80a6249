"""Reads lists in XML and HTML: sitemaps, OPML, feeds, bookmarks, pages of links."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from xml.parsers import expat

from ..errors import SeedError
from ..runtime.escaping import unescape_attribute
from .part import BLOCK, MAX_LINE, Entry, Part

# No match runs past the beginning of the next tag, so that a file of mere beginnings takes no quadratic time.
_ANCHOR = re.compile(r"<!--(?:(?!<!--).)*?-->|<a\s(?:[^<>\"']+|\"[^\"<]*\"|'[^'<]*')*+>", re.IGNORECASE | re.DOTALL)
MAX_TAG = 1 << 20
"""Bytes of a tag in XML."""
_HREF = re.compile(r"\shref\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_UNFINISHED = re.compile(r"<(?:a(?:\s|$)|!--|!?-?$)", re.IGNORECASE)


def read_xml(part: Part) -> Iterator[Entry]:
    """Yields the URLs in `<loc>` (sitemaps.org protocol 0.9), in the outlines of OPML, or in the items of a feed.

    A list that declares entities is refused, because entities can blow up.
    """
    parser, found = expat.ParserCreate(), _Found()
    parser.StartElementHandler, parser.EndElementHandler = found.start, found.end
    parser.CharacterDataHandler = found.characters

    def refuse(*_: object) -> None:
        raise SeedError(f"{part.name}: a list must not declare entities")

    parser.EntityDeclHandler = refuse
    found.line = lambda: parser.CurrentLineNumber
    part.taken.what = "XML"
    try:
        for _ in feed(parser, part.stream.read1):
            part.taken.what = found.what
            yield from found.take()
    except expat.ExpatError as error:
        yield from found.take()
        part.bad(error.lineno, "", f"the XML breaks here, so the rest was not read: {error}")
    yield from found.take()


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


class _Found:
    """Handles a parser's events, and collects the URLs in the kinds of XML that we know."""

    def __init__(self) -> None:
        self.what = "XML without a list that we know"
        self.line: Callable[[], int] = lambda: 0
        self._inside = list[str]()
        self._found = list[Entry]()
        self._text: list[str] | None = None

    def take(self) -> list[Entry]:
        found, self._found = self._found, []
        return found

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        name = name.rpartition(":")[2]
        if not self._inside:
            self.what = {
                "urlset": "a sitemap", "sitemapindex": "an index of sitemaps", "opml": "OPML", "rss": "a feed",
                "feed": "a feed", "RDF": "a feed",
            }.get(name, self.what)  # fmt: skip
        self._inside.append(name)
        match self._inside[-2:]:
            case ["url" | "sitemap", "loc"] | ["item", "link"]:
                self._text = []
            case ["entry", "link"] if attributes.get("rel", "alternate") == "alternate" and "href" in attributes:
                self._found.append((self.line(), attributes["href"]))
            case [_, "outline"]:
                known = (attributes.get(key, "") for key in ("xmlUrl", "htmlUrl", "url"))
                self._found += [(self.line(), url.strip()) for url in known if url.strip()]

    def end(self, _: str) -> None:
        self._inside.pop()
        if self._text is not None:
            self._found.append((self.line(), "".join(self._text).strip()))
            self._text = None

    def characters(self, data: str) -> None:
        if self._text is not None and len(self._text) < MAX_LINE:
            self._text.append(data)


def read_html(part: Part, encoding: str) -> Iterator[Entry]:
    """Yields the links of a file of bookmarks (as all browsers export them), or of any other HTML file.

    Only absolute URLs count, because a file does not say where a relative link leads. Bookmarks that run a script, or
    lead into the browser itself, are skipped.
    """
    part.taken.what = "links of an HTML file"
    for number, href in _links(part, encoding):
        if re.match(r"(?:https?:)?//", href, re.IGNORECASE):
            yield number, href
        elif not re.match(r"#|(?:javascript|place|about|chrome|edge|mailto|data|tel):", href, re.IGNORECASE):
            part.bad(number, href, "a relative link, or not http" if "://" not in href else "not http or https")


def _links(part: Part, encoding: str) -> Iterator[Entry]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    text, number = "", 1
    while True:
        block, pieces, room = b"", [text], len(text)
        while room >= 0 and (block := part.stream.read1(BLOCK)):  # so that a trickle is not searched at each drop
            pieces.append(decoder.decode(block))
            room -= len(block)
        text = "".join([*pieces, "" if block else decoder.decode(b"", final=True)])
        done = 0
        for tag in _ANCHOR.finditer(text):
            number += text.count("\n", done, tag.start())
            done = tag.start()
            if href := _HREF.search(tag[0]) if not tag[0].startswith("<!--") else None:
                yield number, unescape_attribute(next(filter(None, href.groups()), "")).strip()
            number += text.count("\n", done, tag.end())
            done = tag.end()
        if not block:
            return
        begun = [tag.start() for tag in _UNFINISHED.finditer(text, done)]
        kept = next((at for at in begun if text.startswith("<!--", at)), begun[-1] if begun else len(text))
        kept = kept if len(text) - kept < MAX_LINE else len(text)
        number += text.count("\n", done, kept)
        text = text[kept:]
