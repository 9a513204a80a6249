"""Keeps what to visit next, and what is already known."""

from .memory import MemoryFrontier, open_memory
from .sqlite import (
    Known,
    Look,
    Missing,
    Recorded,
    Repaired,
    SiteTurn,
    SqliteFrontier,
    is_whole,
    look,
    open_sqlite,
    open_unrecorded,
    repair,
)
from .store import Ended, Left, Linking, Root, Rows, Waiting
from .terms import Clock, Terms

__all__ = [
    "Clock",
    "Ended",
    "Known",
    "Left",
    "Linking",
    "Look",
    "MemoryFrontier",
    "Missing",
    "Recorded",
    "Repaired",
    "Root",
    "Rows",
    "SiteTurn",
    "SqliteFrontier",
    "Terms",
    "Waiting",
    "is_whole",
    "look",
    "open_memory",
    "open_sqlite",
    "open_unrecorded",
    "repair",
]
