"""Reads tables of spreadsheets, .xlsx and .ods. Only these lists are held in memory, so their size is limited."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import islice
from typing import IO, Any
from xml.parsers import expat

from ..errors import SeedError
from .columns import shape_of_rows
from .part import BLOCK, SAMPLE, Entry, Part
from .tables import read_rows
from .xml import feed

MOST_BYTES = 256 << 20
"""Bytes of unpacked XML: some two million rows."""
MOST_CELLS = 16 << 20
"""Cells from the first to the last filled one, in all sheets. Each takes about 24 bytes before it is read."""

_CELL = re.compile(r"([A-Z]{1,3})(\d{1,7})")


def is_sheet(archive: zipfile.ZipFile) -> bool:
    """Whether a zip is a spreadsheet."""
    names = set(archive.namelist())
    return bool({"xl/workbook.xml", "xl/workbook.bin"} & names) or {"mimetype", "content.xml"} <= names


def read_sheets(part: Part, archive: zipfile.ZipFile, file: IO[bytes]) -> Iterator[Entry]:
    """Yields the seeds of all sheets that have a column of URLs. Raises SeedError."""
    try:
        calamine = import_module("python_calamine")
    except ImportError as error:
        raise SeedError(f"{part.name}: reading a spreadsheet needs `pip install 'crawld[tables]'`") from error
    _refuse_a_bomb(part.name, archive)
    file.seek(0)
    taken = []
    try:
        with calamine.CalamineWorkbook.from_filelike(file) as book:
            for number, name in enumerate(book.sheet_names):
                for what, entry in _from_sheet(part, name, book.get_sheet_by_index(number)):
                    if what not in taken:
                        taken.append(what)
                        part.taken.what = "; ".join(taken)
                    yield entry
    except calamine.CalamineError as error:
        raise SeedError(f"{part.name}: a spreadsheet that cannot be read: {error}") from error
    if not taken:
        wanted = f"column {part.column!r}" if part.column else "column of URLs"
        raise SeedError(f"{part.name}: no sheet has a {wanted}")


def _from_sheet(part: Part, name: str, sheet: Any) -> Iterator[tuple[str, Entry]]:
    above = (sheet.start or (0, 0))[0]
    rows = ((number, [_text(cell) for cell in cells]) for number, cells in enumerate(sheet.iter_rows(), 1 + above))
    sample = list(islice(rows, SAMPLE))
    shape = shape_of_rows(sample, part.column) if sample else None
    if shape is not None:
        what = f"sheet {name!r}, {shape}"
        yield from ((what, entry) for entry in read_rows(part, shape, [*sample]))
        yield from ((what, entry) for entry in read_rows(part, shape, rows))


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _refuse_a_bomb(name: str, archive: zipfile.ZipFile) -> None:
    """Raises SeedError if a spreadsheet needs too much memory. All files are read, which verifies the zip's sizes."""
    if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
        raise SeedError(f"{name}: a spreadsheet of more than {MOST_BYTES >> 20} MiB; save it as CSV")
    cells = 0
    for info in archive.infolist():
        with archive.open(info) as file:
            if not info.filename.endswith(".xml"):
                while file.read(BLOCK):
                    pass
                continue
            counted = _Cells()
            parser = expat.ParserCreate()
            parser.StartElementHandler, parser.EndElementHandler = counted.start, counted.end
            parser.EntityDeclHandler = _refuser(name)
            try:
                for _ in feed(parser, file.read):
                    pass
            except expat.ExpatError as error:
                raise SeedError(f"{name}: a spreadsheet that cannot be read: {info.filename}: {error}") from error
            cells += counted.count
    if cells > MOST_CELLS:
        raise SeedError(f"{name}: a spreadsheet of more than {MOST_CELLS:,} cells; save it as CSV")


def _refuser(name: str) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise SeedError(f"{name}: a spreadsheet must not declare entities")

    return refuse


class _Cells:
    """Counts the cells that a sheet will take in memory: the rectangle up to its last cell, with repetitions."""

    def __init__(self) -> None:
        self._rows = self._columns = 0
        self._row_times = 1
        self._in_row = 0
        self._repeated = 0

    @property
    def count(self) -> int:
        return max(self._rows * self._columns, self._repeated)

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name == "c" and (cell := _CELL.fullmatch(attributes.get("r", ""))):
            column = 0
            for letter in cell[1]:
                column = column * 26 + ord(letter) - 64
            self._columns, self._rows = max(self._columns, column), max(self._rows, int(cell[2]))
        elif name == "table-row":
            self._row_times, self._in_row = _times(attributes, "table:number-rows-repeated"), 0
        elif name == "table-cell" and any(not key.endswith(("-repeated", "style-name")) for key in attributes):
            self._in_row += _times(attributes, "table:number-columns-repeated")

    def end(self, name: str) -> None:
        if name.endswith("table-row"):
            self._columns = max(self._columns, self._in_row)
            self._repeated += self._row_times * self._in_row


def _times(attributes: Mapping[str, str], name: str) -> int:
    text = attributes.get(name, "1")
    return int(text) if text.isdecimal() and len(text) < 10 else 1
