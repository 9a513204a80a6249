"""The `crawl` command."""

import os
import signal
import sys
from typing import NoReturn

CANCELLED = 130
"""`Exit.CANCELLED`, which would have to be imported: the code that shells give to a command that Ctrl-C ended."""


def main() -> None:
    """Runs the command. Imports are made on demand, so that `crawl --help` answers at once."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # ignored, as with nohup, it stays ignored
        signal.signal(signal.SIGINT, end_on_ctrl_c)
    _fill_gaps()
    from .app import main as run

    run()


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


def _fill_gaps() -> None:
    """Opens /dev/null for each standard file that the caller closed (`crawl ... >&-`).

    Otherwise the next file that we open would get its number, and would be used as standard output.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
