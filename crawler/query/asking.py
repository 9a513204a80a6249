"""Asks a question of a crawl folder, which can read the folder's records and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import IO

from ..analytics import Database, open_database
from ..analytics.database import SqlError
from ..analytics.schema import OBJECT_BYTES
from ..errors import ConfigError
from ..export.lines_file import open_lines_file
from ..export.source import read_source
from ..export.target import open_target
from ..folder.folder import Folder
from ..offload import count_cores
from ..runtime.nearest import did_you_mean
from .explaining import explain_error
from .views import make_views
from .writing import FORMATS, Answer

_ROWS = 1000
MEMORY_BYTES = 1 << 30
MOST_THREADS = 4
_OBJECT_FACTOR = 4
_LARGEST_BYTES = OBJECT_BYTES * _OBJECT_FACTOR
"""The largest record that is read. Blocks are twice as large, one for each thread."""
_ASKING = ("SELECT", "EXPLAIN", "MULTI")
"""Statements that ask. MULTI is a `pivot`."""


@contextmanager
def query_folder(folder: Folder, sql: str) -> Iterator[Answer]:
    """Asks one question in SQL of what is settled in a folder, and yields the answer, whose rows come as they are read.

    It works while a crawl runs in the folder, locks nothing and changes nothing. The tables are those of docs/sql.md;
    the statement can read no other file, and reach no network. Blocks. Raises ConfigError for a statement that cannot
    be answered, and where DuckDB is not installed; FolderError, FrontierError, StorageFull, OSError.
    """
    with _open(folder, sql) as (database, words):
        with _explaining():
            columns = database.ask(words)
        names, kinds = zip(*columns, strict=True)
        yield Answer(names, kinds, _rows(database))


def export_query(folder: Folder, sql: str, name: str, path: Path | str | None) -> None:
    """Writes the answer to a question as csv, json, jsonl or parquet to a file, an object or (None) standard output.

    The file appears whole, or not at all. Blocks. Raises as `query_folder` does, and SinkError.
    """
    if name not in FORMATS and name != "parquet":
        known = (*FORMATS, "parquet")
        near = did_you_mean(name, known, f"; there are {', '.join(known)}")
        raise ConfigError(f"--format: {name!r} is no format of an answer{near}")
    with open_target(path) as file:
        if name == "parquet":
            _write_parquet(folder, sql, file)
            return
        with query_folder(folder, sql) as answer:
            FORMATS[name](answer, file)


def _write_parquet(folder: Folder, sql: str, file: IO[bytes]) -> None:
    target = f"/dev/fd/{file.fileno()}"
    with _open(folder, sql, target) as (database, words), _explaining():
        database.run(f"copy ({words}) to '{target}' (format parquet, compression zstd, use_tmp_file false)")


@contextmanager
def _open(folder: Folder, sql: str, *targets: str) -> Iterator[tuple[Database, str]]:
    """Yields a database with the views that can open no file but these, and the one statement that is asked."""
    source = read_source(folder)
    source.require_records()
    scratch = Path(gettempdir())
    with open_lines_file(source, scratch) as lines:
        threads = 1 if lines.records is not None else min(count_cores(), MOST_THREADS)
        # One thread takes the first lines in their order.
        with open_database(
            scratch, "crawl sql", memory_bytes=MEMORY_BYTES, threads=threads, keeps_order=True
        ) as database:
            make_views(database, lines.path, lines.records, _LARGEST_BYTES)
            database.close_files([lines.path, *targets])
            with _explaining():
                words = _check_statement(database, sql)
            yield database, words


def _check_statement(database: Database, sql: str) -> str:
    """Returns the one statement, which only asks. Raises ConfigError."""
    found = database.parse(sql)
    if len(found) != 1:
        raise ConfigError("the query is empty: `select ...`" if not found else "one query at a time, please")
    kind, words = found[0]
    if kind not in _ASKING:
        raise ConfigError(f"this is {kind.replace('_', ' ')}, and a crawl can only be asked: `select ...`")
    return words


def _rows(database: Database) -> Iterator[Sequence[object]]:
    while True:
        with _explaining():
            rows = database.take_rows(_ROWS)
        if not rows:
            return
        yield from rows


@contextmanager
def _explaining() -> Iterator[None]:
    try:
        yield
    except SqlError as error:
        raise ConfigError(explain_error(str(error))) from error
