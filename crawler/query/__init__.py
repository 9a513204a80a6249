"""Answers questions in SQL about what a crawl folder holds."""

from __future__ import annotations

from .asking import export_query, query_folder
from .writing import FORMATS, Answer

__all__ = ["FORMATS", "Answer", "export_query", "query_folder"]
