"""Calls functions on signals and again and again: what every long run of the command needs of its event loop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

from .exit_codes import Exit
from .interrupts import end_on_ctrl_c


@contextmanager
def on_signals(acts: Mapping[signal.Signals, Callable[[], None]], *, heeds_ignored: bool) -> Iterator[None]:
    """Calls a function on each of these signals while the block lasts.

    `heeds_ignored`: signals that are ignored stay ignored, as with nohup, and for background jobs of a script.
    """
    loop = asyncio.get_running_loop()
    heard = [one for one in acts if not (heeds_ignored and signal.getsignal(one) is signal.SIG_IGN)]
    for one in heard:
        loop.add_signal_handler(one, acts[one])
    try:
        yield
    finally:
        for one in heard:
            loop.remove_signal_handler(one)
        if signal.SIGINT in heard:  # it would raise KeyboardInterrupt, and all is done
            signal.signal(signal.SIGINT, end_on_ctrl_c)


def end_at_once() -> NoReturn:
    """Ends the process; kill -9 loses nothing either."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        os.write(2, b"\x1b[?25h")  # the panel hid the cursor
    os._exit(Exit.INTERRUPTED)


@contextmanager
def repeating(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Calls a function again and again while the block lasts, for the first time after `seconds`."""
    loop = asyncio.get_running_loop()
    timer: list[asyncio.TimerHandle] = []

    def again() -> None:
        timer[:] = [loop.call_later(seconds, again)]
        act()

    timer.append(loop.call_later(seconds, again))
    try:
        yield
    finally:
        timer[0].cancel()
