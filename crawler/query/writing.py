"""Writes the answer to a question in the formats of other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import IO

import orjson

from ..sinks.columns import as_cell
from ..sinks.rows import make_safe

__all__ = ["FORMATS", "Answer", "as_cell", "as_plain"]

_ROWS = 500
_WIDE = ("HUGEINT", "UHUGEINT")
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


@dataclass(slots=True)
class Answer:
    """The answer to a question. It is read once."""

    columns: tuple[str, ...]
    """The names of its columns, as the question has them."""
    kinds: tuple[str, ...]
    """The type of each column, in DuckDB's words: `VARCHAR`, `INTEGER`, `TIMESTAMP WITH TIME ZONE`."""
    rows: Iterator[Sequence[object]]
    """Its rows: a value of Python for each column."""


def write_csv(answer: Answer, file: IO[bytes]) -> None:
    """Writes a row of names, then the rows, as `crawl export -f csv` does: no cell is a formula. Raises OSError."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([make_safe(name) for name in answer.columns])
    while True:
        writer.writerows([[make_safe(as_plain(value)) for value in row] for row in islice(answer.rows, _ROWS)])
        if not text.tell():
            return
        file.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()


def write_jsonl(answer: Answer, file: IO[bytes]) -> None:
    """Writes each row as an object on a line of its own. Raises OSError."""
    file.writelines(line + b"\n" for line in _objects(answer))


def write_json(answer: Answer, file: IO[bytes]) -> None:
    """Writes all rows as one array of objects. Raises OSError."""
    before = b"["
    for line in _objects(answer):
        file.write(before + line)
        before = b",\n"
    file.write(b"[]\n" if before == b"[" else b"]\n")


FORMATS: Mapping[str, Callable[[Answer, IO[bytes]], None]] = {
    "csv": write_csv,
    "json": write_json,
    "jsonl": write_jsonl,
}
"""The formats of an answer by their names. Parquet is written by DuckDB itself."""


def as_plain(value: object) -> object:
    """Returns a value of DuckDB as text, number, bool or None, or as a list or an object of these for JSON."""
    match value:
        case datetime():
            return _moment(value)
        case date() | time() | timedelta():
            return str(value)
        case Decimal():
            return float(value)
        case bytes():
            return value.hex()
        case list() | tuple():
            return [as_plain(one) for one in value]
        case dict():
            return {str(key): as_plain(one) for key, one in value.items()}
        case None | bool() | int() | float() | str():
            return value
    return str(value)


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    text = value.astimezone(UTC).isoformat(timespec="milliseconds" if value.microsecond % 1000 == 0 else "auto")
    return text.replace("+00:00", "Z")


def _objects(answer: Answer) -> Iterator[bytes]:
    names = name_once(answer.columns)
    for row in answer.rows:
        values = [_as_json(value, kind) for value, kind in zip(row, answer.kinds, strict=True)]
        yield orjson.dumps(dict(zip(names, values, strict=True)), option=_OPTIONS)


def _as_json(value: object, kind: str) -> object:
    if value is not None and kind == "JSON":
        return orjson.Fragment(str(value))
    if kind in _WIDE and isinstance(value, int):
        return orjson.Fragment(str(value))  # it may need more than 64 bits
    return as_plain(value)


def name_once(columns: Sequence[str]) -> list[str]:
    """Returns the names, with a number behind those that were there before."""
    names: list[str] = []
    for column in columns:
        name, number = column, 1
        while name in names:
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names
