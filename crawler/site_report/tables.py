"""Makes the tables of a page: those of findings, and those of counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..audit import Finding, Severity
from ..reports import Report
from ..runtime.counting import many
from .markup import Markup, element, joined, link, text
from .ranking import RankedPage
from .sections import Section
from .timeline import MOST_DEPTHS, Timeline

MOST_SITES = 100
"""Sites that a page lists."""
_BAR = 120
"""Width of the longest bar, in pixels."""
Cells = Sequence[str]


def table(name: str, heads: Sequence[str], rows: Iterable[Cells], numbers: frozenset[int] = frozenset()) -> Markup:
    """Returns a table that its button exports as CSV. `numbers` are the columns that hold numbers."""
    head = element("tr", *[_head(one, is_number=n in numbers) for n, one in enumerate(heads)])
    body = [
        element("tr", *[element("td", cell, **({"class_": "n"} if n in numbers else {})) for n, cell in enumerate(row)])
        for row in rows
    ]
    inner = element("table", element("thead", head), element("tbody", *body))
    return element("div", inner, class_="wide", data_csv=name)


def _head(name: str, *, is_number: bool) -> Markup:
    return element("th", name, scope="col", **({"class_": "n"} if is_number else {}))


def findings(section: Section, command: str) -> Markup:
    """Returns the findings of one code, in a part of the page that opens."""
    badge = element("span", section.severity, class_=f"badge {section.severity}")
    title = element("span", section.title, class_="grow")
    head = element("summary", badge, title, element("code", section.code), element("b", f"{section.n:,}"))
    more = _more(section, command)
    is_open = {"open": ""} if section.severity is Severity.ERROR else {}
    return element(
        "details", head, element("p", section.advice, class_="advice"), _rows(section), more,
        id=section.code, class_="finding", **is_open,
    )  # fmt: skip


def _rows(section: Section) -> Markup:
    rows = section.rows
    has_detail, has_pages = any(one.detail for one in rows), any(one.pages for one in rows)
    heads = ["Address", *(["What"] if has_detail else []), *(["On pages"] if has_pages else [])]
    cells = [
        [link(one.url), *([one.detail] if has_detail else []), *([_pages(one)] if has_pages else [])] for one in rows
    ]
    return table(section.code, heads, cells)


def _pages(finding: Finding) -> Markup:
    """Returns the pages of a finding, each behind the text of its link."""
    shown = [
        element("li", *([element("q", place.text), " "] if place.text else []), link(place.url))
        for place in finding.pages
    ]
    left = finding.n_pages - len(finding.pages)
    rest = [element("li", f"and {many(left, 'more page')}", class_="more")] if left > 0 and shown else []
    return element("ul", *shown, *rest) if shown else Markup("")


def _more(section: Section, command: str) -> Markup:
    if section.n <= len(section.rows):
        return Markup("")
    words = f"The first {len(section.rows):,} of {section.n:,}. All of them: "
    return element("p", words, element("code", command), class_="more")


def counts(report: Report, timeline: Timeline) -> Iterator[tuple[str, Markup]]:
    """Yields the tables of counts with their titles."""
    yield (
        "How URLs came out",
        _bars("outcomes", "Outcome", [(f"{one.disposition}{_after(one.reason)}", one.n) for one in report.outcomes]),
    )
    yield "Statuses", _bars("statuses", "Status", [(str(one.status), one.n) for one in report.statuses])
    depths = [(f"{depth}{' and more' * (depth == MOST_DEPTHS)}", n) for depth, n in sorted(timeline.depths.items())]
    yield "Depth", _bars("depth", "Links from the seed", depths)
    yield "Types", table(
        "types", ["Type", "Answers", "Size"],
        [(one.type or "none", f"{one.n:,}", _size(one.bytes)) for one in report.types], frozenset({1, 2}),
    )  # fmt: skip
    yield "Sites", _sites(report)
    for name, title, write in (("slowest", "Slowest answers", _ms), ("largest", "Largest pages", _size)):
        rows = [(link(one.url), write(one.figure)) for one in getattr(report, name)]
        yield title, table(name, ["Address", "Figure"], rows, frozenset({1}))
    yield "Errors", table(
        "errors", ["Error", "Visits", "For example"],
        [(f"{one.reason}{_after(one.detail)}", f"{one.n:,}", link(one.example)) for one in report.errors],
        frozenset({1}),
    )  # fmt: skip


def ranks(pages: Sequence[RankedPage]) -> Markup:
    """Returns the first pages of a site by the links among its pages."""
    rows = [
        (link(one.url), f"{100 * one.share:.2f} %", f"{one.in_links:,}", "–" if one.depth is None else str(one.depth))
        for one in pages
    ]
    return table("ranks", ["Address", "PageRank", "Linked from pages", "Depth"], rows, frozenset({1, 2, 3}))


def bounds(seconds: Mapping[str, float]) -> Markup:
    """Returns the table of what bound the crawl's speed, with the share of its time."""
    total = sum(seconds.values()) or 1.0
    rows: list[Cells] = [(name, f"{spent / total:.0%}", _bar(spent / total)) for name, spent in seconds.items()]
    return table("bounds", ["Bound", "Time", ""], rows, frozenset({1}))


def _sites(report: Report) -> Markup:
    rows: list[Cells] = [
        (link(f"{one.site}/", one.site), f"{one.n:,}", f"{one.pages:,}", f"{one.failed:,}", _size(one.bytes),
         _ms(one.mean_ms), _ms(one.p95_ms))
        for one in report.sites[:MOST_SITES]
    ]  # fmt: skip
    rest = sum(one.n for one in (*report.sites[MOST_SITES:], report.other_sites))
    if rest:
        rows.append(("all others", f"{rest:,}", "", "", "", "", ""))
    heads = ["Site", "Records", "Pages", "Failed", "Size", "Mean", "95 of 100"]
    return table("sites", heads, rows, frozenset(range(1, 7)))


def _bars(name: str, head: str, rows: Sequence[tuple[str, int]]) -> Markup:
    most = max((n for _, n in rows), default=1)
    cells = [(text(word), f"{n:,}", _bar(n / most)) for word, n in rows]
    return table(name, [head, "Number", ""], cells, frozenset({1}))


def _bar(share: float) -> Markup:
    width = max(1, round(_BAR * share))
    bar = element("rect", width=width, height=10, rx=2)
    return element("svg", bar, width=_BAR, height=10, class_="bar", aria_hidden="true")


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Returns figures, each under its name."""
    return element(
        "dl", *[element("div", element("dt", name), element("dd", value)) for name, value in pairs], class_="facts"
    )


def size(n: float) -> str:
    """Returns bytes in words."""
    for unit in ("B", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:.0f} {unit}" if unit == "B" or n >= 100 else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:,.1f} TB"


_size = size


def _ms(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def _after(words: str | None) -> str:
    return f": {words}" if words else ""


def with_title(title: str, inner: str) -> Markup:
    """Returns a table under its title."""
    return element("section", element("h3", title), joined(inner), class_="counted")
