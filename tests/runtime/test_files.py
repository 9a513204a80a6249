"""A full disk is known by its errors, whoever reports them: the system, a quota, SQLite."""

from __future__ import annotations

import errno
import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from crawler.runtime.files import is_full


@pytest.mark.parametrize("name", ["ENOSPC", "EDQUOT", "EFBIG"])
def test_a_full_disk_a_full_quota_and_a_full_file_are_full(name: str) -> None:
    assert is_full(OSError(getattr(errno, name), name))


@pytest.mark.parametrize("name", ["EIO", "EROFS", "EACCES", "EPIPE"])
def test_other_errors_of_a_disk_are_not(name: str) -> None:
    assert not is_full(OSError(getattr(errno, name), name))


def test_a_file_that_may_not_grow_is_full(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / "file"
    with path.open("wb", buffering=0) as file:
        file.write(bytes(1000))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        try:
            with pytest.raises(OSError, match="File too large") as caught:
                file.write(b"1")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert is_full(caught.value)


def test_a_full_database_is_full_and_a_wrong_statement_is_not() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA max_page_count = 3")
        connection.execute("CREATE TABLE t (x)")
        with pytest.raises(sqlite3.OperationalError) as full:
            connection.execute("INSERT INTO t VALUES (zeroblob(1000000))")
        with pytest.raises(sqlite3.OperationalError) as wrong:
            connection.execute("INSERT INTO nowhere VALUES (1)")
    assert is_full(full.value)
    assert not is_full(wrong.value)
    assert not is_full(sqlite3.ProgrammingError("closed"))
