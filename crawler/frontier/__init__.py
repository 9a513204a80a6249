"""What to visit next, and what is already known."""

from .known import Known
from .memory import MemoryFrontier, open_memory
from .sqlite import SqliteFrontier, open_sqlite
from .terms import Clock, Terms

__all__ = ["Clock", "Known", "MemoryFrontier", "SqliteFrontier", "Terms", "open_memory", "open_sqlite"]
