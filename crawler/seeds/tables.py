"""Reads lists and tables in text, line by line: `urls.txt`, CSV, TSV, exports of spreadsheets."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from ..errors import UrlError
from .cells import SEVERAL, Look, is_address, is_one, is_plain, look, sole
from .columns import Shape, name_columns, shape_of
from .part import SAMPLE, Entry, Lines, Part

_MAY_BE = re.compile(r"://|[^\W_]\.[^\W_]")
"""Matches text in a line that may be a URL or a host name. One is enough to begin, if a pipe gives no more now."""
_SWALLOWED = re.compile(r"\n\s*\"?(?:https?://|www\.)", re.IGNORECASE)
_RULE = re.compile(r"\s*:?-+:?\s*")
"""Matches a cell of the rule below a table's header in Markdown."""


def read_text(part: Part, encoding: str) -> Iterator[Entry]:
    """Yields the seeds of a list or a table.

    Lines that are one URL and nothing else are yielded as they come. From the first other line on, the lines around
    it decide the shape of the list.
    """
    lines = Lines(part.stream, encoding)
    plain, odd = 0, list[Entry]()
    is_known = part.column is not None or part.is_one_of_many
    for number, line in () if is_known else lines:
        if is_plain(line):
            plain += 1
            yield number, line
        elif not _is_skipped(line):
            odd.append((number, line))
        if odd or plain == SAMPLE:
            break
    if odd or is_known:
        odd += lines.sample(lambda sample: any(_MAY_BE.search(line) for _, line in chain(odd, sample)))
    counted = [(number, line) for number, line in odd if not _is_skipped(line)]
    shape = shape_of(counted, plain, part.name, part.column) if counted else Shape()
    part.taken.what = str(shape)
    if part.is_one_of_many and not shape.delimiter and _is_prose(counted):
        part.taken.what = "no list of URLs, left out"
        return
    rest = chain(odd, lines)
    if shape.delimiter:
        yield from read_rows(part, shape, _rows(part, shape.delimiter, rest))
    else:
        yield from _from_list(part, shape, rest)


def _is_prose(lines: Sequence[Entry]) -> bool:
    """Whether most lines are no seeds, as in the descriptions that archives hold besides lists."""
    return sum(look(line) > Look.NOTHING for _, line in lines) * 2 < len(lines)


def _is_skipped(line: str) -> bool:
    """Whether a line is blank or a comment."""
    return not line or line.isspace() or line.lstrip().startswith("#")


def _from_list(part: Part, shape: Shape, lines: Iterable[Entry]) -> Iterator[Entry]:
    for number, line in lines:
        if is_plain(line) or is_one(line):
            yield number, line
        elif not _is_skipped(line) and number > shape.header and number != shape.begun:
            part.raw = number, line.strip()
            try:
                yield number, sole(_first(line))
            except UrlError as error:
                part.bad(number, "", str(error))


def _first(line: str) -> str:
    """Returns the quoted text at the beginning of a line, if no URL follows; else the whole line."""
    if not line.startswith('"'):
        return line
    cells = next(csv.reader([line]), [line])
    return cells[0] if not any(look(cell) > Look.NOTHING for cell in cells[1:]) else line


def read_rows(part: Part, shape: Shape, rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[Entry]:
    """Yields the seeds of a table. Each row comes with the number of its line."""
    column, rival, top = shape.column, shape.rival, max(shape.header, shape.begun)
    for number, cells in rows:
        cell = cells[column] if column < len(cells) else ""
        if number > top:
            if part.keeps_columns:
                part.columns = name_columns(shape, cells)
            if is_plain(cell) and not rival:
                yield number, cell
            elif not cell.strip():
                yield from _from_a_short_row(part, number, cells)
            elif rival and len(cells) > 1 and _has_rival(cells, shape):
                part.bad(number, shape.delimiter.join(cells), f"{SEVERAL}; choose one with --column")
            else:
                yield from _from_cell(part, number, cell)
        elif shape.begun < number < shape.header and any(map(str.strip, cells)):
            part.bad(number, shape.delimiter.join(cells), "above the header of the table")


def _from_cell(part: Part, number: int, cell: str) -> Iterator[Entry]:
    if is_plain(cell):
        yield number, cell
    elif not _RULE.fullmatch(cell) and not cell.startswith("#"):
        part.raw = number, cell.strip()
        try:
            yield number, sole(cell)
        except UrlError as error:
            part.bad(number, "", str(error))


def _from_a_short_row(part: Part, number: int, cells: Sequence[str]) -> Iterator[Entry]:
    """Yields the URL of a row that is one URL and nothing else; counts other rows as empty."""
    if len(cells) == 1 and is_plain(cells[0].strip()):
        yield number, cells[0].strip()
    elif any(map(str.strip, cells)):
        part.taken.empty += 1


def _has_rival(cells: Sequence[str], shape: Shape) -> bool:
    for index, cell in enumerate(cells):
        if index == shape.column or "." not in cell or is_address(cell):
            continue
        if look(cell) >= shape.rival:
            return True
    return False


def _rows(part: Part, delimiter: str, lines: Iterable[Entry]) -> Iterator[tuple[int, list[str]]]:
    """Yields rows with the number of their first line. Reports a quote that is never closed, as it swallows lines."""
    if delimiter == " ":
        yield from ((number, line.split()) for number, line in lines)
        return
    begun, last = 0, 0

    def texts() -> Iterator[str]:
        nonlocal begun, last
        for number, line in lines:
            begun, last = begun or number, number
            yield "" if line.startswith("#") else f"{line}\n"

    rows = csv.reader(texts(), delimiter=delimiter)
    while True:
        begun = 0
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            part.bad(begun, "", f"a quote that is not closed swallows lines, down to line {last} ({error})")
            continue
        if last > begun and any(_SWALLOWED.search(cell) for cell in cells):
            part.bad(begun, cells[0], f"a quote that is not closed swallows URLs, down to line {last}")
        yield begun, cells
