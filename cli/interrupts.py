"""Ctrl-C where no crawl runs: one line and an exit code. Imports little, since it comes before everything else."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

CANCELLED = 130
"""`Exit.CANCELLED`, which would have to be imported: the code that shells give to a command that Ctrl-C ended."""


def end_on_ctrl_c(number: int, frame: object) -> NoReturn:
    """Ends the process with one line, for the time in which there is nothing to put in order.

    A KeyboardInterrupt could come up inside any import, and would leave a traceback there.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        os.write(2, b"\ncrawl: interrupted\n" if os.isatty(2) else b"crawl: interrupted\n")
    except OSError:
        pass  # nobody listens
    os._exit(CANCELLED)


@contextmanager
def raising_interrupts() -> Iterator[None]:
    """Lets Ctrl-C raise KeyboardInterrupt while the block lasts, for work that puts things in order at its end."""
    if signal.getsignal(signal.SIGINT) is not end_on_ctrl_c:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, end_on_ctrl_c)
