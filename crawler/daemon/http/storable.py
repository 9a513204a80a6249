"""Checks whether JSON from clients can be stored: JSON allows numbers and depths that databases do not."""

from __future__ import annotations

from math import isfinite

MAX_INT = 2**63 - 1
"""The largest integer that files and databases hold."""
MAX_DEPTH = 16
"""Deepest nesting of tables: settings have two or three levels."""


def storable(value: object, depth: int = 0) -> object:
    """Returns the value if it can be stored as JSON. Raises ValueError."""
    if depth > MAX_DEPTH:
        raise ValueError(f"should not be nested more than {MAX_DEPTH} deep")
    if isinstance(value, int) and abs(value) > MAX_INT:
        raise ValueError(f"should hold no integer beyond {MAX_INT}")
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("should hold finite numbers")
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        storable(one, depth + 1)
    return value
