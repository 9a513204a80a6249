"""Writes records to standard output, and the list of unusable seeds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from crawler import (
    BadSeed,
    FolderError,
    Outcome,
    Position,
    ReaderGone,
    SeedError,
    SinkError,
    StorageFull,
    Wants,
    escape_text,
    record,
)
from crawler.runtime.files import is_full
from crawler.runtime.private_files import Unsafe, opener
from crawler.runtime.threads import run_in_thread


class StandardOutput:
    """A sink for pipes: writes the same lines as the crawl folder gets.

    It cannot be cut back, so a record may come twice; readers recognise it by its `url`.
    """

    name = "stdout"

    def __init__(self, wants: Wants) -> None:
        self._wants = wants

    async def rewind(self, position: Position | None) -> None:
        """Does nothing: a pipe cannot be cut back."""

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        await run_in_thread(self._write, outcomes)
        return {}

    def _write(self, outcomes: Sequence[Outcome]) -> None:
        _write(b"".join(record(outcome, self._wants) for outcome in outcomes))


class BadSeeds:
    """Lists unusable seeds in the crawl folder. With `strict` the first one raises SeedError."""

    def __init__(self, path: Path, *, strict: bool) -> None:
        self.count = 0
        self._path = path
        self._strict = strict

    def __call__(self, bad: BadSeed) -> None:
        if self._strict:
            raise SeedError(str(bad))
        try:
            with open(self._path, "a" if self.count else "w", encoding="utf-8", opener=opener) as file:
                file.write(f"{escape_text(str(bad))}\n")
        except Unsafe as error:
            raise FolderError(str(error)) from error
        except OSError as error:
            raise StorageFull(f"{self._path}: {error.strerror}") from error
        self.count += 1


def _write(data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(1, view) :]
    except BrokenPipeError as error:
        raise ReaderGone("nobody reads standard output any more") from error
    except OSError as error:
        kind = StorageFull if is_full(error) else SinkError
        raise kind(f"standard output cannot be written: {error.strerror}") from error
