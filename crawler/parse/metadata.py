"""Chooses what a page says of itself: title, authors, dates, its site, its place in it, translations, licence.

Several standards say the same in their own ways; docs/extraction.md lists which one is asked first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import turbohtml

from ..urls import resolve_absolute
from . import language, moments
from .authors import find_authors
from .embedded import Embedded
from .plain import Node, Plain
from .reading import one_line
from .titles import Said, find_title, tell_sites

_MOST, _MOST_TRANSLATIONS = 20, 200
_LONGEST = 1024
_FEED = re.compile(r"application/(?:rss\+xml|atom\+xml|feed\+json)", re.IGNORECASE)


class Sources(NamedTuple):
    """The places in which a page says something of itself."""

    document: turbohtml.Document
    embedded: Embedded
    nodes: tuple[Node, ...]
    metas: dict[str, list[str]]
    """Values of `<meta>` by name or property, in lower case."""
    base: str


def read(document: turbohtml.Document, embedded: Embedded, base: str, text: str) -> dict[str, object]:
    """Returns the metadata of a page, JSON of plain values; every field is there, null or empty if nothing is known.

    `text` is its main text, of which language and words are told.
    """
    page, said = Sources(document, embedded, tuple(embedded.nodes()), _metas(document), base), embedded.says
    sites = (said("og:site_name"), *_names(_values(page, "publisher")), _meta(page, "application-name"))
    is_site = tell_sites(sites, base)
    return {
        "title": _title(page, is_site),
        "authors": find_authors(document, page.nodes, page.metas, is_site),
        "published": moments.published(document, page.metas, _values(page, "datePublished"), base),
        "modified": moments.modified(page.metas, _values(page, "dateModified")),
        "site_name": _first(*sites),
        "image": _absolute(page, _image(page)),
        "type": _first(said("og:type"), *_names(_values(page, "@type"))),
        "keywords": _keywords(page),
        "section": _first(_meta(page, "article:section"), *_names(_values(page, "articleSection"))),
        "breadcrumbs": _breadcrumbs(page),
        "feeds": _feeds(page),
        "translations": _translations(page),
        "licence": _licence(page),
        "detected_language": language.detect(text) or None,
        "words": len(text.split()),
    }


def _title(page: Sources, is_site: Callable[[str], bool]) -> str | None:
    said = page.embedded.says
    window = "".join([one.text for one in page.document.find_all("title")[:1]])
    headlines = tuple(_names(_values(page, "headline")))
    titles = Said(headlines, (said("og:title"), said("twitter:title")), window)
    return find_title(page.document, titles, is_site) or None


def _image(page: Sources) -> str | None:
    said = page.embedded.says
    return _first(said("og:image"), said("twitter:image"), *_names(_values(page, "image"), "url"))


def _keywords(page: Sources) -> list[str]:
    said = [*page.metas.get("article:tag", ()), *_values(page, "keywords"), *page.metas.get("keywords", ())]
    return _distinct(word for one in said if isinstance(one, str) for word in one[:_LONGEST].split(","))


def _breadcrumbs(page: Sources) -> list[dict[str, str | None]]:
    """Returns the way from the start page to this one, as names and addresses."""
    for node in page.nodes:
        if node.get("@type") == "BreadcrumbList":
            items = _as_list(node.get("itemListElement"))[:_MOST]
            return [crumb for one in items if isinstance(one, dict) and (crumb := _crumb(page, one))["name"]]
    return []


def _crumb(page: Sources, item: Node) -> dict[str, str | None]:
    there = item.get("item")
    inner = there if isinstance(there, dict) else {}
    address = there if isinstance(there, str) else inner.get("@id") or inner.get("url")
    name = _first(*_names([item.get("name") or inner.get("name")]))
    return {"name": name, "url": _absolute(page, address if isinstance(address, str) else None)}


def _feeds(page: Sources) -> list[dict[str, str | None]]:
    linked = page.document.select("link[rel~=alternate][href][type]")
    found = [one for one in linked if _FEED.match(one.attr("type") or "")]
    return [{"url": _absolute(page, one.attr("href")), "title": _first(one.attr("title"))} for one in found[:_MOST]]


def _translations(page: Sources) -> dict[str, str | None]:
    found = page.document.select("link[rel~=alternate][hreflang][href]")[:_MOST_TRANSLATIONS]
    return {_cut(one.attr("hreflang") or ""): _absolute(page, one.attr("href")) for one in found}


def _licence(page: Sources) -> str | None:
    for one in page.document.select("a[rel~=license],link[rel~=license]")[:1]:
        return _absolute(page, one.attr("href"))
    return _first(*_names(_values(page, "license")), _meta(page, "dc.rights"))


def _metas(document: turbohtml.Document) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for meta in document.find_all("meta"):
        name = meta.attr("property") or meta.attr("name") or meta.attr("itemprop") or ""
        if name and (content := meta.attr("content")):
            found.setdefault(name.strip().lower(), []).append(content)
    return found


def _meta(page: Sources, name: str) -> str:
    return next(iter(page.metas.get(name, ())), "")


def _values(page: Sources, name: str) -> list[Plain]:
    """Returns the values that items of structured data have under a name, outer items first."""
    return [value for node in page.nodes for value in _as_list(node.get(name)) if value]


def _names(values: Iterable[Plain], key: str = "name") -> list[str]:
    """Returns the texts among values, and the names of those that are items."""
    said = [value.get(key) if isinstance(value, dict) else value for value in values]
    return [one for value in said for one in _as_list(value) if isinstance(one, str)]


def _as_list(value: Plain) -> list[Plain]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _absolute(page: Sources, href: str | None) -> str | None:
    return _cut(resolve_absolute(href, page.base)) if href else None


def _first(*texts: str | None) -> str | None:
    """Returns the first text that says something, in one line."""
    return next((cut for text in texts if text and (cut := _cut(text))), None)


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(cut for text in texts if (cut := _cut(text))))[:_MOST]


def _cut(text: str) -> str:
    return one_line(text, _LONGEST)
