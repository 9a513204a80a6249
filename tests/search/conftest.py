"""Crawl folders whose records are written by hand."""

from tests.export.conftest import make

__all__ = ["make"]
