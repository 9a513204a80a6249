"""The formats `csv` and `tsv`: a table of the records that spreadsheets open, and that does nothing there."""

from __future__ import annotations

from itertools import islice
from typing import IO

from ..sinks.columns import COLUMNS
from ..sinks.rows import Rows
from .source import Source
from .wanted import Wanted

ROWS = 500
"""Rows that are written at once."""


def write_csv(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes the records as RFC 4180 has it: a row of names, then one for each record. Raises FolderError, OSError."""
    _write(source, Rows(wanted.fields or COLUMNS, "csv"), file)


def write_tsv(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes the records with tabs between cells and no quotes. Raises FolderError, OSError."""
    _write(source, Rows(wanted.fields or COLUMNS, "tsv"), file)


def _write(source: Source, rows: Rows, file: IO[bytes]) -> None:
    file.write(rows.head)
    lines = source.lines()
    while batch := list(islice(lines, ROWS)):
        file.write(rows.make(batch))
