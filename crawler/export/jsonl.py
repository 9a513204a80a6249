"""The format `jsonl`: the records as they are, or some of their fields, one line of JSON each."""

from __future__ import annotations

from typing import IO

import orjson

from ..runtime.escaping import json_line
from ..sinks.bulk import load_records
from .source import Source
from .wanted import Wanted


def write_jsonl(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes the wanted records; of fields that are chosen, these alone, under their names. Raises FolderError."""
    if not wanted.is_choice:
        for lines in source.batches():
            file.writelines(lines)
        return
    columns = wanted.columns()
    names, pick = columns.names, columns.pick
    for lines in source.batches():
        records = zip(lines, load_records(lines), strict=True)
        file.writelines([_dump(line, dict(zip(names, pick(record), strict=True))) for line, record in records])


def _dump(line: bytes, values: dict[str, object]) -> bytes:
    """Returns some values of a record as a line. Where that has no escapes, nothing in it has to be escaped."""
    return json_line(values) if b"\\" in line else orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE)
