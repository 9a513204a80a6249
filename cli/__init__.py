"""The `crawl` command."""

import os
import sys


def main() -> None:
    """Entry point; imports on demand, so that `crawl --help` answers at once."""
    _fill_gaps()
    from .app import main as run

    run()


def _fill_gaps() -> None:
    """Where the caller closed a standard file (`crawl ... >&-`), the next file opened would be taken for it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
