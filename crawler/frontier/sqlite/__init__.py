"""The store of a frontier in one SQLite file: it survives `kill -9`, can be looked at from outside, and be repaired."""

from .inspect import foretell_upgrade, look
from .repair import Recorded, Repaired, is_whole, repair
from .store import SqliteFrontier, open_sqlite
from .unrecorded import Missing, open_unrecorded

__all__ = [
    "Missing",
    "Recorded",
    "Repaired",
    "SqliteFrontier",
    "foretell_upgrade",
    "is_whole",
    "look",
    "open_sqlite",
    "open_unrecorded",
    "repair",
]
