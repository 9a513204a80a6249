"""Makes Parquet files of records, each whole or not at all, and cuts one where a power cut took settled visits back."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from ...analytics import TYPES, Database, open_database, read_lines, select_fields
from ...analytics.database import MEMORY_BYTES, SqlError, TooLargeRecord
from ...analytics.parquet import copy_to_parquet
from ...analytics.schema import OBJECT_BYTES, literal
from ...errors import SinkError
from ...runtime.private_files import check_place, replace_private_file

_NAME = re.compile(r"part-(\d{6,9})\.parquet")
_USE = "an output of kind parquet"
_LARGE = 8
"""How many times larger than expected a record may be."""


class Parts:
    """The Parquet files of one folder. Its methods block and raise OSError, StorageFull and SinkError."""

    def __init__(self, folder: Path, fields: Sequence[str]) -> None:
        """`fields`: the columns; empty: one for each field that a record may have."""
        self._folder = folder
        self._columns, self._names = select_fields(fields) if fields else ("*", list(TYPES))

    def path(self, number: int) -> Path:
        return self._folder / f"part-{number:06d}.parquet"

    def numbers(self) -> list[int]:
        """Returns the numbers of the files that there are."""
        if not self._folder.is_dir():
            return []
        found = (_NAME.fullmatch(path.name) for path in self._folder.iterdir())
        return sorted(int(one[1]) for one in found if one)

    def remove_after(self, number: int) -> None:
        """Removes the files after the one of this number, and what a killed process left."""
        for one in self.numbers():
            if one > number:
                self.path(one).unlink()
        for left in self._folder.glob(".duckdb-*"):
            shutil.rmtree(left, ignore_errors=True)

    def make(self, number: int, records: Path) -> None:
        """Makes a file of all records in a file of lines."""
        try:
            self._make(number, records, 1)
        except TooLargeRecord:
            self._make(number, records, _LARGE)

    def cut(self, number: int, rows: int) -> None:
        """Keeps the first so many rows. Raises SinkError if there are fewer."""
        path = self.path(number)
        table = f"read_parquet({literal(str(path))})"
        try:
            with self._open(1) as database:
                database.ask(f"select count(*) from {table}")
                found = int(str(database.take_rows(1)[0][0]))
                if found > rows:
                    with replace_private_file(path) as file:
                        target = f"/dev/fd/{file.fileno()}"
                        database.run(copy_to_parquet("*", f"(select * from {table} limit {rows})", target))
        except SqlError as error:
            raise SinkError(f"{path} cannot be read: put it back, or start over with --fresh") from error
        if found < rows:
            raise SinkError(
                f"{path} has {found} rows, but {rows} were settled: it was replaced from outside. Put it back, or "
                f"start over with --fresh"
            )

    def is_there(self, number: int) -> bool:
        return check_place(self.path(number)) is not None

    def _make(self, number: int, records: Path, factor: int) -> None:
        table = read_lines(str(records), self._names, object_bytes=OBJECT_BYTES * factor)
        with replace_private_file(self.path(number)) as file, self._open(factor) as database:
            database.run(copy_to_parquet(self._columns, table, f"/dev/fd/{file.fileno()}"))

    def _open(self, factor: int) -> AbstractContextManager[Database]:
        return open_database(self._folder, _USE, memory_bytes=MEMORY_BYTES * factor)
