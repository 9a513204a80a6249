"""Pages and files made to hurt those who take texts, metadata and markdown out of them."""

from __future__ import annotations

from collections.abc import Callable

from tests.pdfs import HURTFUL

PROSE = "<p>The harbour froze early that year, and the boats stayed in until the spring came at last.</p>"


def _page(content: str, head: str = "") -> bytes:
    return f"<!doctype html><html><head>{head}</head><body>{content}</body></html>".encode()


PAGES: dict[str, Callable[[], bytes]] = {
    "cells-over-a-million": lambda: _page("<table>" + "<tr><td colspan=1000 rowspan=65534>x" * 1000 + "</table>"),
    "nested-tables": lambda: _page("<table><tr><td>" * 3000 + PROSE),
    "nested-lists": lambda: _page("<ul><li>x" * 5000 + PROSE),
    "nested-quotes": lambda: _page("<blockquote>" * 5000 + PROSE),
    "nested-formats": lambda: _page("<div>" * 2000 + "<b><i>" * 2000 + PROSE * 20),
    "fences-in-code": lambda: _page("<pre>" + "`" * 400_000 + "</pre>" + PROSE),
    "headings": lambda: _page("<h2><a href=#x>¶</a>x</h2>" * 40_000 + PROSE),
    "names-of-furniture": lambda: _page("".join(f"<div class='{'share ad ' * 40}{n}'>x</div>" for n in range(9000))),
    "blocks-in-spans": lambda: _page("<span>" * 2000 + "<div>x</div>" * 5000 + PROSE),
    "one-long-word": lambda: _page("<p>" + "x" * 2_000_000),
    "json-ld-100000-deep": lambda: _page(
        PROSE, "<script type='application/ld+json'>" + "[" * 100_000 + "]" * 100_000 + "</script>"
    ),
    "json-ld-of-many-items": lambda: _page(
        PROSE, "<script type='application/ld+json'>[" + '{"@type":"A","name":"b"},' * 60_000 + "{}]</script>"
    ),
    "items-that-refer-to-each-other": lambda: _page(
        "".join(f"<div itemscope id=a{n} itemref='a{n} a{(n + 1) % 400}' itemprop=x>y</div>" for n in range(400))
    ),
    "dates": lambda: _page("<p>" + "2026-11-30 30.11.2026 Nov 30, 2026 " * 20_000),
}
"""Pages of HTML that hurt, by a name that may stand in a URL."""


def hurtful_answers() -> dict[str, tuple[str, bytes]]:
    """Returns type and body of all of them, by their path."""
    pages = {f"/{name}": ("text/html; charset=utf-8", make()) for name, make in PAGES.items()}
    return pages | {f"/{name}.pdf": ("application/pdf", body) for name, body in HURTFUL.items()}
