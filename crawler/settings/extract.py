"""Declares the settings of what is taken out of pages."""

from __future__ import annotations

from typing import Literal

from .table import ForJobs, Table


class ExtractConfig(Table):
    """Text and markdown of pages, where an output asks for them (`--text`, `--markdown`)."""

    part: ForJobs[Literal["main", "page"]] = "main"
    """The part of a page that text and markdown are made of: `main`, without menus, footers and asides, or `page`, all
    that a reader sees (docs/extraction.md)."""
