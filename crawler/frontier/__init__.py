"""Keeps what to visit next, and what is already known."""

from .known import Known
from .looking import Look, SiteTurn, look
from .memory import MemoryFrontier, open_memory
from .repair import Recorded, Repaired, is_whole, repair
from .sqlite import SqliteFrontier, open_sqlite
from .store import Ended, Left, Linking, Root, Rows, Waiting
from .terms import Clock, Terms
from .unrecorded import Missing, open_unrecorded

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
