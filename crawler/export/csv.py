"""The formats `csv` and `tsv`: a table of the records that spreadsheets open, and that does nothing there."""

from __future__ import annotations

from typing import IO, Literal

from ..sinks.rows import Rows
from .source import Source
from .wanted import Wanted


def write_csv(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes the records as RFC 4180 has it: a row of names, then one for each record. Raises FolderError, OSError."""
    _write(source, _rows(wanted, "csv"), file)


def write_tsv(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes the records with tabs between cells and no quotes. Raises FolderError, OSError."""
    _write(source, _rows(wanted, "tsv"), file)


def _rows(wanted: Wanted, style: Literal["csv", "tsv"]) -> Rows:
    columns = wanted.columns()
    return Rows(columns.fields, style, shown=columns.names, pick=columns.pick)


def _write(source: Source, rows: Rows, file: IO[bytes]) -> None:
    file.write(rows.head)
    for lines in source.batches():
        file.write(rows.make(lines))
