"""Estimates how large a crawl is and how long it takes, with intervals: pure, from counts that others took.

`growth`: how many URLs are still to come, from what visits brought lately; `ending`: when a crawl that runs ends;
`watching`: what it shows over time; `sampling`: how large a site is, from a sample of its pages; `plan`: how long sites
take under politeness, and what other settings would change. docs/forecast.md names the statistics.
"""

from .draws import Interval, interval_of
from .ending import Eta, Limits, SiteLeft, foresee_end
from .growth import Growth, Mark, foresee_left
from .plan import CrawlSize, SitePlan, Terms, other_settings, plan_crawl, plan_site
from .sampling import LEAST_PAGES, PageSeen, Sample, foresee_size
from .watching import SiteNow, Watch

__all__ = [
    "LEAST_PAGES", "CrawlSize", "Eta", "Growth", "Interval", "Limits", "Mark", "PageSeen", "Sample", "SiteLeft",
    "SiteNow", "SitePlan", "Terms", "Watch", "foresee_end", "foresee_left", "foresee_size", "interval_of",
    "other_settings", "plan_crawl", "plan_site",
]  # fmt: skip
