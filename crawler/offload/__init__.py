"""CPU work leaves the event loop here: a pool of worker processes that outlives its workers, in bounds."""

from .opening import open_offloader
from .pool import Inline, Lane, Pool, Workers
from .process import start_fork_server

__all__ = ["Inline", "Lane", "Pool", "Workers", "open_offloader", "start_fork_server"]
