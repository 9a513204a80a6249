"""Lines that do not fit in memory are sorted on the disk."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.warc.sorting import sort_lines


@pytest.mark.parametrize("n", [0, 1, 3, 500])
@pytest.mark.parametrize(("run_bytes", "most_runs"), [(1 << 20, 64), (300, 2), (1, 3)])
def test_lines_come_in_the_order_of_their_bytes_each_once(
    tmp_path: Path, n: int, run_bytes: int, most_runs: int
) -> None:
    chance = random.Random(n)
    given = [b"%d %d\n" % (chance.randrange(n), chance.randrange(3)) for _ in range(n)]
    with sort_lines(iter(given), tmp_path, run_bytes=run_bytes, most_runs=most_runs) as lines:
        assert list(lines) == sorted(set(given))
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_where_the_reader_or_the_lines_fail(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield from (b"%d\n" % n for n in range(100))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), sort_lines(broken(), tmp_path, run_bytes=200) as lines:
        next(lines)
    with (
        pytest.raises(KeyError),
        sort_lines((b"%d\n" % n for n in range(100)), tmp_path, run_bytes=200) as lines,
    ):
        raise KeyError(next(lines))
    assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_the_lines(tmp_path: Path) -> None:
    peaks = []
    for n in (10_000, 40_000):
        tracemalloc.start()
        with sort_lines(
            (b"%08d some words of a line\n" % (n - i) for i in range(n)), tmp_path, run_bytes=1 << 17
        ) as lines:
            assert sum(1 for _ in lines) == n
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 3 << 20
