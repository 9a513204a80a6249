"""CPU work leaves the event loop here: a pool of worker processes that outlives its workers, in bounds."""

from .inside import give_memory_back
from .opening import cores, open_offloader
from .pool import Inline, Lane, Pool, Workers
from .process import start_fork_server

__all__ = ["Inline", "Lane", "Pool", "Workers", "cores", "give_memory_back", "open_offloader", "start_fork_server"]
