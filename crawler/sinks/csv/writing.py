"""Appends rows to a table in a file that can be cut back to the settled length."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ...model import Outcome, Position
from ...runtime.private_files import opener
from ..columns import check_begun, columns_of
from ..jsonl.writing import JsonLines, off_loop
from ..record import Wants, record
from ..rows import Rows

TABS = ".tsv"
"""The ending of names of tables with tabs."""
MOST_HEAD = 1 << 16
"""Bytes of the row of names that are read at most; all fields together take 400."""


class Table(JsonLines):
    """Appends rows to the file `path`; the row of names comes with the first ones.

    When `write` has returned, the rows survive a power cut. A table goes on with the columns that it began with, also
    if a newer version knows more fields.
    """

    def __init__(self, name: str, path: Path, fields: Sequence[str], wants: Wants) -> None:
        """`fields`: the columns; empty: the usual ones."""
        super().__init__(path, wants, sync=True)
        self.name = name
        self._fields = tuple(fields)
        self._style: Literal["csv", "tsv"] = "tsv" if path.name.lower().endswith(TABS) else "csv"
        self._rows = Rows(self._fields or columns_of(wants), self._style)

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        self._length += await off_loop(self._store, outcomes)
        return {self.path.name: self._length}

    def _store(self, outcomes: Sequence[Outcome]) -> int:
        rows = self._rows.make(record(outcome, self._wants) for outcome in outcomes)
        made = rows if self._length else self._rows.head + rows
        self._append(made)
        return len(made)

    def _cut(self, length: int) -> int:
        super()._cut(length)
        if length:
            self._rows = Rows(self._find_columns(), self._style)
        return length

    def _find_columns(self) -> Sequence[str]:
        """Returns the columns of the table as it stands. Raises ConfigError if others are wanted."""
        with open(self.path, "rb", opener=opener) as file:
            head = io.StringIO(file.readline(MOST_HEAD).decode("utf-8", "replace"), newline="")
        found = tuple(next(csv.reader(head, delimiter="\t" if self._style == "tsv" else ","), ()))
        check_begun(self.path, found, self._fields)
        return found
