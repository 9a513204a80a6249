"""Finds the unsorted index that a crawl keeps beside its WARC files."""

from __future__ import annotations

from pathlib import Path

from ..runtime.private_files import check_place

JOURNAL = "index.unsorted"
"""The name of the file, and what a sink's position calls its length."""


def find_journal(folder: Path, settled: int) -> Path | None:
    """Returns the journal of a folder if it has all that was settled. Raises OSError."""
    status = check_place(folder / JOURNAL)
    return folder / JOURNAL if status is not None and status.st_size >= settled else None
