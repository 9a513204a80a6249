"""Whatever strangers write is read in linear time: CPU time against size, for every reader and many shapes of input."""

from __future__ import annotations

import pytest

from tests.linear.measure import Row, glance
from tests.linear.table import NEED_NONE, ROWS, readers


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_reading_takes_linear_time(row: Row) -> None:
    assert [*map(str, glance(row))] == []


def test_every_function_that_reads_what_strangers_write_has_a_row() -> None:
    known = {row.reader for row in ROWS}
    missing = [name for name in readers() if name not in known and not name.startswith(tuple(NEED_NONE))]
    assert missing == [], "give each a row in tests/linear, or say in tests/linear/table.py why it needs none"


def test_the_table_is_long_and_no_name_stands_there_twice() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    assert len({row.reader for row in ROWS}) >= 90
    assert all(len(row.shapes) > 0 for row in ROWS)
