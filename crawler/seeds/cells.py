"""Cleans a cell or a line, and finds what it holds: one URL, a host name, several URLs, or no URL."""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from itertools import chain

from ..errors import UrlError
from .words import names_a_site, parse

EDGES = "".join(
    char
    for char in map(chr, chain(range(0x3001), range(0xFE00, 0x10000)))
    if unicodedata.category(char) in ("Cc", "Cf", "Zs", "Zl", "Zp")
)
"""Blanks, control characters and invisible ones: byte order and direction marks, soft hyphens, joiners."""

_PLAIN = re.compile(  # possessive, so that other lines are refused quickly too
    r"(?:https?://[A-Za-z0-9.-]++|[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]+)*\.[A-Za-z][A-Za-z0-9-]++)(?::\d{1,5})?+"
    r"(?:[/?#][!#-&*+\-./0-9:=?@A-Z_a-z~]*+)?+"
)
is_plain = _PLAIN.fullmatch
"""Whether a line is one URL and nothing else, in any kind of list."""

_ALMOST = re.compile(
    r"https?://[A-Za-z0-9.-]++(?::\d{1,5})?+/[!#-&*+\-./0-9:=?@A-Z_a-z~][!#-&'-;=?@A-Z_a-z|~]*+(?<![,;|')\]])"
)
LONGEST = 4096
"""Characters of a cell that may be a URL. No URL that we accept is longer."""
_LAYERS = 8
"""Nested wrappings that are removed."""
SEVERAL = "more than one URL on the line"
BEHIND = "text after the URL; if this is a table, name the column of URLs with --column"

_WRAPS = EDGES + '"<>`“”„«»‹›,;|'
_ITEM = re.compile(r"(?:[-*+•]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?(?=\S)")
"""Matches the beginning of a list item in Markdown."""
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*<?((?:[^\s()<>]|\([^\s()<>]*\))+)>?(?:\s+[\"'(][^)]*)?\s*\)")
_REFERENCE = re.compile(r"\[[^\[\]]+\]:\s+(?=\S)")
_FORMULA = re.compile(r"=\s*HYPERLINK\(\s*\"+([^\"]*)\"+", re.IGNORECASE)
_SCHEME = re.compile(r"(?:https?:)?//[^/]|www\.", re.IGNORECASE)
_NEXT = re.compile(r"[\s,;|\"'<>()]+(?:https?:/|www\.)", re.IGNORECASE)
"""Matches a separator and the beginning of a second URL."""
_GLUED = re.compile(r"[a-z]+:/*[^/?#]*https?:(?:/|$)", re.IGNORECASE)
"""Matches a second scheme within the host: two lines that lost the break between them."""
_ROOT = re.compile(r"((?:https?://)?[^\s/?#,;|]+/?)[,;|](?!\w+=)[^/?=&%#]*", re.IGNORECASE)
"""Matches a host alone and further columns, because no path begins with a comma."""


def is_one(line: str) -> bool:
    """Whether a line of a list is one URL, with commas and brackets that belong to it."""
    if ":/" in line[8:] or "www." in line[8:]:  # much cheaper than a search for _NEXT in every line
        return False
    return _ALMOST.fullmatch(line) is not None


class Look(IntEnum):
    """The likely content of a cell, in order of certainty."""

    NOTHING = 0
    WORD = 1
    """A name with a dot below no known suffix, or an address."""
    HOST = 2
    URL = 3


def clean(text: str) -> str:
    """Removes quotes, brackets, commas and invisible characters at the ends. A Markdown or Excel link gives its URL."""
    for _ in range(_LAYERS):
        before, text = text, text.strip(EDGES)
        if len(text) > LONGEST:
            break
        if formula := _FORMULA.match(text):
            text = formula[1]
        elif link := _LINK.fullmatch(item := _ITEM.sub("", text, count=1)):
            text = link[1]
        else:
            text = _REFERENCE.sub("", item, count=1)
        text = _unquote(text.strip(_WRAPS))
        if text == before:
            break
    return text


def _unquote(text: str) -> str:
    if text[:4].upper() == "URL:":  # RFC 3986, appendix C: <URL:https://example.org/>
        return text[4:]
    if text.startswith("="):  # ="..." keeps Excel from interpreting the text
        return text[1:] if text[1:2] in ('"', "'") else text
    if text.startswith("'"):
        return text[1:].removesuffix("'")
    if text.startswith("(") and text.endswith(")"):
        return text[1:-1]
    return text


def sole(text: str) -> str:
    """Returns the only URL or host name of a cell or line. Raises UrlError for several, or for text after it."""
    text = clean(text.partition(" #")[0])
    if "\t" in text:  # no URL contains a tab, and a URL parser would drop it
        text, _, rest = text.partition("\t")
        if any(look(cell) >= Look.HOST for cell in rest.split("\t")):
            raise UrlError(SEVERAL)
        text = clean(text)
    if len(text) > LONGEST:
        raise UrlError(f"longer than {LONGEST} characters")
    if len(_LINK.findall(text)) > 1 or _NEXT.search(text) or _GLUED.match(text):
        raise UrlError(SEVERAL)
    if root := _ROOT.fullmatch(text):
        if any(look(cell) >= Look.WORD and not is_address(cell) for cell in re.split(r"[,;|]", text)[1:]):
            raise UrlError(SEVERAL)
        return root[1]
    _refuse_neighbours(*text.split()[:100])
    return text


def _refuse_neighbours(first: str = "", *others: str) -> None:
    """Raises UrlError if blanks separate the URL from another URL, or from foreign text."""
    hosts = sum(look(word) >= Look.HOST for word in others)
    if hosts and (_SCHEME.match(first) or hosts > 1 or look(first) >= Look.HOST):
        raise UrlError(SEVERAL)
    if others and _SCHEME.match(first) and (first.endswith("/") or re.search("[,;|]", first)):
        raise UrlError(BEHIND)


def look(cell: str) -> Look:
    """Returns the likely content of a cell."""
    text = clean(cell)
    if not text or len(text) > LONGEST or (" " in text and not _SCHEME.match(text)):
        return Look.NOTHING
    try:
        parse(text)
    except UrlError:
        return Look.NOTHING
    if _SCHEME.match(text):
        return Look.URL
    return Look.HOST if not is_address(text) and names_a_site(text) else Look.WORD


def is_address(cell: str) -> bool:
    """Whether a cell is the address of a machine, as tables hold it next to its name."""
    return re.fullmatch(r"\s*(?:[\d.]+|\[?[0-9a-fA-F:]*:[0-9a-fA-F:.]*\]?)\s*", cell) is not None
