"""Turns what DuckDB says of a statement into one line that names the nearest right word."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..analytics import TYPES
from ..runtime.nearest import did_you_mean
from .views import TABLES

_KIND = re.compile(r"^[A-Z][A-Za-z ]* Error: ")
_COLUMN = re.compile(r'^(?:Referenced column "|.* does not have a column named ")([^"]+)"')
_TABLE = re.compile(r"^Table with name (\S+) does not exist")
_PART = re.compile(r'^Referenced table "([^"]+)" not found')
_KEY = re.compile(r'^Could not find key "([^"]+)" in struct')
_FUNCTION = re.compile(r"^(?:Scalar|Table|Aggregate)?[ \w]*[Ff]unction with name (\S+) does not exist")
_CANDIDATES = re.compile(r'^(?:Candidate \w+: |Did you mean )"?([^"\n]+)"?', re.MULTILINE)
_CLOSED = ("disabled by configuration", "disabled through configuration")
_KNOWN = ", ".join(TABLES)


def explain_error(text: str) -> str:
    """Returns an error of DuckDB in one line, with the nearest right column, table or function."""
    words = _KIND.sub("", text)
    if any(mark in text for mark in _CLOSED):
        return f"a query reads the tables of this crawl alone: {_KNOWN}"
    if found := _COLUMN.match(words):
        return f"no column {found[1]!r} in this query{_nearest(found[1], words, TYPES)}"
    if found := _TABLE.match(words):
        return f"no table {found[1]!r}{did_you_mean(found[1], TABLES, f'; there are {_KNOWN}')}"
    if found := _PART.match(words):
        return f"no table or field {found[1]!r} in this query"
    if found := _KEY.match(words):
        return f"no part {found[1]!r} in this field{_nearest(found[1], words, ())}"
    if found := _FUNCTION.match(words):
        return f"no function {found[1]!r}{_nearest(found[1], words, ())}"
    first = words.partition("\n")[0].strip().rstrip("!")
    return f"the query: {first}"


def _nearest(word: str, text: str, names: Iterable[str]) -> str:
    """Returns the end of a message: the candidate of DuckDB, which knows aliases, else the nearest of these names."""
    if candidates := _CANDIDATES.search(text):
        return f"; did you mean {candidates[1].rpartition('.')[2]}?"
    return did_you_mean(word, names)
