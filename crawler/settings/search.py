"""Declares the settings of a search in a crawl."""

from __future__ import annotations

from .table import ForJobs, Table


class SearchConfig(Table):
    """Words by which pages of a crawl are found again (`crawl search`)."""

    index: ForJobs[bool] = False
    """Keep an index for `crawl search` up to date while the crawl runs. Without it, the first search makes one
    (docs/searching.md)."""
