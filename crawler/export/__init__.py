"""Writes what a crawl folder holds in the formats of other tools: tables, indexes, web archives."""

from __future__ import annotations

from .exporting import export_folder
from .formats import FORMATS, Format

__all__ = ["FORMATS", "Format", "export_folder"]
