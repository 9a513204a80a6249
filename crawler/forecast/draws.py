"""Holds what is uncertain as equally likely values, and reads intervals off them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

Draws: TypeAlias = Sequence[float]
"""Equally likely values, in no order; infinite: there is no end to be seen."""
N = 96
"""Values of each. The bounds of an interval are the tenth of them from either end."""
LOW, HIGH = 0.1, 0.9
"""The bounds of an interval of 80 percent."""


class Interval(NamedTuple):
    """An interval that should hold the truth in 80 of 100 cases."""

    low: float
    """Without `high`: the least that it is for sure."""
    likely: float | None
    """The median. None: nothing can be said."""
    high: float | None
    """None: nothing can be said, it may be any number above `low`."""


def interval_of(draws: Draws, at_least: float = 0.0) -> Interval:
    """Returns the interval of 80 percent. `at_least` is known for sure, and is all that is said if there is no end."""
    ranked = sorted(draws)
    low, likely, high = (max(at_least, _quantile(ranked, share)) for share in (LOW, 0.5, HIGH))
    if math.isinf(high):
        return Interval(at_least, None, None)
    return Interval(low, likely, high)


def _quantile(ranked: Sequence[float], share: float) -> float:
    """Returns the quantile by linear interpolation (Hyndman and Fan, type 7)."""
    at = share * (len(ranked) - 1)
    below = ranked[math.floor(at)]
    above = ranked[math.ceil(at)]
    if math.isinf(above):
        return above
    return below + (above - below) * (at - math.floor(at))
