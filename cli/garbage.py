"""Says how often Python looks for garbage: rarely while a command starts, as usual from then on."""

from __future__ import annotations

import gc

USUAL = gc.get_threshold()
FEW = 200_000
"""New objects between two looks while the command starts: it makes half as many for a crawl, and no garbage."""


def look_rarely() -> None:
    """Looks rarely from now on."""
    gc.set_threshold(FEW)
