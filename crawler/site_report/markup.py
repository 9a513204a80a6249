"""Makes HTML of text: all that is not markup already is escaped, and so are characters that nobody sees."""

from __future__ import annotations

import html

from ..runtime.escaping import escape_text

MOST_SHOWN = 140
"""Characters of a URL that are shown; its link has them all."""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(words: str) -> Markup:
    """Returns text as HTML that shows it."""
    return Markup(html.escape(escape_text(words)))


def element(tag: str, *inner: str, **attributes: str | int) -> Markup:
    """Returns an element. What it holds is escaped unless it is Markup; `class_` and the like lose their underscore."""
    named = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(escape_text(str(value)))}"'
        for name, value in attributes.items()
    )
    return Markup(f"<{tag}{named}>{joined(*inner)}</{tag}>")


def joined(*parts: str) -> Markup:
    """Returns parts one after the other, those that are no Markup escaped."""
    return Markup("".join([part if isinstance(part, Markup) else text(part) for part in parts]))


def link(url: str, shown: str = "") -> Markup:
    """Returns a link to a page, cut where it is long. What is no web address is text."""
    words = shown or url
    short = words if len(words) <= MOST_SHOWN else f"{words[:MOST_SHOWN]}…"
    if not url.startswith(("http://", "https://")):
        return text(short)
    return element("a", short, href=url, rel="noreferrer noopener", target="_blank")
