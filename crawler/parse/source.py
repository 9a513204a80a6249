"""Gives the HTML of a page to people: its source as text, and its HTML without what nobody sees."""

from __future__ import annotations

import turbohtml

from ..urls import resolve_base
from . import charset, codings, html
from .job import Document
from .main_text import copy_seen, find_main


def read_source(document: Document, name: str, limit: int) -> str:
    """Returns at most `limit` bytes of a body as text, in the charset that the page was read in.

    Raises ParseError for a body whose coding is broken.
    """
    body = codings.decode_beginning(document.body, document.content_encoding, limit, is_cut=True).body[:limit]
    return _whole(charset.decode(body, name or charset.of_text(body, charset.label(document.content_type))))


def render_seen(document: Document, limit: int, tree_bytes: int, is_main: bool) -> str:
    """Returns the HTML of a page that people see, its main part alone if that is asked for, with absolute links.

    Scripts, styles and all that is hidden are left out. Empty: there is nothing, or its tree would be too large.
    """
    body = codings.decode_beginning(document.body, document.content_encoding, limit, is_cut=True).body[:limit]
    if html.is_too_large(body, tree_bytes):
        return ""
    tree, _ = html.parse_as_shown(body, charset.label(document.content_type))
    found = find_main(tree) if is_main else None
    element = found.element if found else copy_seen(tree)
    if element is None:
        return ""
    _unlink_scripts(element)
    base = tree.select_one("base[href]")
    element.resolve_links(resolve_base(document.url.text, base.attr("href") or "") if base else document.url.text)
    return _whole(element.html)


def _whole(text: str) -> str:
    """Returns the text without halves of characters, which no JSON may hold."""
    return text.encode("utf-8", "replace").decode()


def _unlink_scripts(element: turbohtml.Element) -> None:
    """Removes what would run as a script: handlers of events, and links that are code."""
    for one in (element, *element.select("*")):
        for name in [name for name in one.attrs if name.lower().startswith("on")]:
            del one.attrs[name]
    for link in element.select('a[href^="javascript:" i],a[href^="data:" i]'):
        link.unwrap()
