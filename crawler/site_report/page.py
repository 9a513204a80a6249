"""Makes the page of a report: one HTML file with its styles, its script and its numbers, that loads nothing."""

from __future__ import annotations

import shlex
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files

import orjson

from ..audit import Severity
from ..reports import Report
from ..runtime.counting import many
from . import charts, tables
from .bounding import NO_BOUNDING, Bounding
from .markup import Markup, element
from .ranking import RankedPage
from .sections import Section
from .timeline import Timeline

_EXPORT = "export { uPlot as default };"
"""The last line of uPlot, which is a module; within our script it is none."""
_PLURALS = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.NOTICE: "notices"}


def make(
    name: str,
    report: Report,
    timeline: Timeline,
    sections: Sequence[Section],
    bounding: Bounding = NO_BOUNDING,
    ranked: Sequence[RankedPage] = (),
) -> str:
    """Returns the page. `name` is that of the crawl folder; `ranked` are the first pages of the site by their rank."""
    style, script = _style(), _script()
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    title = f"{name}: report"
    head = element(
        "head",
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        element("title", title),
        element("style", Markup(style)),
    )
    numbers = orjson.dumps([*bounding.charts, *charts.make(timeline)]).decode().replace("<", "\\u003c")
    body = element(
        "body",
        _header(name, report, timeline, sections),
        element("main", _findings(name, sections), _crawl(report, timeline, bounding, ranked)),
        element("script", Markup(numbers), type="application/json", id="charts"),
        element("script", Markup(script)),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _header(name: str, report: Report, timeline: Timeline, sections: Sequence[Section]) -> Markup:
    numbers = {one: sum(section.n for section in sections if section.severity is one) for one in Severity}
    pages = sum(one.n for one in report.outcomes if one.disposition == "fetched")
    failed = sum(one.n for one in report.outcomes if one.disposition == "failed")
    badges = [
        element("span", f"{n:,} {_PLURALS[one] if n != 1 else one}", class_=f"badge {one if n else 'none'}")
        for one, n in numbers.items()
    ]
    seconds = len(timeline.course().steps) * timeline.step_s
    return element(
        "header",
        element("h1", name),
        element("p", *_between(badges), class_="badges"),
        element("p", f"{_moment(report.first_at)} to {_moment(report.last_at)}", class_="when"),
        tables.facts([
            ("pages", f"{pages:,}"),
            ("failed", f"{failed:,}"),
            ("records", f"{report.records:,}"),
            ("bytes", tables.size(report.bytes)),
            ("pages a second", f"{pages / seconds:.1f}" if seconds else "–"),
            ("median answer", f"{report.times.p50_ms:,.0f} ms" if report.times.n else "–"),
            ("sites", f"{len(report.sites):,}{'+' if report.other_sites.n else ''}"),
        ]),
    )  # fmt: skip


def _between(parts: Sequence[Markup]) -> list[str]:
    return [one for part in parts for one in (part, " ")]


def _moment(at: str | None) -> str:
    return f"{at[:10]} {at[11:16]} UTC" if at else "–"


def _findings(name: str, sections: Sequence[Section]) -> Markup:
    command = f"crawl report {shlex.quote(name)} -o findings.csv"
    found = [tables.findings(one, command) for one in sections]
    if not found:
        found = [element("p", "Nothing was found to be wrong.", class_="empty")]
    return element("section", element("h2", "Findings"), *found, id="findings")


def _crawl(report: Report, timeline: Timeline, bounding: Bounding, ranked: Sequence[RankedPage]) -> Markup:
    pauses = timeline.course().pauses
    left_out = f" {many(pauses, 'pause')} without visits left out." if pauses else ""
    note = f"Time is that of crawling, in steps of {timeline.step_s:,.0f} s.{left_out}"
    without = element("p", "Charts need scripts; all tables are complete without.", class_="more")
    drawn = element("div", without, id="drawn", class_="charts")
    counted = [tables.with_title(title, inner) for title, inner in tables.counts(report, timeline)]
    if bounding.seconds:
        counted.insert(0, tables.with_title("What bound it", tables.bounds(bounding.seconds)))
    if ranked:
        counted.append(tables.with_title("Pages by PageRank", tables.ranks(ranked)))
    return element(
        "section", element("h2", "The crawl"), drawn, element("p", note, class_="more"),
        element("div", *counted, class_="columns"), id="crawl",
    )  # fmt: skip


@cache
def _style() -> str:
    vendor = files("crawler") / "daemon" / "dashboard" / "vendor"
    own = files("crawler") / "site_report"
    styles = [(vendor / one).read_text("utf-8") for one in ("pico.css", "uplot.css")]
    return joined_lines(*styles, (own / "report.css").read_text("utf-8"))


@cache
def _script() -> str:
    vendor = files("crawler") / "daemon" / "dashboard" / "vendor"
    library = (vendor / "uplot.js").read_text("utf-8").replace(_EXPORT, "")
    own = (files("crawler") / "site_report" / "report.js").read_text("utf-8")
    return joined_lines('"use strict"; (() => {', library, own, "})();")


def joined_lines(*texts: str) -> str:
    """Returns texts one below the other, fit for a `<style>` or a `<script>`. Raises ValueError for one that is not."""
    whole = "\n".join(texts).replace("\r", "")
    if "</s" in whole.lower() or "<!--" in whole:
        raise ValueError("a style or a script of ours would end too early")
    return whole


def _hash(inline: str) -> str:
    return f"sha256-{b64encode(sha256(inline.encode()).digest()).decode()}"
