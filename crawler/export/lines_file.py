"""Finds a file that has the settled records as lines of JSON, for tools that read files themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from ..runtime.private_files import opener
from .source import Source

_BLOCK = 1 << 20


class LinesFile(NamedTuple):
    """An open file of records."""

    path: str
    """Names it for as long as it is open, whatever is done to its folder."""
    records: int | None
    """How many of its first lines are settled. None: all, and nothing stands behind them."""


@contextmanager
def open_lines_file(source: Source, scratch: Path) -> Iterator[LinesFile]:
    """Yields the file of the crawl itself, or a temporary one.

    That one is made where only some records are wanted, and where they do not stand in lines of JSON. Raises
    FolderError, OSError.
    """
    if source.file is None or source.where is not None:
        with TemporaryFile(dir=scratch, buffering=_BLOCK) as copy:
            copy.writelines(source.lines())
            copy.flush()
            yield LinesFile(_name(copy), None)
        return
    with open(source.file, "rb", buffering=0, opener=opener) as file:
        is_whole = os.fstat(file.fileno()).st_size == source.end
        yield LinesFile(_name(file), None if is_whole else _count_lines(file, source.end))


def _name(file: IO[bytes]) -> str:
    return f"/dev/fd/{file.fileno()}"


def _count_lines(file: IO[bytes], end: int) -> int:
    count = 0
    while end > 0 and (block := file.read(min(_BLOCK, end))):
        count += block.count(b"\n")
        end -= len(block)
    file.seek(0)
    return count
