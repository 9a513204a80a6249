"""Tells when a file that grows through all runs of a crawl is whole for now."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..model import Position


def is_whole(path: Path, length: int) -> bool:
    """Returns whether a file is there and all of it is settled. Raises OSError."""
    try:
        return os.stat(path, follow_symlinks=False).st_size == length
    except FileNotFoundError:
        return False


def find_whole(path: Path, position: Position, *, is_over: bool) -> Sequence[str]:
    """Returns the name of a file that only another run makes longer, once its sink is closed. Raises OSError."""
    return [path.name] if is_over and is_whole(path, position.get(path.name, 0)) else []
