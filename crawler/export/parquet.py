"""The format `parquet`: the records as a table with types, made by DuckDB."""

from __future__ import annotations

from typing import IO

from ..analytics import open_database, read_lines, select_fields
from ..analytics.database import MEMORY_BYTES, TooLargeRecord
from ..analytics.parquet import copy_to_parquet
from ..analytics.schema import OBJECT_BYTES
from .lines_file import LinesFile, open_lines_file
from .source import Source
from .wanted import Wanted

_LARGE = 8
"""How many times larger than expected a record may be."""


def write_parquet(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes a column for each field of records, whether this crawl has it or not, or for those of `wanted.fields`.

    Rows come in the order of the records. Raises ConfigError where DuckDB is not installed, FolderError, OSError.
    """
    source.require_records()
    with open_lines_file(source, wanted.scratch) as lines:
        source.expect(source.end)
        try:
            _copy(source, wanted, lines, file, 1 if file.seekable() else _LARGE)  # a pipe cannot begin again
        except TooLargeRecord:
            if not file.seekable():
                raise
            file.seek(0)
            file.truncate()
            _copy(source, wanted, lines, file, _LARGE)
        source.advance(source.end)


def _copy(source: Source, wanted: Wanted, lines: LinesFile, file: IO[bytes], factor: int) -> None:
    file.flush()
    with open_database(wanted.scratch, "-f parquet", memory_bytes=MEMORY_BYTES * factor) as database:
        database.run(_statement(wanted, lines, f"/dev/fd/{file.fileno()}", OBJECT_BYTES * factor), source.tell_share)


def _statement(wanted: Wanted, lines: LinesFile, target: str, object_bytes: int) -> str:
    if wanted.fields:
        columns, names = select_fields(wanted.fields)
        table = read_lines(lines.path, names, lines.records, object_bytes)
    else:
        columns, table = "*", read_lines(lines.path, records=lines.records, object_bytes=object_bytes)
    return copy_to_parquet(columns, table, target)
