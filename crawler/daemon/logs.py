"""The log of each job: what is said while it runs goes to crawl.log in its folder, beside the daemon's own log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..runtime.log_format import LogFile
from .run import under_way

NAME = "crawl.log"
MOST_BYTES = 4 << 20
"""Of one file; the one before stays beside it."""


class Logs(logging.Handler):
    """Hands each line to the job that it was said for. What the logger `crawler` lets through, by its level."""

    def __init__(self) -> None:
        super().__init__()
        self._files: dict[str, LogFile] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if file := self._files.get(under_way.get() or ""):
            file.handle(record)

    @contextmanager
    def kept(self, job: str, folder: Path) -> Iterator[None]:
        """While the block lasts, for all that runs in its context."""
        file = self._files[job] = LogFile(folder / NAME, MOST_BYTES, is_late=True)
        under_way.set(job)
        try:
            yield
        finally:
            del self._files[job]
            file.close()


@contextmanager
def logs_kept() -> Iterator[Logs]:
    """Of all jobs of a daemon."""
    logs, library = Logs(), logging.getLogger("crawler")
    library.addHandler(logs)
    try:
        yield logs
    finally:
        library.removeHandler(logs)
