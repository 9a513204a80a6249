"""Sorts lines that do not fit in memory: runs are sorted in memory, written to a temporary folder and merged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from heapq import merge
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from ..runtime.private_files import opener

RUN_BYTES = 8 << 20
"""Bytes of lines that are sorted at once; as Python objects they take about twice that."""
MOST_RUNS = 64
"""Runs that are merged at once: each takes an open file and a buffer."""
BUFFER = 1 << 16
_OBJECT = 33
"""Bytes that Python adds to each line."""


@contextmanager
def sort_lines(
    lines: Iterable[bytes], folder: Path, *, run_bytes: int = RUN_BYTES, most_runs: int = MOST_RUNS
) -> Iterator[Iterator[bytes]]:
    """Yields the lines in the order of their bytes, each once. All lines end with a line end.

    Memory stays the same however many there are. Temporary files stand in a folder of their own inside `folder`, as
    large as the lines, and are gone when the block ends. Equal lines become one. Raises OSError.
    """
    runs = _runs(lines, run_bytes)
    first = next(runs, [])
    second = next(runs, None)
    if second is None:
        yield _once(first)
        return
    with TemporaryDirectory(prefix=".sort-", dir=folder) as name:
        files = _Files(Path(name))
        paths = [files.write(run) for run in chain((first, second), runs)]
        first = second = []  # they are on the disk now
        while len(paths) > most_runs:
            paths = [files.merge(paths[at : at + most_runs]) for at in range(0, len(paths), most_runs)]
        with _merging(paths) as merged:
            yield _once(merged)


class _Files:
    """The sorted runs in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def write(self, lines: Iterable[bytes]) -> Path:
        self._count += 1
        path = self._folder / str(self._count)
        with open(path, "xb", buffering=BUFFER, opener=opener) as file:
            file.writelines(lines)
        return path

    def merge(self, paths: list[Path]) -> Path:
        with _merging(paths) as merged:
            path = self.write(merged)
        for one in paths:
            one.unlink()
        return path


def _runs(lines: Iterable[bytes], run_bytes: int) -> Iterator[list[bytes]]:
    """Yields sorted lists of lines, each of about so many bytes."""
    run: list[bytes] = []
    size = 0
    for line in lines:
        run.append(line)
        size += len(line) + _OBJECT
        if size >= run_bytes:
            run.sort()
            yield run
            run, size = [], 0
    if run:
        run.sort()
        yield run


@contextmanager
def _merging(paths: list[Path]) -> Iterator[Iterator[bytes]]:
    with ExitStack() as stack:
        files: list[IO[bytes]] = [
            stack.enter_context(open(path, "rb", buffering=BUFFER, opener=opener)) for path in paths
        ]
        yield merge(*files)


def _once(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yields each of some sorted lines once."""
    last = b""
    for line in lines:
        if line != last:
            yield line
        last = line
