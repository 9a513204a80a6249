"""The `crawl` command."""

import os
import signal
import sys

from .interrupts import end_on_ctrl_c


def main() -> None:
    """Runs the command. Imports are made on demand, so that `crawl --help` answers at once."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # ignored, as with nohup, it stays ignored
        signal.signal(signal.SIGINT, end_on_ctrl_c)
    _fill_gaps()
    from .app import main as run

    run()


def _fill_gaps() -> None:
    """Opens /dev/null for each standard file that the caller closed (`crawl ... >&-`).

    Otherwise the next file that we open would get its number, and would be used as standard output.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
