"""`crawl export FOLDER`: writes what a crawl folder holds in the format of another tool."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from . import show, sources, values

FORMATS = (
    "csv, tsv, xlsx, jsonl, parquet, sqlite, links, chunks, llms, sitemap, graph, graphml, webgraph, cdxj, wacz "
    "or mirror"
)
ENDINGS = {"links": "links.csv", "chunks": "chunks.jsonl"}
"""Endings of the files of formats that are not called so themselves."""
EVERY_S = 0.2
"""Seconds between two lines of progress."""


def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The crawl folder; a crawl may run in it.")],
    format: Annotated[
        str,
        typer.Option("-f", "--format", help=f"{FORMATS}. Default: as -o ends."),
    ] = "",
    out: Annotated[
        str,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="The file, s3://BUCKET/FILE, or the new folder (llms, sitemap, graph, webgraph, mirror); -: to a pipe",
        ),
    ] = "",
    fields: Annotated[
        str, typer.Option("--fields", help="Columns of tables and of jsonl: url,status,timings.ttfb")
    ] = "",
    where: Annotated[
        str, typer.Option("--where", metavar="CONDITION", help="Which records: 'status >= 400 and depth < 3'")
    ] = "",
    schema: Annotated[
        str, typer.Option("--schema", metavar="NAME", help="Names of the columns: crawld, commoncrawl or scrapy.")
    ] = "crawld",
    tokens: Annotated[int, typer.Option(metavar="N", help="Longest passage of chunks, in tokens.")] = 400,
    since_export: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Tell what changed in chunks since this export. Default: the one at -o."),
    ] = None,
    engine: Annotated[str, typer.Option(metavar="URL", help=sources.ENGINE)] = "",
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Write the pages of a crawl as a table, or its WARC files as an index, a web archive or an offline copy.

    What is settled is written, and nothing of the folder changes. The file appears whole, or not at all.
    """
    from crawler import export_folder

    from .interrupts import raising_interrupts
    from .stderr import tell_line

    name = format or _format_of(out)
    path = None if out == "-" else as_target(out) if out else _default(folder, name)
    progress = Progress()
    with raising_interrupts(), sources.open_source(folder, engine, trust_folder=trust_folder) as found:
        try:
            export_folder(
                found, name, path, fields=fields.split(","), where=where, schema=schema, tokens=tokens,
                since=since_export, tell=progress,
            )  # fmt: skip
        finally:
            progress.clear()
    if path is not None:
        tell_line(f"{path}: {_describe(path) if isinstance(path, Path) else 'written'}")


def as_target(out: str) -> Path | str:
    """Returns the place that -o names: a path, or the URL of an object in a store."""
    return out if "://" in out else Path(out)


def _describe(path: Path) -> str:
    """Returns the size of a file, or how many files a folder has, and which to open."""
    if not path.is_dir():
        return show.size(path.stat().st_size)
    files = [one.stat().st_size for one in path.rglob("*") if one.is_file()]
    first = next((path / name for name in ("index.html", "sitemap.xml") if (path / name).exists()), None)
    opens = f"; open {first}" if first else ""
    return f"{len(files):,} {'files' if len(files) != 1 else 'file'}, {show.size(sum(files))}{opens}"


def _format_of(out: str) -> str:
    """Returns the format that the ending of a file names. Raises ConfigError."""
    from crawler import ConfigError

    ending = Path(out).suffix.lower().removeprefix(".") if out != "-" else ""
    if not ending:
        raise ConfigError(f"--format: which one? {FORMATS}; `crawl export --help` tells more")
    return ending


def _default(folder: Path, name: str) -> Path:
    """Returns a file in the current folder that is called like the crawl and is not there yet. Raises ConfigError."""
    from crawler import ConfigError

    path = Path(f"{folder.resolve().name.removesuffix('.crawl')}.{ENDINGS.get(name, name)}")
    if path.is_dir():
        raise ConfigError(f"{path} is there already: remove it, or -o OTHER")
    if path.exists():
        raise ConfigError(f"{path} is there already: -o {path} replaces it, -o OTHER leaves it")
    return path


class Progress:
    """Shows on a terminal how much is read."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._next = time.monotonic() + EVERY_S
        self._is_shown = False

    def __call__(self, done: int, total: int) -> None:
        if self._shows and total and time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_S
            self._is_shown = True
            self._write(f"\r{done / total:5.0%} of {show.size(total)} read\x1b[K")

    def clear(self) -> None:
        """Takes the line away."""
        if self._is_shown:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            self._shows = False  # the reader is gone; the work continues
