"""Keeps what to visit next, and what is already known."""

from ..frontier_protocols import Look
from ..standing import Ended, Known, Left, Linking, Root, Rows, SiteTurn, Waiting
from .memory import MemoryFrontier, open_memory
from .sqlite import (
    Missing,
    Recorded,
    Repaired,
    SqliteFrontier,
    foretell_upgrade,
    is_whole,
    look,
    open_sqlite,
    open_unrecorded,
    repair,
)
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
    "foretell_upgrade",
    "is_whole",
    "look",
    "open_memory",
    "open_sqlite",
    "open_unrecorded",
    "repair",
]
