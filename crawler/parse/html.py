"""An HTML document read: what it is called, what it says of itself, where it leads. Standard: WHATWG HTML.

Followed by default are `a` and `area`, `frame` and `iframe`, `link` with rel next or prev, and meta refresh; those with
rel=nofollow too, for that word is about ranking. `<meta name=robots content=nofollow>` (or none) is obeyed: the links
of such a page are counted and not followed.
"""

from __future__ import annotations

import re

import turbohtml

from ..urls import absolute
from .reading import Reading, one_line

_REFRESH = re.compile(
    r"[\t\n\f\r ]*+(?=[0-9.])[0-9.]*+(?=[;,\t\n\f\r ])[\t\n\f\r ]*+[;,]?+[\t\n\f\r ]*+(.+)",
    re.DOTALL,
)
_REFRESH_URL = re.compile(
    r"(?:url[\t\n\f\r ]*+=[\t\n\f\r ]*+)?(?:'([^']*)|\"([^\"]*)|(.*))",
    re.DOTALL | re.IGNORECASE,
)
_MAX_TITLE = 1024
_MAX_DESCRIPTION = 4096
_MAX_LANGUAGE = 35
"""RFC 5646 4.4.1: what software should hold at least."""


def read(body: bytes, charset: str, url: str, *, wants_text: bool) -> Reading:
    """`charset` is the label that the header gave; `url` the document's own. A byte order mark overrules both."""
    document = _tree(body, charset)
    if document.select_one("template"):  # links in there are not links
        document.remove("template")
    reading = Reading(charset=(document.encoding or "").lower(), base=url)
    reading.hrefs = [
        href for anchor in document.iter_elements(("a", "area")) if (href := anchor.attr("href")) is not None
    ]
    seen: set[str] = set()
    for element in document.iter_elements(("html", "title", "base", "meta", "link", "frame", "iframe")):
        _note(reading, element, seen)
    if wants_text:
        reading.text = document.main_text() or document.to_text()
    reading.words = document.remove("script,style").text  # last: it changes the tree
    return reading


def _tree(body: bytes, charset: str) -> turbohtml.Document:
    try:
        return turbohtml.parse(body, encoding=charset or None, positions=False)
    except LookupError:  # a label that no standard knows
        return turbohtml.parse(body, positions=False)


def _note(reading: Reading, element: turbohtml.Element, seen: set[str]) -> None:
    """The first of each kind counts, as in a browser; `seen` holds those that came."""
    tag = element.tag
    if tag == "meta":
        _note_meta(reading, element, seen)
    elif tag == "link":
        _note_link(reading, element, seen)
    elif tag in {"frame", "iframe"}:
        if source := element.attr("src"):
            reading.hrefs.append(source)
    elif tag == "html":
        reading.language = one_line(element.attr("lang") or "", _MAX_LANGUAGE)
    elif tag == "base" and "base" not in seen:
        if (href := element.attr("href")) is not None:
            seen.add("base")
            reading.base = _base(reading.base, href)
    elif tag == "title" and "title" not in seen and element.namespace is turbohtml.Namespace.HTML:
        seen.add("title")
        reading.title = one_line(element.text, _MAX_TITLE)


def _note_meta(reading: Reading, meta: turbohtml.Element, seen: set[str]) -> None:
    name = (meta.attr("name") or meta.attr("http-equiv") or "").strip().lower()
    if name not in {"description", "robots", "refresh"}:
        return
    content = meta.attr("content") or ""
    if name == "robots":
        reading.is_followed &= not {"nofollow", "none"} & set(re.split(r"[,\s]+", content.lower()))
    elif name not in seen:
        seen.add(name)
        if name == "description":
            reading.description = one_line(content, _MAX_DESCRIPTION)
        elif target := refresh_target(content):
            reading.hrefs.append(target)


def _note_link(reading: Reading, link: turbohtml.Element, seen: set[str]) -> None:
    relations = (link.attr("rel") or "").lower().split()
    href = link.attr("href")
    if not href:
        return
    if "next" in relations or "prev" in relations:
        reading.hrefs.append(href)
    if "canonical" in relations and "canonical" not in seen:
        seen.add("canonical")
        reading.canonical = href


def refresh_target(content: str) -> str:
    """Where `<meta http-equiv=refresh>` leads, by the standard's own steps; empty: the page itself."""
    timed = _REFRESH.match(content)
    if not timed:
        return ""
    found = _REFRESH_URL.match(timed[1])
    return next((part for part in found.groups() if part), "") if found else ""


def _base(url: str, href: str) -> str:
    """What `<base href>` makes of the document's URL; one that cannot be used counts as none."""
    base = absolute(href, url)
    return url if not base or base.startswith(("data:", "javascript:")) else base
