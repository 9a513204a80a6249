"""What of the JSON that clients send can be kept: JSON knows numbers and depths that no database does."""

from __future__ import annotations

from math import isfinite

MAX_INT = 2**63 - 1
"""Files and databases hold no larger integer."""
MAX_DEPTH = 16
"""Of tables in tables: settings have two or three."""


def storable(value: object, depth: int = 0) -> object:
    """Itself, where it can be kept as JSON. Raises ValueError."""
    if depth > MAX_DEPTH:
        raise ValueError(f"should not be nested more than {MAX_DEPTH} deep")
    if isinstance(value, int) and abs(value) > MAX_INT:
        raise ValueError(f"should hold no integer beyond {MAX_INT}")
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("should hold finite numbers")
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        storable(one, depth + 1)
    return value
