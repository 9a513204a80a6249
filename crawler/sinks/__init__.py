"""Writes outcomes to outputs that can be cut back to the last settled position."""

from __future__ import annotations

from .jsonl import JsonLines, Wants
from .observers import find_observers
from .owing import Owing
from .stream import ReaderGone, Stream
from .survivors import Survivors, find_survivors, is_whole, is_whole_throughout, keep_lines, read_lines

__all__ = [
    "JsonLines",
    "Owing",
    "ReaderGone",
    "Stream",
    "Survivors",
    "Wants",
    "find_observers",
    "find_survivors",
    "is_whole",
    "is_whole_throughout",
    "keep_lines",
    "read_lines",
]
