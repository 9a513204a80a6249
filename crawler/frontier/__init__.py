"""What to visit next, and what is already known."""

from .known import Known
from .looking import Look, SiteTurn, look
from .memory import MemoryFrontier, open_memory
from .sqlite import SqliteFrontier, open_sqlite
from .terms import Clock, Terms

__all__ = [
    "Clock",
    "Known",
    "Look",
    "MemoryFrontier",
    "SiteTurn",
    "SqliteFrontier",
    "Terms",
    "look",
    "open_memory",
    "open_sqlite",
]
