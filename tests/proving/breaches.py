"""Proves crawls that others made, for the harnesses that torture them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from crawler import FolderError
from crawler.testing import assert_polite


def find_breaches(folder: Path) -> Iterator[str]:
    """Yield what `crawl prove` finds in a crawl folder: nothing, or its words."""
    try:
        assert_polite(folder)
    except (AssertionError, FolderError) as found:
        yield str(found)
