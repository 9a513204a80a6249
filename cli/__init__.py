"""The `crawl` command."""

import os
import sys


def main() -> None:
    """Runs the command. Imports are made on demand, so that `crawl --help` answers at once."""
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
