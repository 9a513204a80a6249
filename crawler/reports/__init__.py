"""Reports of crawls, counted from their records: by status, type and site, with the slowest and largest pages."""

from .counting import NAME, Count, keep, recall, without_heavy_fields
from .groups import Groups
from .report import ErrorCount, OutcomeCount, PageFigure, Report, SiteCount, StatusCount, Times, TypeCount, make_report
from .tally import Tally

__all__ = [
    "NAME",
    "Count",
    "ErrorCount",
    "Groups",
    "OutcomeCount",
    "PageFigure",
    "Report",
    "SiteCount",
    "StatusCount",
    "Tally",
    "Times",
    "TypeCount",
    "keep",
    "make_report",
    "recall",
    "without_heavy_fields",
]
