"""Runs CPU work away from the event loop: in a pool of bounded worker processes that replaces dead ones."""

from .inside import give_memory_back
from .opening import cores, open_inline, open_offloader
from .pool import Inline, Lane, Pool, Workers
from .process import start_fork_server

__all__ = [
    "Inline",
    "Lane",
    "Pool",
    "Workers",
    "cores",
    "give_memory_back",
    "open_inline",
    "open_offloader",
    "start_fork_server",
]
