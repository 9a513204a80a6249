"""Chooses the title of a page: its heading as readers see it, without the name of its site."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import turbohtml

from .element_text import read_text

_SURE = re.compile(r"\s+[|»«·•]\s+")
"""Separates titles from names of sites, and never stands within a title."""
_BREAKS = re.compile(r"\s+[|»«·•\-\u2013\u2014:]+\s+|\s*::\s*|:\s+")
"""May separate them, and may stand within a title."""
_LONGEST = 1024
_MOST_HEADINGS = 50
_SHORTEST_NAME = 3
_SHORTEST_TITLE = 12
"""Characters of a title that stands for a heading which says more."""
_OTHER = re.compile(r"[\W_]+")


class Said(NamedTuple):
    """The titles that a page states for machines, each empty if it is not stated."""

    headlines: tuple[str, ...]
    """Those of structured data."""
    shared: tuple[str, ...]
    """Those for others who link to it: Open Graph, Twitter cards."""
    window: str
    """Its `<title>`."""


def find_title(document: turbohtml.Document, said: Said, is_site: Callable[[str], bool]) -> str:
    """Returns the title of a page; empty: it has none.

    A heading that stands alone comes first, unless it names the site. Of several, the one that its other titles hold.
    """
    stated = [short for one in (*said.headlines, *said.shared) if (short := _strip(one, is_site))]
    window = _strip(said.window, is_site, is_window=True)
    for heading in list(_headings(document, (*stated, window))):
        shown = _line(read_text(heading))
        if _is_frame(shown, window, said.window):
            window = _strip(said.window, tell_sites((shown,), ""), is_window=True)
        elif shown and not is_site(shown):
            return _shorten(heading, shown, stated)
    return next((one for one in (*stated, window) if one), "")


# -- headings ----------------------------------------------------------------------------------------------------------


def _headings(document: turbohtml.Document, titles: Iterable[str]) -> Iterator[turbohtml.Element]:
    """Yields the headings that may be the page's: one that is alone in its main part, then one that is alone at all."""
    every = document.find_all("h1")
    for found in (document.select("article h1,main h1"), every):
        if len(found) == 1:
            yield found[0]
    if len(every) > 1:
        known = [folded for one in titles if (folded := _fold(one))]
        held = [
            (len(_fold(read_text(one))), one)
            for one in every[:_MOST_HEADINGS]
            if _is_held(_fold(read_text(one)), known)
        ]
        yield from [max(held, key=lambda pair: pair[0])[1]] if held else []


def _is_held(name: str, titles: Iterable[str]) -> bool:
    """Whether a heading is one of the titles that the page states, or the larger part of one."""
    return any(name == title or (len(name) >= _SHORTEST_TITLE and name in title) for title in titles)


def _is_frame(shown: str, window: str, whole: str) -> bool:
    """Whether a heading is the part of the window's title that is not the page's, such as the name of a blog."""
    name = _fold(shown)
    if not name:
        return False
    parts = [_fold(part) for part in _BREAKS.split(_line(whole))]
    return len(parts) > 1 and parts[-1] == name and name != _fold(window)


def _shorten(heading: turbohtml.Element, shown: str, stated: Iterable[str]) -> str:
    """Returns a heading without the line above or below it, if the page states the title alone."""
    name = _fold(shown)
    for title in stated:
        other = _fold(title)
        if len(other) >= _SHORTEST_TITLE and len(other) < len(name):
            if name.endswith(other):
                return title
            if name.startswith(other) and any(_fold(one.text) == name[len(other) :] for one in heading.select("*")):
                return title
    return shown


# -- names of sites ----------------------------------------------------------------------------------------------------


def tell_sites(sites: Iterable[str], address: str) -> Callable[[str], bool]:
    """Returns a function that tells whether a text names the site of the page."""
    host = (urlsplit(address[:_LONGEST]).hostname or "").removeprefix("www.")
    labels = host.split(".")
    names = {_fold(one) for one in (*sites, host, *labels[:-1], labels[-2] + labels[-1] if labels[1:] else "")}
    names = {one for one in names if len(one) >= _SHORTEST_NAME}

    def is_site(text: str) -> bool:
        folded = _fold(text)
        if folded in names:
            return True
        return any(folded.startswith(one) and 2 * len(one) > len(folded) for one in names if len(one) > _SHORTEST_NAME)

    return is_site


def _strip(title: str, is_site: Callable[[str], bool], *, is_window: bool = False) -> str:
    """Returns a title without the names of its site at its ends; `is_window`: others' names as well."""
    title = _line(title)
    if is_window and len(parts := _SURE.split(title)) > 1:
        kept = [part for part in parts if not is_site(part)] or parts
        title = max(kept, key=len)
    for _ in range(2):
        marks = list(_BREAKS.finditer(title))
        if not marks:
            break
        if is_site(title[marks[-1].end() :]):
            title = title[: marks[-1].start()]
        elif is_site(title[: marks[0].start()]) and marks[0][0].strip():
            title = title[marks[0].end() :]
    return title


def _line(text: str) -> str:
    return " ".join(text[: 4 * _LONGEST].split())[:_LONGEST]


def _fold(text: str) -> str:
    """Returns the letters and digits of a text, by which titles are compared."""
    return _OTHER.sub("", text[:_LONGEST]).casefold()
