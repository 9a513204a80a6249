"""Measures the CPU time of a call where it is done: in a worker or a thread."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import get_ident
from time import thread_time
from typing import Any, NamedTuple


class Timed(NamedTuple):
    """The answer of a call, and when it began and ended by the CPU clock of its thread."""

    answer: Any
    begun_s: float
    ended_s: float
    thread: tuple[int, int]


def run_timed(work: Callable[..., Any], *args: object) -> Timed:
    """Does the work, in a worker or a thread, and measures it."""
    begun = thread_time()
    answer = work(*args)
    return Timed(answer, begun, thread_time(), (os.getpid(), get_ident()))
