"""The lines that `crawl jobs` prints of jobs and pages. Pure: answers of the API in, lines out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crawler import escape_text
from crawler.runtime.escaping import json_line

from .show import WIDTH, duration, format_eta, many, number, round_down, size

JsonObject = Mapping[str, Any]
SHOWN_PATTERNS = 5


def json_lines(items: Sequence[JsonObject]) -> Iterable[str]:
    """Yields each item as JSON on one line."""
    for item in items:
        yield json_line(item).decode().rstrip("\n")


def ids(jobs: Sequence[JsonObject]) -> Iterable[str]:
    for job in jobs:
        yield escape_text(job["id"])


def states(jobs: Sequence[JsonObject]) -> Iterable[str]:
    for job in jobs:
        yield escape_text(f"{job['id']} {job['state']}")


def table(jobs: Sequence[JsonObject]) -> Iterable[str]:
    """Yields a heading and one line for each job, at most WIDTH columns wide."""
    if not jobs:
        yield "no jobs"
        return
    yield _row("JOB", "STATE", "PAGES", "QUEUED", "FAILED", "PAGES/S", "NAME")
    for job in jobs:
        counts = job["counts"]
        rate = f"{job['pages_per_s']:.1f}" if job["state"] == "running" else "-"
        failed = number(counts["settled"].get("failed", 0))
        yield _row(job["id"], job["state"], number(job["pages"]), number(counts["queued"]), failed, rate, job["name"])


def card(jobs: Sequence[JsonObject]) -> Iterable[str]:
    """Yields one line for each fact of each job; facts without a value are left out."""
    for job in jobs:
        for name, value in _facts(job).items():
            if value:
                yield escape_text(f"{name:<10} {value}")


def change_lines(answers: Sequence[JsonObject]) -> Iterable[str]:
    for answer in answers:
        for key in answer["applied"]:
            yield escape_text(f"{key}: in effect")
        for key in answer["needs_restart"]:
            yield escape_text(f"{key}: in effect after you pause and resume the job")
        if not answer["applied"] and not answer["needs_restart"]:
            yield "nothing changed"


def wish_lines(answers: Sequence[JsonObject]) -> Iterable[str]:
    for answer in answers:
        job, queued = answer["job"], answer["queued"]
        said = "saved until the job runs" if queued is None else f"{many(queued, 'URL')} queued again"
        yield escape_text(f"{job['id']} {job['state']}: {said}")


def parked_lines(patterns: Sequence[JsonObject]) -> Iterable[str]:
    """Yields two lines for each pattern: how many URLs are parked and why, and an example."""
    for one in patterns[:SHOWN_PATTERNS]:
        why = "its site blocks us" if one["reason"] == "blocked" else f"{one['news']} of {one['fetched']} were new"
        yield escape_text(f"parked     {number(one['parked'])} under {one['pattern']} ({why})")
        yield from (escape_text(f"           such as {url}") for url in one["examples"][:1])
    if len(patterns) > SHOWN_PATTERNS:
        yield f"parked     and more, in {many(len(patterns) - SHOWN_PATTERNS, 'pattern')}"


def page_lines(records: Sequence[JsonObject]) -> Iterable[str]:
    """Yields one line for each record: the status (or else the reason or disposition), the URL, the title."""
    for record in records:
        title = record.get("title") or ""
        what = record.get("status") or record.get("reason") or record["disposition"]
        yield escape_text(f"{what!s:<4} {record['url']}{f'  {title}' if title else ''}")


def _facts(job: JsonObject) -> dict[str, str]:
    counts, seeds = job["counts"], job["seeds"]
    settled = ", ".join(f"{name} {number(n)}" for name, n in counts["settled"].items())
    bad = f", {number(seeds['bad'])} unusable" if seeds["bad"] else ""
    reading = ", still reading" if seeds["is_reading"] else ""
    parked = f", {number(counts['parked'])} parked" if counts["parked"] else ""
    is_running = job["state"] == "running"
    return {
        "job": job["id"],
        "name": job["name"],
        "state": f"{job['state']} ({job['ended']})" if job["ended"] else job["state"],
        "error": job["error"],
        "created": _moment(job["created_at"]),
        "started": _moment(job["started_at"]),
        "ended": _moment(job["ended_at"]),
        "seeds": f"{number(seeds['given'])}, {number(seeds['queued'])} queued{bad}{reading}",
        "pages": f"{number(job['pages'])} ({size(job['bytes'])})",
        "urls": f"{number(counts['queued'])} queued{parked}{f'; {settled}' if settled else ''}",
        "more": "there is more to do: resume it" if job["has_more"] else "",
        "rate": f"{job['pages_per_s']:.1f} pages/s, {job['in_flight']} in flight{_least(job)}" if is_running else "",
        "to go": _to_go(job) if is_running else "",
        "bound by": f"{job['bound_by']}: {job['advice']}" if is_running else "",
        "labels": ", ".join(f"{name}={value}" for name, value in job["labels"].items()),
        "webhook": job["webhook"],
        "settings": ", ".join(f"{key}={value}" for key, value in _flat(job["settings"])),
    }


def _least(job: JsonObject) -> str:
    least_s = job["at_least_s"] or 0.0
    return f", at least {duration(round_down(least_s))} to go" if least_s >= 1 and not job["eta"] else ""


def _to_go(job: JsonObject) -> str:
    from crawler import Eta

    return "; ".join(format_eta(Eta(**job["eta"]))) if job["eta"] else ""


def _flat(settings: JsonObject) -> Iterable[tuple[str, object]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{key}", inner) for key, inner in value.items())
        else:
            yield name, value


def _moment(at: float | None) -> str:
    if at is None:
        return ""
    written = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    ago = time.time() - at
    return f"{written} ({duration(ago)} ago)" if ago >= 0 else written


def _row(*cells: str) -> str:
    job, state, pages, queued, failed, rate, name = map(escape_text, cells)
    line = f"{job:<16} {state:<9} {pages:>8} {queued:>8} {failed:>6} {rate:>7} {name}"
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
