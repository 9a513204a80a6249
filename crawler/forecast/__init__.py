"""Estimates how large a crawl is and how long it takes, with intervals: pure, from counts that others took.

`growth`: how many URLs are still to come, from what visits brought lately; `ending`: when a crawl that runs ends;
`watching`: what it shows over time. docs/forecast.md names the statistics.
"""

from .draws import Interval, interval_of
from .ending import Eta, Limits, SiteLeft, foresee_end
from .growth import Growth, Mark, foresee_left
from .watching import SiteNow, Watch

__all__ = [
    "Eta", "Growth", "Interval", "Limits", "Mark", "SiteLeft", "SiteNow", "Watch", "foresee_end", "foresee_left",
    "interval_of",
]  # fmt: skip
