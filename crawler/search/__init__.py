"""Finds pages of a crawl by words: an index of its records beside them, that follows what is settled."""

from __future__ import annotations

from .indexing import NAME, Index, index_folder, open_index
from .keeping import keep_index
from .searching import Choice, SearchAnswer, SearchHit, check, search, search_folder

__all__ = [
    "NAME",
    "Choice",
    "Index",
    "SearchAnswer",
    "SearchHit",
    "check",
    "index_folder",
    "keep_index",
    "open_index",
    "search",
    "search_folder",
]
