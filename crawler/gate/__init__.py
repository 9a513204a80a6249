"""A gate for continuous integration: crawls a site, finds what is wrong, and compares that with a baseline."""

from __future__ import annotations

from .baseline import Baseline, read_baseline, write_baseline
from .checking import Gate, check_folder, check_site
from .junit import write_junit
from .others import Others
from .sarif import write_sarif
from .verdict import CheckVerdict, Judged

__all__ = [
    "Baseline",
    "CheckVerdict",
    "Gate",
    "Judged",
    "Others",
    "check_folder",
    "check_site",
    "read_baseline",
    "write_baseline",
    "write_junit",
    "write_sarif",
]
