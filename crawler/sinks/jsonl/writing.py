"""Appends lines of JSON to a file that can be cut back to the settled length."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from ...errors import SinkError, StorageFull
from ...model import Outcome, Position
from ...runtime.files import is_full, sync_file, sync_folder
from ...runtime.private_files import check_place, opener
from ...runtime.threads import run_in_thread
from ..record import Wants, estimate_heavy_bytes, record

T = TypeVar("T")

INLINE_BYTES = 1 << 14
"""Records are made on the event loop if their texts from websites are at most this long together, else in a thread."""
ORDINARY_BYTES = 1 << 12
"""Further bytes allowed for each record. Most need less, heavy fields included."""


class JsonLines:
    """Appends records to the file `path`. A new file can be read by its owner only.

    When `write` has returned, the records survive the process; with `sync` they survive a power cut.
    """

    def __init__(self, path: Path, wants: Wants = Wants(), *, sync: bool = False) -> None:  # noqa: B008  it is frozen
        self.name: str = f"jsonl:{path.name}"
        self.path = path
        self._wants = wants
        self._sync = sync
        self._length = 0

    async def rewind(self, position: Position | None) -> None:
        length = position[self.path.name] if position else 0
        self._length = await off_loop(self._cut, length)

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        if sum(map(estimate_heavy_bytes, outcomes)) > INLINE_BYTES + ORDINARY_BYTES * len(outcomes):
            lines = await off_loop(self._lines, outcomes)
        else:
            lines = self._lines(outcomes)
        return await self.append(lines)

    async def append(self, lines: bytes) -> Position:
        """Appends records that are lines already."""
        await off_loop(self._append, lines)
        self._length += len(lines)
        return {self.path.name: self._length}

    def _lines(self, outcomes: Sequence[Outcome]) -> bytes:
        return b"".join(record(outcome, self._wants) for outcome in outcomes)

    def _cut(self, length: int) -> int:
        status = check_place(self.path)
        size = status.st_size if status else 0
        if size < length:
            raise SinkError(
                f"{self.path} is {size} bytes long, but {length} were settled: it was cut or replaced from "
                f"outside. Put it back, or start over with --fresh"
            )
        with open(self.path, "ab", opener=opener) as file:
            file.truncate(length)
        if self._sync:
            sync_folder(self.path.parent)
        return length

    def _append(self, lines: bytes) -> None:
        with open(self.path, "ab", buffering=0, opener=opener) as file:
            if file.tell() != self._length:
                raise SinkError(f"{self.path} was changed by another program while the crawl wrote to it")
            _write_all(file.fileno(), lines)
            if self._sync:
                sync_file(file.fileno())


async def off_loop(work: Callable[..., T], *args: object) -> T:
    """Runs disk work in a thread. Raises StorageFull for a full disk, SinkError for other failures."""
    try:
        return await run_in_thread(work, *args)
    except OSError as error:
        if is_full(error):
            raise StorageFull(f"no space left where the crawl writes its pages ({error.filename or 'disk'})") from error
        raise SinkError(f"pages cannot be written: {error}") from error


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
