"""Takes the wrapping off a cell or a line, and says what is left: one URL, a host name, several URLs, no URL."""

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
"""Blanks, control characters, and those that nobody sees: byte order and direction marks, soft hyphens, joiners."""

_PLAIN = re.compile(  # possessive, for what is no plain line should cost little either
    r"(?:https?://[A-Za-z0-9.-]++|[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]+)*\.[A-Za-z][A-Za-z0-9-]++)(?::\d{1,5})?+"
    r"(?:[/?#][!#-&*+\-./0-9:=?@A-Z_a-z~]*+)?+"
)
is_plain = _PLAIN.fullmatch
"""Whether a line is one URL and nothing else, however the rest of its list is made."""

_ALMOST = re.compile(
    r"https?://[A-Za-z0-9.-]++(?::\d{1,5})?+/[!#-&*+\-./0-9:=?@A-Z_a-z~][!#-&'-;=?@A-Z_a-z|~]*+(?<![,;|')\]])"
)
LONGEST = 4096
"""Characters of a cell that may be a URL; none of ours has more."""
_LAYERS = 8
"""Wrappings around one another that are taken off."""
SEVERAL = "more than one URL on the line"
BEHIND = "text behind the URL; is this a table? --column says where its URLs are"

_WRAPS = EDGES + '"<>`“”„«»‹›,;|'
_ITEM = re.compile(r"(?:[-*+•]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?(?=\S)")
"""What begins an item of a list in Markdown."""
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*<?((?:[^\s()<>]|\([^\s()<>]*\))+)>?(?:\s+[\"'(][^)]*)?\s*\)")
_REFERENCE = re.compile(r"\[[^\[\]]+\]:\s+(?=\S)")
_FORMULA = re.compile(r"=\s*HYPERLINK\(\s*\"+([^\"]*)\"+", re.IGNORECASE)
_SCHEME = re.compile(r"(?:https?:)?//[^/]|www\.", re.IGNORECASE)
_NEXT = re.compile(r"[\s,;|\"'<>()]+(?:https?:/|www\.)", re.IGNORECASE)
"""A second URL, behind what separates it from the first."""
_GLUED = re.compile(r"[a-z]+:/*[^/?#]*https?:(?:/|$)", re.IGNORECASE)
"""A second scheme within the host: two lines that lost what stood between them."""
_ROOT = re.compile(r"((?:https?://)?[^\s/?#,;|]+/?)[,;|](?!\w+=)[^/?=&%#]*", re.IGNORECASE)
"""A host alone, and then columns: no path begins with a comma."""


def is_one(line: str) -> bool:
    """Whether a line of a list is one URL as it stands, with commas and brackets of its own."""
    if ":/" in line[8:] or "www." in line[8:]:  # far cheaper than to search for _NEXT in every line
        return False
    return _ALMOST.fullmatch(line) is not None


class Look(IntEnum):
    """What a cell looks like, the surest last."""

    NOTHING = 0
    WORD = 1
    """A name with a dot, or an address: below no suffix that is known."""
    HOST = 2
    URL = 3


def clean(text: str) -> str:
    """Without quotes, brackets, commas and what nobody sees at its ends; of a link in Markdown or Excel, its URL."""
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
        text = _unquoted(text.strip(_WRAPS))
        if text == before:
            break
    return text


def _unquoted(text: str) -> str:
    if text[:4].upper() == "URL:":  # RFC 3986, appendix C: <URL:https://example.org/>
        return text[4:]
    if text.startswith("="):  # ="..." keeps Excel from reading more into it
        return text[1:] if text[1:2] in ('"', "'") else text
    if text.startswith("'"):
        return text[1:].removesuffix("'")
    if text.startswith("(") and text.endswith(")"):
        return text[1:-1]
    return text


def sole(text: str) -> str:
    """The one URL or host name of a cell or line. Raises UrlError where there are several, or text behind it."""
    text = clean(text.partition(" #")[0])
    if "\t" in text:  # no URL holds one, and a URL parser would drop it
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
    """Raises UrlError where blanks separate a URL from another one, or from text that is none of its own."""
    hosts = sum(look(word) >= Look.HOST for word in others)
    if hosts and (_SCHEME.match(first) or hosts > 1 or look(first) >= Look.HOST):
        raise UrlError(SEVERAL)
    if others and _SCHEME.match(first) and (first.endswith("/") or re.search("[,;|]", first)):
        raise UrlError(BEHIND)


def look(cell: str) -> Look:
    """What a cell would be taken for."""
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
    """Whether it is the address of a machine, which tables hold beside its name."""
    return re.fullmatch(r"\s*(?:[\d.]+|\[?[0-9a-fA-F:]*:[0-9a-fA-F:.]*\]?)\s*", cell) is not None
