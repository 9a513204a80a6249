"""`crawl sql FOLDER "select ..."`: asks a crawl in SQL."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import show, sources, values
from .export import as_target

if TYPE_CHECKING:
    from crawler import Folder


def sql(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The crawl folder; a crawl may run in it.")],
    query: Annotated[str, typer.Argument(metavar="QUERY", help='"select ..."; -: from standard input.')],
    format: Annotated[
        str,
        typer.Option("-f", "--format", help="table, csv, json, jsonl or parquet. Default: as -o ends, else table."),
    ] = "",
    out: Annotated[str, typer.Option("-o", "--out", metavar="FILE", help="Write the answer to a file.")] = "",
    engine: Annotated[str, typer.Option(metavar="URL", help=sources.ENGINE)] = "",
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Ask what a crawl found, in the SQL of DuckDB. Nothing of the folder changes.

    Tables: pages (each URL as it stands), records (every visit), links, errors and sites. `describe pages` lists
    the columns, and docs/sql.md explains them.
    """
    from crawler import export_query

    from .interrupts import raising_interrupts
    from .stderr import tell_line

    words = sys.stdin.read() if query == "-" else query
    name = format or Path(out).suffix.lower().removeprefix(".") or "table"
    with raising_interrupts(), sources.open_source(folder, engine, trust_folder=trust_folder) as found:
        _mention_missing_links(found, words)
        if name != "table":
            path = as_target(out) if out and out != "-" else None
            export_query(found, words, name, path)
            if path is not None:
                tell_line(f"{path}: {show.size(path.stat().st_size) if isinstance(path, Path) else 'written'}")
        else:
            _print_table(found, words, out)


def _print_table(folder: Folder, words: str, out: str) -> None:
    from crawler import ConfigError, query_folder

    from .table import table_lines

    if out and out != "-":
        raise ConfigError("-o: a table is for people to read; name a format, such as -f csv")
    with query_folder(folder, words) as answer:
        for line in table_lines(answer, _width()):
            print(line)
        sys.stdout.flush()


def _width() -> int:
    """Returns the columns of the terminal; 0 where there is none, and nothing is cut."""
    if not sys.stdout.isatty():
        return 0
    try:
        return os.get_terminal_size(1).columns or show.WIDTH
    except OSError:
        return show.WIDTH


def _mention_missing_links(folder: Folder, words: str) -> None:
    from .stderr import tell_line

    if "links" in words.lower() and not any(sink.links for sink in folder.config.sinks):
        tell_line("this crawl kept no links, so `links` is empty: crawl with --links")
