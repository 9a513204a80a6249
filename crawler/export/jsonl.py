"""The format `jsonl`: the records as they are, or some of their fields, one line of JSON each."""

from __future__ import annotations

from typing import IO

import orjson

from ..runtime.escaping import json_line
from ..sinks.columns import make_picker
from .source import Source
from .wanted import Wanted


def write_jsonl(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes the settled records; with `wanted.fields`, these fields alone, under their names. Raises FolderError."""
    if not wanted.fields:
        file.writelines(source.lines())
        return
    pick = make_picker(wanted.fields)
    for line in source.lines():
        file.write(json_line(dict(zip(wanted.fields, pick(orjson.loads(line)), strict=True))))
