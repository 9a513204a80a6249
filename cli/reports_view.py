"""The lines that tell how a crawl came out: a few for `crawl status`, all for `crawl jobs report`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crawler import escape_text

from .show import duration, many, number, size

JsonObject = Mapping[str, Any]
FEW, MANY = 5, 10


def short_lines(report: JsonObject) -> Iterator[str]:
    """Yields the answers by status and media type, and how long they took."""
    statuses = [f"{one['status']} {number(one['n'])}" for one in report["statuses"]]
    types = [f"{_type(one)} {number(one['n'])} ({size(one['bytes'])})" for one in report["types"]]
    if statuses:
        yield f"{'answers':<8}  {_joined(statuses)}"
        yield f"{'types':<8}  {_joined(types)}"
    if report["slowest"]:
        times, slowest = report["times"], report["slowest"][0]
        usual = f"{_ms(times['p50_ms'])} at the median, {_ms(times['p95_ms'])} for 95 of 100"
        yield f"{'took':<8}  {usual}; the longest {_ms(slowest['figure'])}: {slowest['url']}"


def full_lines(reports: Sequence[JsonObject]) -> Iterator[str]:
    """Yields the whole of each report, in tables."""
    for report in reports:
        yield from map(escape_text, _lines(report))


def _lines(report: JsonObject) -> Iterator[str]:
    yield f"{many(report['records'], 'record')}, {size(report['bytes'])}, {report['first_at']} to {report['last_at']}"
    if report["unreadable"]:
        yield f"{many(report['unreadable'], 'line')} could not be read"
    yield from short_lines(report)
    for one in report["outcomes"]:
        yield f"{number(one['n']):>9}  {one['disposition']}{_after(', ', one['reason'])}"
    yield from _sites(report)
    for name, write in (("slowest", _ms), ("largest", size)):
        if report[name]:
            yield f"the {name} pages"
            yield from (f"{write(one['figure']):>9}  {one['url']}" for one in report[name][:MANY])
    if report["errors"]:
        yield "the most frequent errors"
    for one in report["errors"][:MANY]:
        yield f"{_n(one):>9}  {one['reason']}{_after(': ', one['detail'])}, such as {one['example']}"


def _sites(report: JsonObject) -> Iterator[str]:
    yield f"{'RECORDS':>9} {'PAGES':>9} {'FAILED':>7} {'SIZE':>9} {'MEAN':>8} {'P95':>8}  SITE"
    for one in report["sites"][:MANY]:
        yield _site(one, one["site"])
    rest = [*report["sites"][MANY:], report["other_sites"]]
    if left := sum(one["n"] for one in rest):
        yield f"{number(left):>9}  at all other sites"


def _site(one: JsonObject, name: str) -> str:
    figures = f"{_n(one):>9} {number(one['pages']):>9} {number(one['failed']):>7} {size(one['bytes']):>9}"
    return f"{figures} {_ms(one['mean_ms']):>8} {_ms(one['p95_ms']):>8}  {name}"


def _n(one: JsonObject) -> str:
    return f"{'≥' if one['is_at_least'] else ''}{number(one['n'])}"


def _type(one: JsonObject) -> str:
    return str(one["type"]) or "no type"


def _ms(ms: float) -> str:
    return duration(ms / 1000)


def _after(mark: str, text: str | None) -> str:
    return f"{mark}{text}" if text else ""


def _joined(parts: Sequence[str]) -> str:
    left = len(parts) - FEW
    return " · ".join(parts[:FEW]) + (f" and {number(left)} more" if left > 0 else "")
