"""Writes outcomes to outputs that can be cut back to the last settled position, and reads their records back."""

from __future__ import annotations

from .formats import SINKS, find_lines, find_readable, make_outputs
from .jsonl import JsonLines
from .observers import find_observers
from .record import Wants
from .skip_stored import SkipStored
from .stream import ReaderGone, Stream

__all__ = [
    "SINKS",
    "JsonLines",
    "ReaderGone",
    "SkipStored",
    "Stream",
    "Wants",
    "find_lines",
    "find_observers",
    "find_readable",
    "make_outputs",
]
