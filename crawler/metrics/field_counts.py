"""Counts at how many pages each field of `extract.fields` was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..model import Outcome

_PAGES, _FOUND, _UNREAD = "pages", "found", "unread"


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


def note_fields(counts: Counter[str], outcome: Outcome) -> None:
    """Counts the fields of a page, by their places in the settings.

    Pages that were read again for their links have no record, and do not count.
    """
    page = outcome.page
    if page is None or not page.fields_json or outcome.request.is_reread:
        return
    counts[_PAGES] += 1
    counts.update(f"{_FOUND} {place}" for place in _places(page.fields_found))
    counts.update(f"{_UNREAD} {place}" for place in _places(page.fields_unread))


def name_fields(counts: Mapping[str, int], fields: Mapping[str, str]) -> list[FieldCount]:
    """Returns the count of each field; `fields` are their selectors by name, in the order of the settings."""
    pages = counts.get(_PAGES, 0)
    return [
        FieldCount(name, selector, pages, counts.get(f"{_FOUND} {place}", 0), counts.get(f"{_UNREAD} {place}", 0))
        for place, (name, selector) in enumerate(fields.items())
    ]


def _places(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
