"""Lists the formats of exports. A new one is a function in a file of its own, and a row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO, NamedTuple

from ..errors import ConfigError
from ..runtime.nearest import did_you_mean
from .cdxj import write_cdxj
from .csv import write_csv, write_tsv
from .jsonl import write_jsonl
from .source import Source
from .wacz import write_wacz
from .wanted import Wanted

Write = Callable[[Source, Wanted, IO[bytes]], None]
"""Writes an export from beginning to end, in memory that does not grow with the crawl.

The file may be a pipe. Raises FolderError where the folder lacks what the format is made of, ArchiveError, OSError.
"""


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
    "tsv": Format(write_tsv, "a table with tabs between the cells", has_fields=True),
    "wacz": Format(write_wacz, "WARC files, index and pages in one file, for ReplayWeb.page"),
}
"""The formats by their names, which are the endings of their files, too."""


def find_format(name: str) -> Format:
    """Returns the format of that name. Raises ConfigError with the nearest one."""
    if name not in FORMATS:
        known = ", ".join(FORMATS)
        raise ConfigError(f"--format: {name!r} is no format{did_you_mean(name, FORMATS, f'; there are {known}')}")
    return FORMATS[name]
