"""Lists the formats of exports. A new one is a function in a file of its own, and a row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, NamedTuple

from ..errors import ConfigError
from ..runtime.nearest import did_you_mean
from .cdxj import write_cdxj
from .csv import write_csv, write_tsv
from .jsonl import write_jsonl
from .mirror import write_mirror
from .parquet import write_parquet
from .source import Source
from .wacz import write_wacz
from .wanted import Wanted

Write = Callable[[Source, Wanted, IO[bytes]], None]
"""Writes an export from beginning to end, in memory that does not grow with the crawl.

The file may be a pipe. Raises FolderError where the folder lacks what the format is made of, ArchiveError, OSError.
"""

Fill = Callable[[Source, Path], None]
"""Fills an empty folder, in memory that does not grow with the crawl. Raises as Write does."""


class Format(NamedTuple):
    """One format of `crawl export`."""

    write: Write
    about: str
    """A few words for its line in the help."""
    has_fields: bool = False
    """Whether `--fields` chooses its columns."""


FORMATS: Mapping[str, Format] = {
    "cdxj": Format(write_cdxj, "a sorted index of the WARC files, for pywb"),
    "csv": Format(write_csv, "a table that spreadsheets open", has_fields=True),
    "jsonl": Format(write_jsonl, "the records, one line of JSON each", has_fields=True),
    "parquet": Format(write_parquet, "a table with types, for DuckDB, pandas and Spark", has_fields=True),
    "tsv": Format(write_tsv, "a table with tabs between the cells", has_fields=True),
    "wacz": Format(write_wacz, "WARC files, index and pages in one file, for ReplayWeb.page"),
}
"""The formats by their names, which are the endings of their files, too."""

FOLDERS: Mapping[str, Fill] = {"mirror": write_mirror}
"""The formats that are a folder of files: a copy that a browser shows without the network."""


def find_format(name: str) -> Format | Fill:
    """Returns the format of that name. Raises ConfigError with the nearest one."""
    known = (*FORMATS, *FOLDERS)
    if name not in known:
        near = did_you_mean(name, known, f"; there are {', '.join(known)}")
        raise ConfigError(f"--format: {name!r} is no format{near}")
    return FORMATS.get(name) or FOLDERS[name]
