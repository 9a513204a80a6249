"""The formats `csv` and `tsv`: a table of the records that spreadsheets open, and that does nothing there."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import IO

import orjson

from ..runtime.escaping import escape_text
from .columns import COLUMNS, as_cell, find_value
from .source import Source
from .wanted import Wanted

ROWS = 500
"""Rows that are written at once."""
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""The beginning of a text that a spreadsheet may run (OWASP, CSV injection)."""
_SUSPECT = re.compile(rb"\\|\"[\s=+\-@\xc2\xe1\xe2\xe3\xef]")
"""Bytes of a line of JSON without which no text in it begins like a formula or has characters that act. Spaces of
Unicode and full-width signs begin with one of the last five."""


def write_csv(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    r"""Writes the records as RFC 4180 has it, in UTF-8: a row of names, then a row for each record.

    A text that a spreadsheet might take for a formula gets a `'` before it. Characters that act on a terminal become
    escapes such as `\x1b`; line ends inside a text stay. Raises FolderError, OSError.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    for rows in _batches(_rows(source, wanted, _escape_lines)):
        writer.writerows(rows)
        file.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()


def write_tsv(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    r"""Writes the records with tabs between cells and no quotes: tabs and line ends in a text become `\t` and `\n`.

    Formulas as in `write_csv`. Raises FolderError, OSError.
    """
    for rows in _batches(_rows(source, wanted, escape_text)):
        file.write("".join(["\t".join(row) + "\n" for row in rows]).encode())


def _rows(source: Source, wanted: Wanted, escape: Callable[[str], str]) -> Iterator[Sequence[str]]:
    names = wanted.fields or COLUMNS
    paths = [tuple(name.split(".")) for name in names]
    yield names
    for line in source.lines():
        record = orjson.loads(line)
        cells = [as_cell(find_value(record, path)) for path in paths]
        yield [_disarm(escape(cell)) for cell in cells] if _SUSPECT.search(line) else cells


def _disarm(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _escape_lines(text: str) -> str:
    return "\n".join(map(escape_text, text.splitlines())) if "\n" in text or "\r" in text else escape_text(text)


def _batches(rows: Iterator[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    while batch := list(islice(rows, ROWS)):
        yield batch
