"""Writes records as rows of a table that spreadsheets open, and that does nothing there.

Most records are plain: nothing in them is escaped but quotes. They become rows a batch at a time, by what holds of all
JSON: a text without a backslash has no quotes and no line ends, so it is the same as a cell of CSV.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Literal

import orjson

from ..runtime.escaping import escape_text
from .bulk import Pick, Row, load_records, make_row_picker
from .columns import NESTED, OPEN, as_cell

SIGNS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
"""A text that begins with one, also behind spaces, may be run by a spreadsheet (OWASP, CSV injection)."""
STARTS = (
    rb"(?:[=+\-@ \t\r\f\v]|\xef\xbc[\x8b\x8d\x9d\xa0]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]"
    rb"|\xe2\x81\x9f|\xe3\x80\x80)"
)
"""How a text in UTF-8 may begin that is a formula, perhaps behind spaces."""
_SUSPECT = {"csv": re.compile(b',"' + STARTS), "tsv": re.compile(b"\t" + STARTS)}
"""Finds such a text in rows that begin with a comma or a tab."""
_ODD = re.compile(rb'\\[^"]')
"""Finds an escape in JSON that is not that of a quote."""
_CHUNK = 50
"""Plain records that are written in one go. Where one of them has to be looked at, all are."""
STRUCTURES = frozenset((*OPEN, *NESTED, "links", "headers", "audit", "metadata", "structured", "requisite"))
"""Fields that may be lists, objects or truths. Rows with one are made cell by cell."""
_BARE = re.compile(r"[\w.]+")


class Rows:
    r"""Makes rows of records, as RFC 4180 has it or with tabs between cells, in UTF-8.

    A text that a spreadsheet might take for a formula gets a `'` before it. Characters that act on a terminal become
    escapes such as `\x1b`. In `csv` each text stands in quotes, and line ends inside it stay; in `tsv`, which has no
    quotes, tabs and line ends become `\t` and `\n`.
    """

    def __init__(
        self,
        names: Sequence[str],
        style: Literal["csv", "tsv"],
        *,
        shown: Sequence[str] = (),
        pick: Pick | None = None,
    ) -> None:
        """`names` are the fields, in the order of the columns, which have the names `shown` if these are other ones.

        `pick` takes the values out of a record, if they are not all fields of it.
        """
        self._is_csv = style == "csv"
        self._pick = pick or make_row_picker(names)
        self._may_be_plain = not any(map(is_structure, names))
        self._null = b'""' if self._is_csv and len(names) == 1 else b""
        self._template = "\t".join(["%s"] * len(names))
        self._has_suspect = _SUSPECT[style].search
        cells = [name if self._is_csv and _BARE.fullmatch(name) else self._cell(name) for name in shown or names]
        self.head: bytes = self._join(cells)
        """The row of names."""

    def make(self, lines: Iterable[bytes]) -> bytes:
        """Returns the rows of these records, given as lines of JSON. Raises ValueError for a line that is none."""
        return b"".join(self._make_runs(list(lines)))

    def write(self, rows: Sequence[Row]) -> bytes:
        """Returns rows whose values are given. All are looked at by themselves."""
        return b"".join(map(self._make_row, rows))

    def _make_runs(self, lines: Sequence[bytes]) -> Iterator[bytes]:
        """Yields the rows of plain records that follow one another, and each other row."""
        for is_plain, run in runs(lines, self._may_be_plain):
            rows = list(map(self._pick, load_records(run)))
            if is_plain:
                for at in range(0, len(rows), _CHUNK):
                    yield from self._make_chunk(rows[at : at + _CHUNK])
            else:
                yield from map(self._make_row, rows)

    def _make_chunk(self, rows: Sequence[Row]) -> Iterator[bytes]:
        made = self._make_plain(rows)
        if made is not None:
            yield made
        else:
            yield from [self._make_plain([row]) or self._make_row(row) for row in rows]

    def _make_plain(self, rows: Sequence[Row]) -> bytes | None:
        """Returns the rows, made as if all texts were harmless; None where a cell has to be looked at."""
        null, mark, end = self._null, *((b"null", b"\r\n,") if self._is_csv else (b"None", b"\n\t"))
        text = end.join([b"", *(self._dump_csv(rows) if self._is_csv else self._dump_tsv(rows))])
        if self._has_suspect(text):
            return None
        cut = text.replace(mark, null)
        if len(text) - len(cut) != sum([row.count(None) for row in rows]) * (len(mark) - len(null)):
            return None  # a text has this word
        if self._is_csv and b"\\" in cut:
            cut = cut.replace(b'\\"', b'""')
        return cut.replace(end, end[:-1])[len(end) - 1 :] + end[:-1]

    def _dump_csv(self, rows: Sequence[Row]) -> list[bytes]:
        return [orjson.dumps(row)[1:-1] for row in rows]

    def _dump_tsv(self, rows: Sequence[Row]) -> list[bytes]:
        return "\n".join([self._template % row for row in rows]).encode().split(b"\n")

    def _make_row(self, row: Row) -> bytes:
        return self._join([self._cell(value) for value in row])

    def _join(self, cells: Sequence[str]) -> bytes:
        return f"{','.join(cells)}\r\n".encode() if self._is_csv else ("\t".join(cells) + "\n").encode()

    def _cell(self, value: object) -> str:
        """Returns the text of one cell, quotes included."""
        if not self._is_csv:
            is_number = type(value) in (int, float)
            return (
                repr(value) if is_number else _disarm(escape_text(value if isinstance(value, str) else as_cell(value)))
            )
        if not isinstance(value, (str, dict, list)):
            return as_cell(value) or self._null.decode()
        text = value if isinstance(value, str) else as_cell(value)
        return '"{}"'.format(_disarm(escape_lines(text)).replace('"', '""'))


def is_structure(name: str) -> bool:
    """Returns whether the values of a field may be lists, objects or truths."""
    top, _, inner = name.partition(".")
    return top in STRUCTURES and not (inner and top in NESTED)


def runs(lines: Sequence[bytes], may_be_plain: bool = True) -> Iterator[tuple[bool, Sequence[bytes]]]:
    """Yields lines of JSON that follow one another and are alike: whether they are plain, with no escape but quotes."""
    if not may_be_plain or not lines:
        yield False, lines
    elif _ODD.search(b"".join(lines)) is None:
        yield True, lines
    else:
        for has_escapes, run in groupby(lines, key=is_odd):
            yield not has_escapes, list(run)


def is_odd(line: bytes) -> bool:
    """Returns whether JSON has an escape other than that of a quote."""
    return b"\\" in line and _ODD.search(line) is not None


def _disarm(text: str) -> str:
    """Returns a text that is no formula."""
    first = text[:1]
    if first.isalnum() or not first or (first not in SIGNS and text.lstrip()[:1] not in SIGNS):
        return text
    return f"'{text}"


def escape_lines(text: str) -> str:
    """Returns a text with escapes for characters that act on a terminal or cannot be seen; line ends stay."""
    return "\n".join(map(escape_text, text.splitlines())) if "\n" in text or "\r" in text else escape_text(text)


def make_safe(value: object) -> object:
    """Returns a value as a cell of csv: no formula, and nothing that acts on a terminal."""
    if value is None or type(value) in (int, float):
        return value
    return _disarm(escape_lines(value if isinstance(value, str) else as_cell(value)))
