"""The store of a frontier in one SQLite file: it survives `kill -9`, can be looked at from outside, and be repaired."""

from .inspect import Look, SiteTurn, look
from .known import Known
from .repair import Recorded, Repaired, is_whole, repair
from .store import SqliteFrontier, open_sqlite
from .unrecorded import Missing, open_unrecorded

__all__ = [
    "Known",
    "Look",
    "Missing",
    "Recorded",
    "Repaired",
    "SiteTurn",
    "SqliteFrontier",
    "is_whole",
    "look",
    "open_sqlite",
    "open_unrecorded",
    "repair",
]
