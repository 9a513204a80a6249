"""Findings for a site's owner, from the records of a crawl: broken links, missing titles, orphans, and more."""

from .checks import Check, Problem, load_check
from .codes import FINDINGS, Code
from .finding import Finding, FindingPage, Severity
from .finds import find
from .limits import AuditLimits

__all__ = [
    "FINDINGS",
    "AuditLimits",
    "Check",
    "Code",
    "Finding",
    "FindingPage",
    "Problem",
    "Severity",
    "find",
    "load_check",
]
