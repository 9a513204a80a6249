"""The log of each job: lines of its run also go to crawl.log in its folder."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...runtime.log_format import LogFile
from .run import current_job

NAME = "crawl.log"
MOST_BYTES = 4 << 20
"""Largest size of one file; one older file is kept beside it."""


class Logs(logging.Handler):
    """Writes each line of the logger `crawler` to the file of the job that it belongs to."""

    def __init__(self) -> None:
        super().__init__()
        self._files: dict[str, LogFile] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if file := self._files.get(current_job.get() or ""):
            file.handle(record)

    @contextmanager
    def keep(self, job: str, folder: Path) -> Iterator[None]:
        """Keeps a job's log while the block lasts, for all code that runs in its context."""
        file = self._files[job] = LogFile(folder / NAME, MOST_BYTES, is_late=True)
        current_job.set(job)
        try:
            yield
        finally:
            del self._files[job]
            file.close()


@contextmanager
def keep_logs() -> Iterator[Logs]:
    """Keeps the logs of all jobs while the block lasts."""
    logs, library = Logs(), logging.getLogger("crawler")
    library.addHandler(logs)
    try:
        yield logs
    finally:
        library.removeHandler(logs)
