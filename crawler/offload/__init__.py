"""Runs CPU work away from the event loop: in a pool of bounded worker processes that replaces dead ones."""

from .in_worker import give_memory_back
from .opening import count_cores, open_inline, open_offloader
from .pool import Inline, Lane, Pool, Workers
from .process import start_fork_server

__all__ = [
    "Inline",
    "Lane",
    "Pool",
    "Workers",
    "count_cores",
    "give_memory_back",
    "open_inline",
    "open_offloader",
    "start_fork_server",
]
