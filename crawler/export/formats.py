"""Lists the formats of exports. A new one is a function in a file of its own, and a row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, NamedTuple

from ..errors import ConfigError
from ..runtime.nearest import did_you_mean
from .cdxj import write_cdxj
from .chunks import write_chunks
from .csv import write_csv, write_tsv
from .graph import write_graph, write_graphml, write_webgraph
from .jsonl import write_jsonl
from .links import write_links
from .llms import write_llms
from .mirror import write_mirror
from .parquet import write_parquet
from .sitemap import write_sitemap
from .source import Source
from .sqlite import write_sqlite
from .wacz import write_wacz
from .wanted import Wanted
from .xlsx import write_xlsx

Write = Callable[[Source, Wanted, IO[bytes]], None]
"""Writes an export from beginning to end, in memory that does not grow with the crawl.

The file may be a pipe. Raises FolderError where the folder lacks what the format is made of, ArchiveError, OSError.
"""

Fill = Callable[[Source, Path], None]
"""Fills an empty folder, in memory that does not grow with the crawl. Raises as Write does."""


class FolderFormat(NamedTuple):
    """One format of `crawl export` that is a folder of files."""

    fill: Fill
    about: str
    has_records: bool = False
    """Whether it is made of records alone, so that `--where` chooses some."""
    has_fields: bool = False
    has_schema: bool = False


class Format(NamedTuple):
    """One format of `crawl export`."""

    write: Write
    about: str
    """A few words for its line in the help."""
    has_fields: bool = False
    """Whether `--fields` and `--schema` choose its columns."""
    has_records: bool = False
    """Whether it is made of records alone, so that `--where` chooses some."""
    has_schema: bool = True
    """Whether `--schema` names its columns, if it has any."""
    has_changes: bool = False
    """Whether a second file tells what changed since the export before."""


FORMATS: Mapping[str, Format] = {
    "cdxj": Format(write_cdxj, "a sorted index of the WARC files, for pywb"),
    "chunks": Format(write_chunks, "passages of pages, for retrieval", has_records=True, has_changes=True),
    "csv": Format(write_csv, "a table that spreadsheets open", has_fields=True, has_records=True),
    "graphml": Format(write_graphml, "pages and links, for Gephi and networkx"),
    "jsonl": Format(write_jsonl, "the records, one line of JSON each", has_fields=True, has_records=True),
    "links": Format(write_links, "all links from page to page, as a table", has_records=True),
    "parquet": Format(
        write_parquet,
        "a table with types, for DuckDB, pandas and Spark",
        has_fields=True,
        has_records=True,
        has_schema=False,
    ),
    "sqlite": Format(write_sqlite, "a database with pages and links", has_fields=True, has_records=True),
    "tsv": Format(write_tsv, "a table with tabs between the cells", has_fields=True, has_records=True),
    "wacz": Format(write_wacz, "WARC files, index and pages in one file, for ReplayWeb.page"),
    "xlsx": Format(write_xlsx, "a workbook for Excel and LibreOffice", has_fields=True, has_records=True),
}
"""The formats by their names, which are the endings of their files, too."""

FOLDERS: Mapping[str, FolderFormat] = {
    "graph": FolderFormat(write_graph, "pages and links with PageRank, as two Parquet files"),
    "llms": FolderFormat(write_llms, "llms.txt and llms-full.txt of each site", has_records=True),
    "mirror": FolderFormat(write_mirror, "a copy that a browser shows without the network"),
    "sitemap": FolderFormat(write_sitemap, "sitemap.xml of each site, for search engines", has_records=True),
    "webgraph": FolderFormat(write_webgraph, "pages and links as lists of numbers"),
}
"""The formats that are a folder of files."""


def find_format(name: str) -> Format | FolderFormat:
    """Returns the format of that name. Raises ConfigError with the nearest one."""
    known = (*FORMATS, *FOLDERS)
    if name not in known:
        near = did_you_mean(name, known, f"; there are {', '.join(sorted(known))}")
        raise ConfigError(f"--format: {name!r} is no format{near}")
    return FORMATS.get(name) or FOLDERS[name]
