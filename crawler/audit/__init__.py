"""Findings for a site's owner, from the records of a crawl: broken links, missing titles, orphans, and more."""

from .checks import Check, Problem
from .codes import CODES, Code
from .finding import Finding, Place, Severity
from .finds import Limits, find

__all__ = ["CODES", "Check", "Code", "Finding", "Limits", "Place", "Problem", "Severity", "find"]
