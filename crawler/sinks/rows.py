"""Writes records as rows of a table that spreadsheets open, and that does nothing there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Literal

import orjson

from ..runtime.escaping import escape_text
from .columns import as_cell, make_picker

_PLAIN = frozenset({int, float, type(None)})
"""Types whose values are cells as they are. A bool is none: it is `true` or `false`."""
_SIGNS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
"""A text that begins with one, also behind spaces, may be run by a spreadsheet (OWASP, CSV injection)."""


class Rows:
    r"""Makes rows of records, as RFC 4180 has it or with tabs between cells, in UTF-8.

    A text that a spreadsheet might take for a formula gets a `'` before it. Characters that act on a terminal become
    escapes such as `\x1b`. Line ends inside a text stay in `csv`; in `tsv`, which has no quotes, tabs and line ends
    become `\t` and `\n`.
    """

    def __init__(self, names: Sequence[str], style: Literal["csv", "tsv"]) -> None:
        """`names` are the fields, in the order of the columns."""
        self._text = io.StringIO()
        self._escape = _escape_lines if style == "csv" else escape_text
        self._pick = make_picker(names)
        if style == "csv":
            self._writer = csv.writer(self._text)
        else:
            self._writer = csv.writer(
                self._text, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n"
            )
        self.head: bytes = self._write([names])
        """The row of names."""

    def make(self, lines: Iterable[bytes]) -> bytes:
        """Returns the rows of these records, given as lines of JSON."""
        return self._write(map(self._cells, lines))

    def _write(self, rows: Iterable[Sequence[object]]) -> bytes:
        text = self._text
        self._writer.writerows(rows)
        made = text.getvalue().encode()
        text.seek(0)
        text.truncate()
        return made

    def _cells(self, line: bytes) -> list[object]:
        cells = [value if type(value) in _PLAIN else _text(value) for value in self._pick(orjson.loads(line))]
        if b"\\" in line:  # as every character that must be escaped has in JSON
            cells = [_text(self._escape(cell)) if isinstance(cell, str) else cell for cell in cells]
        return cells


def _text(value: object) -> str:
    """Returns a cell that is no formula."""
    text = value if isinstance(value, str) else as_cell(value)
    first = text[:1]
    if first.isalnum() or not first or (first not in _SIGNS and text.lstrip()[:1] not in _SIGNS):
        return text
    return f"'{text}"


def _escape_lines(text: str) -> str:
    return "\n".join(map(escape_text, text.splitlines())) if "\n" in text or "\r" in text else escape_text(text)
