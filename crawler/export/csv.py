"""The formats `csv` and `tsv`: a table of the records that spreadsheets open, and that does nothing there."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import IO, TYPE_CHECKING

import orjson

from ..runtime.escaping import escape_text
from .columns import COLUMNS, as_cell, make_picker
from .source import Source
from .wanted import Wanted

if TYPE_CHECKING:
    from _csv import Writer

ROWS = 500
"""Rows that are written at once."""
_PLAIN = frozenset({int, float, type(None)})
"""Types whose values are cells as they are. A bool is none: it is `true` or `false`."""
_SIGNS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
"""A text that begins with one, also behind spaces, may be run by a spreadsheet (OWASP, CSV injection)."""


def write_csv(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    r"""Writes the records as RFC 4180 has it, in UTF-8: a row of names, then a row for each record.

    A text that a spreadsheet might take for a formula gets a `'` before it. Characters that act on a terminal become
    escapes such as `\x1b`; line ends inside a text stay. Raises FolderError, OSError.
    """
    text = io.StringIO()
    _write(_rows(source, wanted, _escape_lines), text, csv.writer(text), file)


def write_tsv(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    r"""Writes the records with tabs between cells and no quotes: tabs and line ends in a text become `\t` and `\n`.

    Formulas as in `write_csv`. Raises FolderError, OSError.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n")
    _write(_rows(source, wanted, escape_text), text, writer, file)


def _write(rows: Iterator[Sequence[object]], text: io.StringIO, writer: Writer, file: IO[bytes]) -> None:
    while batch := list(islice(rows, ROWS)):
        writer.writerows(batch)
        file.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()


def _rows(source: Source, wanted: Wanted, escape: Callable[[str], str]) -> Iterator[Sequence[object]]:
    names = wanted.fields or COLUMNS
    pick = make_picker(names)
    yield names
    for line in source.lines():
        cells = [value if type(value) in _PLAIN else _text(value) for value in pick(orjson.loads(line))]
        if b"\\" in line:  # as every character that must be escaped has in JSON
            cells = [_text(escape(cell)) if isinstance(cell, str) else cell for cell in cells]
        yield cells


def _text(value: object) -> str:
    """Returns a cell that is no formula."""
    text = value if isinstance(value, str) else as_cell(value)
    first = text[:1]
    if first.isalnum() or not first or (first not in _SIGNS and text.lstrip()[:1] not in _SIGNS):
        return text
    return f"'{text}"


def _escape_lines(text: str) -> str:
    return "\n".join(map(escape_text, text.splitlines())) if "\n" in text or "\r" in text else escape_text(text)
