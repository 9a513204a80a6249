"""Counts how many pages of a crawl were what its focus sought, and how that went, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

ENOUGH = 0.5
"""The relevance from which a page counts as one that was sought."""
MOST_STRETCHES = 10
_RELEVANCE = re.compile(rb',"relevance":([0-9.]{1,8})\}\s*\Z')
_TAIL = 40
"""Bytes at the end of a record in which its relevance stands: it comes last."""


class Stretch(NamedTuple):
    """Pages that were visited one after another."""

    pages: int
    """How many pages had a text."""
    relevant: int
    """How many of them had a relevance of at least 0.5."""


class Harvest:
    """Counts pages in stretches of one size, which doubles where there are too many."""

    def __init__(self) -> None:
        self._size = 1
        self._full: list[Stretch] = []
        self._open = Stretch(0, 0)

    def add_line(self, line: bytes) -> None:
        """Counts a record in JSON. One that has no relevance is left out."""
        found = _RELEVANCE.search(line, max(0, len(line) - _TAIL))
        if found is None or found[1].count(b".") > 1:
            return
        self._open = Stretch(self._open.pages + 1, self._open.relevant + (float(found[1]) >= ENOUGH))
        if self._open.pages < self._size:
            return
        self._full.append(self._open)
        self._open = Stretch(0, 0)
        if len(self._full) > MOST_STRETCHES:
            self._open = self._full.pop()
            pairs = zip(self._full[::2], self._full[1::2], strict=True)
            self._full = [Stretch(one.pages + two.pages, one.relevant + two.relevant) for one, two in pairs]
            self._size *= 2

    def stretches(self) -> Sequence[Stretch]:
        """Returns the stretches in their order; the last one may be shorter."""
        return [*self._full, *([self._open] if self._open.pages else [])]
