"""Declares the settings of what is taken out of pages."""

from __future__ import annotations

from typing import Literal

from .table import ForJobs, Table


class ExtractConfig(Table):
    """Texts of pages, where an output asks for them (`--text`, `--markdown`), and values that your function finds."""

    part: ForJobs[Literal["main", "page"]] = "main"
    """The part of a page that text and markdown are made of: `main`, without menus, footers and asides, or `page`, all
    that a reader sees (docs/extraction.md)."""
    function: str = ""
    """A parse function of yours, as `module:function`, which the workers import; its result is the field `data` of
    records (docs/parsing.md). The module may stand in the folder where the command is called. Empty: none."""
