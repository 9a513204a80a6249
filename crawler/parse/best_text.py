"""Finds the main text of an HTML page with trafilatura, where the best quality is asked for (extra `extract`).

Its text is taken as it is. For markdown, which it makes without exact code and tables, the page's own elements are
taken whose text it chose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import trafilatura
import turbohtml

from .main_text import Main, copy_seen

_LEAST = 200
"""Fewer characters than these are no find: the page is read in the fast way."""
_BLOCKS = (
    "address,article,aside,blockquote,dd,details,div,dl,dt,fieldset,figcaption,figure,footer,form,h1,h2,h3,h4,h5,h6,"
    "header,hr,li,main,nav,ol,p,pre,section,summary,table,tbody,td,tfoot,th,thead,tr,ul"
)
"""Matches elements that stand in lines of their own."""
_NAMES = frozenset(_BLOCKS.split(","))
_WORD = re.compile(r"\w+")
_SHINGLE = 3
_SHORT = 5
"""Texts of fewer words are taken if their lines are lines or cells of the text found; others, if half of their threes
are in it."""

Node = turbohtml.Element | turbohtml.Text


def find_best(document: turbohtml.Document) -> Main | None:
    """Returns the main part of a page with its text; None: trafilatura found none."""
    body = copy_seen(document)
    if body is None:
        return None
    found = trafilatura.extract(f"<html><head></head>{body.html}</html>", fast=True, include_comments=False) or ""
    if len(found) < _LEAST:
        return None
    _prune(body, _Found(found))
    return Main(body, "best", found)


class _Found:
    """The text that was found, to be asked whether it has another one."""

    def __init__(self, text: str) -> None:
        self._shingles = _shingles(_WORD.findall(text))
        self._lines = {tuple(_WORD.findall(cell)) for line in text.splitlines() for cell in (line, *line.split("|"))}

    def has(self, text: str) -> bool:
        """Whether it has most of a text; one without words, always."""
        words = _WORD.findall(text)
        if len(words) < _SHORT:
            return all(tuple(said) in self._lines for line in text.splitlines() if (said := _WORD.findall(line)))
        own = _shingles(words)
        return 2 * len(own & self._shingles) >= len(own)


def _shingles(words: list[str]) -> set[tuple[str, ...]]:
    return set(zip(*(words[at:] for at in range(_SHINGLE)), strict=False))


def _prune(body: turbohtml.Element, found: _Found) -> None:
    """Removes all whose text was not found. Each node is looked at once."""
    holders = _find_holders(body)
    waiting = [body]
    while waiting:
        for run in _split(waiting.pop(), holders):
            if isinstance(run, turbohtml.Element):
                waiting.append(run)
            elif not found.has("".join([one.text if isinstance(one, turbohtml.Element) else one.data for one in run])):
                for node in run:
                    node.extract()


def _find_holders(body: turbohtml.Element) -> set[turbohtml.Element]:
    """Returns the elements that hold others which stand in lines of their own."""
    holders = {body}
    for block in body.select(_BLOCKS):
        above = block.parent
        while isinstance(above, turbohtml.Element) and above not in holders:
            holders.add(above)
            above = above.parent
    return holders


def _split(element: turbohtml.Element, holders: set[turbohtml.Element]) -> Iterator[turbohtml.Element | list[Node]]:
    """Yields the children that are to be split further, and between them the runs of those that stand in one line."""
    run: list[Node] = []
    for child in list(element.children):
        if isinstance(child, turbohtml.Element) and (child in holders or child.tag in _NAMES):
            if run:
                yield run
                run = []
            yield child if child in holders else [child]
        elif isinstance(child, turbohtml.Element | turbohtml.Text):
            run.append(child)
    if run:
        yield run
