"""What to visit next, and what is already known."""

from .memory import MemoryFrontier, open_memory
from .terms import Clock, Terms

__all__ = ["Clock", "MemoryFrontier", "Terms", "open_memory"]
