"""The format `xlsx`: a workbook for spreadsheets, written as it is read, in a few parts of Office Open XML (ECMA-376).

We write it ourselves: a row of the usual table takes a library that streams 260 us of CPU, and us a tenth of that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from itertools import compress
from typing import IO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from ..sinks.bulk import Row, load_joined, load_records
from ..sinks.columns import as_cell
from ..sinks.rows import SIGNS, STARTS, escape_lines, is_odd, is_structure
from .schemas import OWN, Columns
from .source import Source
from .wanted import Wanted
from .xlsx_parts import BOLD, FIRST_PARTS, QUOTED, make_last_parts, make_sheet_end, make_sheet_head, sheet_part

MOST_ROWS = 1 << 20
"""Rows of a sheet, its head among them (Excel's limit). Further rows stand on further sheets."""
MOST_SHEET_BYTES = 1_900_000_000
"""Bytes of the XML of a sheet. From 2 GiB on a zip file needs fields that not all spreadsheets read."""
MOST_CHARS = 32_767
"""Characters of a cell as UTF-16 counts them (Excel's limit). Longer texts are cut, and end with CUT."""
CUT = " [cut]"
EXACT = 1 << 53
"""Whole numbers beyond would be rounded, since all numbers of a spreadsheet are floating. They become texts."""
LEVEL = 1
"""How hard the XML is packed. Level 6 takes three times the CPU for two thirds of the size."""
_CHUNK = 50
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
"""Begins a text that spreadsheets would read as a character (ECMA-376, ST_Xstring)."""
_SIGN = re.compile(rb'":"' + STARTS)
_CODE = re.compile(b"_x[0-9A-Fa-f]{4}_")
_NO_CHARACTER = re.compile(b"\xef\xbf[\xbe\xbf]")


def write_xlsx(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes the records as a workbook: the first row stays in view, and has filters.

    Nothing in it is a formula or a live link. Raises FolderError, OSError.
    """
    columns = wanted.columns()
    rows = _Rows(columns, may_be_plain=wanted.schema == OWN)
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=LEVEL) as packed:
        for name, part in FIRST_PARTS.items():
            packed.writestr(name, part)
        with closing(_Sheets(packed, columns)) as sheets:
            for lines in source.batches():
                sheets.add(rows.make(lines))
        for name, part in make_last_parts(len(columns.names), sheets.lengths).items():
            packed.writestr(name, part)


class _Sheets:
    """The sheets of a workbook, one after another."""

    def __init__(self, packed: ZipFile, columns: Columns) -> None:
        self._packed = packed
        self._columns = columns
        self._head = _row([_cell(name).replace("<c", f"<c{BOLD}", 1) for name in columns.names])
        self.lengths: list[int] = []
        """The rows of each sheet that is whole, its head among them."""
        self._begin()

    def add(self, rows: Sequence[str]) -> None:
        """Writes rows, on a new sheet where this one is full."""
        while rows:
            if self._length >= MOST_ROWS or self._size >= MOST_SHEET_BYTES:
                self._end()
                self._begin()
            fitting = rows[: MOST_ROWS - self._length]
            self._write("".join(fitting))
            self._length += len(fitting)
            rows = rows[len(fitting) :]

    def close(self) -> None:
        """Ends the last sheet."""
        self._end()

    def _begin(self) -> None:
        self._sheet = self._packed.open(sheet_part(len(self.lengths) + 1), "w")
        self._length, self._size = 1, 0
        self._write(make_sheet_head(self._columns.kinds) + self._head)

    def _end(self) -> None:
        with self._sheet:
            self._write(make_sheet_end(len(self._columns.names), self._length))
        self.lengths.append(self._length)

    def _write(self, text: str) -> None:
        data = text.encode()
        self._sheet.write(data)
        self._size += len(data)


class _Rows:
    """Makes rows of records."""

    def __init__(self, columns: Columns, *, may_be_plain: bool) -> None:
        """`may_be_plain`: all values are those of the records, so that they can be escaped together."""
        self._pick = columns.pick
        self._may_be_plain = may_be_plain and not any(map(is_structure, columns.fields))

    def make(self, lines: Sequence[bytes]) -> list[str]:
        """Returns the rows of these records. Raises ValueError for a line that is no JSON."""
        return [row for at in range(0, len(lines), _CHUNK) for row in self._make_chunk(lines[at : at + _CHUNK])]

    def _make_chunk(self, lines: Sequence[bytes]) -> list[str]:
        text = b",".join(lines)
        if self._may_be_plain and _is_plain(text, max(map(len, lines))):
            return self._make_plain(text)
        odd = [not self._may_be_plain or not _is_plain(line, len(line)) for line in lines]
        plain_rows = iter(self._make_plain(b",".join(compress(lines, [not one for one in odd]))))
        odd_rows = map(_make_odd, map(self._pick, load_records(list(compress(lines, odd)))))
        return [next(odd_rows if is_one else plain_rows) for is_one in odd]

    def _make_plain(self, text: bytes) -> list[str]:
        escaped = text.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
        return [_make_plain_row(self._pick(record)) for record in load_joined(escaped)]


def _is_plain(text: bytes, longest: int) -> bool:
    """Returns whether the texts in records may stand in XML once `&`, `<` and `>` are escaped.

    No space is at their ends, where it would be lost, and none looks like a formula or is too long.
    """
    return not (
        longest >= MOST_CHARS
        or is_odd(text)
        or _SIGN.search(text)
        or b' "' in text
        or (b"_x" in text and _CODE.search(text))
        or (b"\xef\xbf" in text and _NO_CHARACTER.search(text))
    )


def _make_plain_row(row: Row) -> str:
    cells = [
        "<c/>" if value is None
        else f'<c t="inlineStr"><is><t>{value}</t></is></c>' if value.__class__ is str
        else _cell(value)
        for value in row
    ]  # fmt: skip
    return _row(cells)


def _make_odd(row: Row) -> str:
    return _row([_cell(value) for value in row])


def _row(cells: Sequence[str]) -> str:
    return f"<row>{''.join(cells)}</row>"


def _cell(value: object) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{value:d}</v></c>'
    if isinstance(value, (int, float)) and -EXACT < value < EXACT:
        return f"<c><v>{value!r}</v></c>"
    text = _ESCAPE.sub("_x005F_", escape_lines(_shorten(value if isinstance(value, str) else as_cell(value))))
    style = QUOTED if text.lstrip()[:1] in SIGNS else ""
    return f'<c{style} t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _shorten(text: str) -> str:
    if len(text) <= MOST_CHARS // 2:
        return text
    units = text.encode("utf-16-le", "replace")
    return (
        text
        if len(units) <= 2 * MOST_CHARS
        else units[: 2 * (MOST_CHARS - len(CUT))].decode("utf-16-le", "ignore") + CUT
    )
