"""Compares two crawls, page by page: crawl folders, web archives or exports, in any pairing."""

from __future__ import annotations

from .comparing import Comparison, open_comparison
from .difference import KINDS, Difference, LineChanges, State
from .page import write_page

__all__ = ["KINDS", "Comparison", "Difference", "LineChanges", "State", "open_comparison", "write_page"]
