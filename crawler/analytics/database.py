"""Opens a DuckDB in memory, within bounds of memory and files, with its errors in our words."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from ..errors import ConfigError, CrawlError, StorageFull
from .schema import literal

if TYPE_CHECKING:
    import numpy as np
    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

MEMORY_BYTES = 256 << 20
POLL_S = 0.1
_CODES = (errno.ENOSPC, errno.EDQUOT, errno.EPIPE, errno.EFBIG, errno.EIO, errno.EROFS)
"""Errors of the system that DuckDB tells in words alone."""


class TooLargeRecord(CrawlError):
    """A record has more bytes than were expected."""


class SqlError(ConfigError):
    """A statement that DuckDB refuses. The message is DuckDB's, with the place in the statement."""


class Database:
    """An open DuckDB. `open_database` makes it. Its methods raise OSError, StorageFull, TooLargeRecord and SqlError."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection

    def run(self, statement: str, tell: Callable[[float], None] | None = None) -> None:
        """Runs a statement to its end. `tell` hears now and then which share of it is done, from a thread."""
        with self._translate_errors(), _telling(self._connection, tell):
            self._connection.execute(statement).fetchall()

    def parse(self, text: str) -> list[tuple[str, str]]:
        """Returns the kind (`SELECT`, `COPY`) and the words of each statement."""
        with self._translate_errors():
            found = self._connection.extract_statements(text)
        return [(one.type.name, one.query.strip().rstrip(";")) for one in found]

    def ask(self, statement: str) -> list[tuple[str, str]]:
        """Starts a statement whose rows `take_rows` returns; returns the name and the type of each column."""
        with self._translate_errors():
            found = self._connection.execute(statement)
            return [(str(column[0]), str(column[1])) for column in found.description or ()]

    def take_rows(self, most: int) -> list[tuple[object, ...]]:
        """Returns the next rows of the statement that was asked; none at its end."""
        with self._translate_errors():
            return self._connection.fetchmany(most)

    def copy_columns(self, columns: Mapping[str, NDArray[np.int32]], path: Path) -> None:
        """Writes arrays of one length as the columns of a Parquet file."""
        with self._translate_errors():
            self._connection.register("columns", dict(columns))
            self._connection.execute(f"copy columns to {literal(str(path))} (format parquet, compression zstd)")

    def close_files(self, paths: Sequence[str]) -> None:
        """Lets later statements open these files alone, and change no setting."""
        with self._translate_errors():
            self._connection.execute(f"set allowed_paths = [{', '.join(map(literal, paths))}]")
            self._connection.execute("set enable_external_access = false")
            self._connection.execute("set lock_configuration = true")

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Translates errors of DuckDB that a block raises."""
        duckdb = import_module("duckdb")
        try:
            yield
        except RuntimeError as error:
            if "interrupted" in str(error).lower():
                raise KeyboardInterrupt from error
            raise
        except duckdb.Error as error:
            raise _translate(str(error)) from error


@contextmanager
def open_database(
    scratch: Path, use: str, *, memory_bytes: int = MEMORY_BYTES, threads: int = 1, keeps_order: bool = False
) -> Iterator[Database]:
    """Opens a database that keeps its temporary files in a folder of its own in `scratch`.

    That folder is made once memory is short, and removed at the end. With one thread or `keeps_order` rows come in the
    order of their file. Raises ConfigError where DuckDB is not installed; `use` names what needs it.
    """
    try:
        duckdb = import_module("duckdb")
    except ImportError as error:
        raise ConfigError(f"{use} needs DuckDB: pip install 'crawld[analytics]'") from error
    folder = scratch / f".duckdb-{uuid4().hex[:12]}"
    fixed = {
        "memory_limit": f"{memory_bytes}B",
        "threads": threads,
        "temp_directory": str(folder),
        "preserve_insertion_order": keeps_order,
        "python_enable_replacements": False,  # a table is never a variable of the program
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = duckdb.connect(":memory:", config=fixed)
    try:
        connection.execute("set TimeZone = 'UTC'")
        yield Database(connection)
    finally:
        connection.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _telling(connection: DuckDBPyConnection, tell: Callable[[float], None] | None) -> Iterator[None]:
    """Polls how far the statement of the block is."""
    if tell is None:
        yield
        return
    connection.execute("set enable_progress_bar = true")
    connection.execute("set enable_progress_bar_print = false")
    over = threading.Event()

    def poll() -> None:
        while not over.wait(POLL_S):
            with suppress(Exception):  # it only shows something
                tell(max(0.0, connection.query_progress()) / 100)

    thread = threading.Thread(target=poll, name="duckdb-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _translate(text: str) -> Exception:
    for code in _CODES:
        if os.strerror(code) in text:
            return OSError(code, os.strerror(code))
    if "maximum_object_size" in text:
        return TooLargeRecord(text.partition("\n")[0])
    if text.startswith("Out of Memory"):
        return StorageFull("DuckDB found neither memory nor space for temporary files, and nothing was kept")
    return SqlError(text)
