"""Writes lines to standard error: folded and coloured on a terminal, as they are elsewhere."""

from __future__ import annotations

import shutil
import sys

from crawler import escape_text

from . import show
from .colours import tint

ROWS = 24


def tell_line(text: str) -> None:
    """Writes a line, with control characters escaped. On a terminal it is folded at spaces; commands stay whole."""
    width = shutil.get_terminal_size((show.WIDTH, ROWS)).columns if sys.stderr.isatty() else 0
    try:
        for line in show.fold(escape_text(text), width):
            print(tint(line, sys.stderr), file=sys.stderr)
        sys.stderr.flush()
    except OSError:
        pass  # the reader is gone; the work continues
