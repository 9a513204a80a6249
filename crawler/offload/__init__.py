"""Runs CPU work away from the event loop: in a pool of bounded worker processes that replaces dead ones."""

from .auto import open_auto
from .in_worker import give_memory_back
from .opening import count_cores, open_inline, open_offloader
from .pool import Inline, Lane, Pool, Workers
from .process import start_fork_server
from .program import UNGUARDED, OfProgram, refuse_in_worker, stands_in_program, why_not_importable, why_not_loaded

__all__ = [
    "UNGUARDED",
    "Inline",
    "Lane",
    "OfProgram",
    "Pool",
    "Workers",
    "count_cores",
    "give_memory_back",
    "open_auto",
    "open_inline",
    "open_offloader",
    "refuse_in_worker",
    "stands_in_program",
    "start_fork_server",
    "why_not_importable",
    "why_not_loaded",
]
