"""Says whether a page is a shell that scripts fill: it has few words, or the place for its content is empty."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..dataclass import dataclass
from ..model import RenderedFor

if TYPE_CHECKING:
    import turbohtml

FEW_WORDS = 20
"""A page that loads scripts and has fewer words counts as a shell. At 80 words, 36 of 1,000 pages of documentation did,
whose scripts draw a menu beside short texts."""
FEW_WORDS_OF_AN_APP = 80
"""The same for a page with modules, or with a `<noscript>` that asks for JavaScript."""
MOUNTS = (
    "#root", "#app", "#__next", "#__nuxt", "#___gatsby", "#q-app", "#svelte", "#react-root", "#vue-app", "#app-root",
    "app-root", "ion-app", "my-app",
)  # fmt: skip
"""Where the common frameworks put what they make: React, Vue, Next, Nuxt, Gatsby, Quasar, Svelte, Angular, Ionic."""
_NO_CONTENT = frozenset({"script", "style", "noscript", "template", "link", "meta"})
_UNREAD = "noscript,title,svg"
"""Elements whose words are no content: those for readers without scripts, and those outside the text."""
_MOST_UNREAD = 32
"""Such elements that are read: they may be nested, and each is read with all that is in it."""
_MOST_ASKED = 1000
"""Characters of a `<noscript>` that are looked at."""
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
"""Matches a character of a script that puts no blanks between words. Two of them count as one."""


@dataclass(frozen=True, slots=True)
class Look:
    """The signs that a page is a shell, or none."""

    has_scripts: bool
    """Whether it loads scripts, or has modules."""
    is_app: bool
    """Whether it has modules, or asks readers without scripts for JavaScript."""
    mount: str
    """The selector of an empty place for content. Empty: there is none."""
    unread_words: int
    """Words of its text that are no content."""


def look(document: turbohtml.Document) -> Look:
    """Returns the signs in a tree that still has its scripts."""
    unread = sum(count(element.text) for element in document.select(_UNREAD)[:_MOST_UNREAD])
    if document.select_one("script") is None:
        return Look(has_scripts=False, is_app=False, mount="", unread_words=unread)
    has_scripts = document.select_one("script[src],script[type=module]") is not None
    return Look(has_scripts, _is_app(document), next(_empty_mounts(document), ""), unread)


def judge(looks_for: str, found: Look | None, words: str) -> str:
    """Returns why a page needs rendering, a word of `RenderedFor`; empty: it does not.

    `looks_for` is `auto` or `always`; empty: nobody wants to know. `found` is None where nobody looked.
    """
    if found is None or not looks_for:
        return ""
    if looks_for == "always":
        return RenderedFor.ASKED
    if found.mount:
        return RenderedFor.EMPTY_MOUNT
    most = FEW_WORDS_OF_AN_APP if found.is_app else FEW_WORDS
    is_short = len(words) < FEW_WORDS_OF_AN_APP * 40 and count(words) - found.unread_words < most
    return RenderedFor.FEW_WORDS if found.has_scripts and is_short else ""


def count_words(found: Look | None, words: str) -> int:
    """Returns the number of words of a page's content."""
    return max(0, count(words) - (found.unread_words if found else 0))


def count(text: str) -> int:
    """Returns the number of words of a text, in any script."""
    dense = 0 if text.isascii() else len(_CJK.findall(text))
    return len(text.split()) + dense // 2


def _is_app(document: turbohtml.Document) -> bool:
    if document.select_one("script[type=module]") is not None:
        return True
    return any("javascript" in one.text[:_MOST_ASKED].lower() for one in document.select("noscript")[:_MOST_UNREAD])


def _empty_mounts(document: turbohtml.Document) -> Iterator[str]:
    for selector in MOUNTS:
        element = document.select_one(selector)
        if element is not None and _is_empty(element):
            yield selector


def _is_empty(element: turbohtml.Element) -> bool:
    """Whether nothing of an element is seen: it has no text, and no elements but scripts and the like."""
    return all(_is_unseen(child) for child in element.children)


def _is_unseen(child: object) -> bool:
    tag = getattr(child, "tag", None)
    if tag is not None:
        return tag in _NO_CONTENT
    return type(child).__name__ == "Comment" or not str(getattr(child, "data", child) or "").strip()
