"""Counts at how many pages each field of `extract.fields` was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..model import Outcome


class FieldCount(NamedTuple):
    """At how many pages of a run a field was found."""

    name: str
    """Its name in records."""
    selector: str
    """Its selector, as it was written."""
    pages: int
    """The pages that were looked at."""
    found: int
    """Those of them that have a value."""
    unread: int
    """Those where its place was found, but no value of its type."""


class FieldCounts:
    """The fields of one run, by their places in the settings."""

    def __init__(self) -> None:
        self.pages = 0
        self._found = Counter[int]()
        self._unread = Counter[int]()

    def note(self, outcome: Outcome) -> None:
        """Counts the fields of a page. Pages that were read again for their links have no record, and do not count."""
        page = outcome.page
        if page is None or not page.fields_json or outcome.request.is_reread:
            return
        self.pages += 1
        self._found.update(_places(page.fields_found))
        self._unread.update(_places(page.fields_unread))

    def name(self, fields: Mapping[str, str]) -> list[FieldCount]:
        """Returns the count of each field; `fields` are their selectors by name, in the order of the settings."""
        return [
            FieldCount(name, selector, self.pages, self._found[place], self._unread[place])
            for place, (name, selector) in enumerate(fields.items())
        ]


def _places(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
