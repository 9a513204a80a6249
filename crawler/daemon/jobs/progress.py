"""Computes how far a job is towards its end: all its URLs, or the limit that comes first."""

from __future__ import annotations

from ...settings import Config
from ...standing import Counts
from .job import Progress, Record


def progress(record: Record, base: Config, counts: Counts, spent_s: float, spent_bytes: int) -> Progress:
    """Returns the progress towards the nearest end. A page limit above the number of known URLs does not count."""
    settled = sum(counts.settled.values())
    left = counts.queued + counts.leased
    found = [Progress(settled, settled + left, "URLs")]
    if limit := _chosen(record, base, "limit"):
        pages = counts.pages
        if pages + left >= limit:
            found = [Progress(min(pages, limit), limit, "pages")]
    if limit := _chosen(record, base, "time_limit_s"):
        found.append(Progress(min(spent_s, limit), limit, "seconds"))
    if limit := _chosen(record, base, "size_limit_bytes"):
        found.append(Progress(min(spent_bytes, limit), limit, "bytes"))
    return max(found, key=lambda one: one.done / (one.of or 1))


def _chosen(record: Record, base: Config, name: str) -> float | None:
    """Returns the job's own limit, or else the daemon's; None if there is none."""
    table = record.settings.get("scope")
    value = table[name] if isinstance(table, dict) and name in table else getattr(base.scope, name)
    return value if isinstance(value, int | float) else None
