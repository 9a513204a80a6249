"""Reports of crawls, counted from their records: by status, type and site, with the slowest and largest pages."""

from .counting import NAME, Count, keep, recall
from .report import ErrorCount, OutcomeCount, PageFigure, Report, SiteCount, StatusCount, Times, TypeCount

__all__ = [
    "NAME",
    "Count",
    "ErrorCount",
    "OutcomeCount",
    "PageFigure",
    "Report",
    "SiteCount",
    "StatusCount",
    "Times",
    "TypeCount",
    "keep",
    "recall",
]
