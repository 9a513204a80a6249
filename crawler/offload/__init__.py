"""Runs CPU work away from the event loop: in a pool of bounded worker processes that replaces dead ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..runtime.lazy_imports import lazy_getattr

if TYPE_CHECKING:
    from .auto import open_auto
    from .early_fork import fork_early
    from .in_worker import give_memory_back
    from .opening import count_cores, open_inline, open_offloader
    from .pool import Inline, Lane, Pool, Workers
    from .process import start_fork_server
    from .program import (
        UNGUARDED,
        OfModule,
        OfProgram,
        refuse_in_worker,
        stands_in_program,
        why_not_importable,
        why_not_loaded,
    )

_HOMES = {
    "auto": "open_auto",
    "early_fork": "fork_early",
    "in_worker": "give_memory_back",
    "opening": "count_cores open_inline open_offloader",
    "pool": "Inline Lane Pool Workers",
    "process": "start_fork_server",
    "program": "UNGUARDED OfModule OfProgram refuse_in_worker stands_in_program why_not_importable why_not_loaded",
}

__all__ = [
    "UNGUARDED",
    "Inline",
    "Lane",
    "OfModule",
    "OfProgram",
    "Pool",
    "Workers",
    "count_cores",
    "fork_early",
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

# Imports on first use: workers have no event loop, and the process that they are forked from needs none.
if not TYPE_CHECKING:
    __getattr__ = lazy_getattr(__name__, _HOMES)
