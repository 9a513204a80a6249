"""Renders the jobs as scrapyd's page of them, a table that dashboards for scrapyd read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from html import escape

HEADS = ("Project", "Spider", "Job", "PID", "Start", "Runtime", "Finish", "Log")


def render_jobs(lists: Mapping[str, Iterable[Mapping[str, object]]]) -> str:
    """Returns the page. `lists` are those of `listjobs.json`: pending, running and finished jobs."""
    heads = "".join(f"<th>{head}</th>" for head in HEADS)
    rows = "".join(_row(job) for jobs in lists.values() for job in jobs)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Jobs</title></head><body><h1>Jobs</h1>'
        f'<table border="1"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></body></html>\n'
    )


def _row(job: Mapping[str, object]) -> str:
    start, end = str(job.get("start_time") or "")[:19], str(job.get("end_time") or "")[:19]
    log = f'<a href="{escape(str(job["log_url"]))}">Log</a>' if "log_url" in job else ""
    texts = [str(job[name] or "") for name in ("project", "spider", "id")]
    cells = [*map(escape, (*texts, str(job.get("pid") or ""), start, _runtime(start, end), end)), log]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"


def _runtime(start: str, end: str) -> str:
    if not (start and end):
        return ""
    taken = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return str(max(taken, timedelta()))
