"""`crawl inspect FOLDER [URL]`: prints what a crawl folder holds, the story of one URL, or a page raw and rendered."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crawler import escape_text
from crawler.runtime.escaping import json_line

from . import show, sources, values
from .colours import tint
from .options import SetsSetting, chosen_settings
from .reports_view import short_lines

if TYPE_CHECKING:
    from crawler import Clusters, Folder, Inspection, Report, Story

SHOWN = 5
"""Rows of each table; `--json` has all."""
SHOWN_URLS = 10
SHOWN_DEPTHS = 8
SHOWN_TRACES, SHOWN_LINES = 3, 6
SHOWN_DIGEST = len("sha256:") + 32
"""Characters of a digest, which is too long for a line."""


def inspect(
    place: Annotated[
        str, typer.Argument(metavar="FOLDER", help="The crawl folder; a crawl may run in it. --rendered takes a URL.")
    ],
    url: Annotated[str, typer.Argument(metavar="[URL]", show_default=False, help="Tell the story of this URL.")] = "",
    rendered: Annotated[
        bool,
        typer.Option(
            "--rendered",
            help="Compare what a page says raw and rendered: fetched now, or from the WARC files of FOLDER.",
        ),
    ] = False,
    duplicates: Annotated[
        bool, typer.Option("--duplicates", help="Show which pages repeat which, nearly or wholly.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings in TOML, for --rendered.")
    ] = None,
    allow_network: Annotated[
        list[str] | None,
        typer.Option(metavar="NET", help="Allow a private network, such as 127.0.0.0/8. Repeatable."),
        SetsSetting("fetch.allow_networks"),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting for --rendered. Repeatable.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    engine: Annotated[str, typer.Option(metavar="URL", help=sources.ENGINE)] = "",
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Say what a crawl brought: statuses, reasons, sites, slowest, largest, duplicates, depth, what bound its speed.

    With a URL: its visits, the pages that link to it, redirects to and from it, and its captures in the WARC files.
    With --rendered: what a page says raw against rendered. Nothing in the folder changes.
    """
    if rendered:
        if duplicates or engine:
            raise typer.BadParameter("looks at one page", param_hint="--rendered")
        settings = chosen_settings(inspect, {"allow_network": allow_network})
        _compare(place, url, config, settings | dict(values.setting(one) for one in set_ or ()), json, trust_folder)
        return
    if config or allow_network or set_:
        raise typer.BadParameter("a crawl folder is read as it is: settings are for --rendered", param_hint="--set")
    from crawler import Story, find_clusters, inspect_folder, tell_story

    from .export import Progress
    from .interrupts import raising_interrupts

    if url and duplicates:
        raise typer.BadParameter("shows those of the whole folder: leave out the URL", param_hint="--duplicates")
    folder, progress = Path(place), Progress()
    answer: Inspection | Story | Clusters
    with raising_interrupts(), sources.open_source(folder, engine, trust_folder=trust_folder) as found:
        try:
            look = find_clusters if duplicates else inspect_folder
            answer = tell_story(found, url, tell=progress) if url else look(found, tell=progress)
            if engine and isinstance(answer, Story):
                answer = replace(answer, standing=sources.find_standing(folder.name, engine, answer.url))
        finally:
            progress.clear()
    if json:
        sys.stdout.write(json_line({"folder": str(found.path), **answer.record()}).decode())
        return
    for line in _words(answer, found):
        print(tint(escape_text(line), sys.stdout))


def _compare(place: str, url: str, config: Path | None, settings: dict[str, Any], json: bool, trusts: bool) -> None:
    from crawler import Trust

    from .inspect_rendered import inspect_rendered

    folder = Path(place) if url else None
    if folder and not folder.is_dir():
        raise typer.BadParameter(f"{place} is no crawl folder: give the URL alone to fetch it now", param_hint="FOLDER")
    inspect_rendered(url or place, folder, config, settings, json=json, trust=Trust(foreign=trusts))


def _words(answer: Inspection | Story | Clusters, folder: Folder) -> Iterator[str]:
    from crawler import Clusters, Inspection

    if isinstance(answer, Clusters):
        return _clusters(answer, folder)
    return _inspection(answer, folder) if isinstance(answer, Inspection) else _story(answer, folder)


# -- a folder ------------------------------------------------------------------------------------------------------


def _inspection(found: Inspection, folder: Folder) -> Iterator[str]:
    report = found.report
    yield f"{folder.path}: {show.many(report.records, 'record')}, {show.size(report.bytes)}"
    if not report.records:
        return
    yield from _row("from", f"{report.first_at} to {report.last_at}")
    yield from _row("took", f"{show.duration(found.active_s)} without pauses between runs")
    yield from _row("bound by", *_limit(found))
    for line in short_lines({**report.record(), "slowest": []}):
        yield from _row(line[:8].strip(), line[10:])
    yield from _row("times", _times(report))
    if report.unreadable:
        yield from _row("damaged", f"{show.many(report.unreadable, 'line')} could not be read")
    yield from _row("depth", _depths(found))
    if found.harvest:
        yield from _row("harvest", *_harvest(found))
    if found.revisits:
        yield from _row("revisits", f"{show.many(found.revisits, 'record')} of a second or later visit")
    yield from _outcomes(report)
    yield from _sites(report)
    yield from _pages("slowest", ((show.duration(one.figure / 1000), one.url) for one in report.slowest[:SHOWN]))
    yield from _pages("largest", ((show.size(one.figure), one.url) for one in report.largest[:SHOWN]))
    title = f"duplicates: {show.many(found.duplicates, 'record')}, most of"
    yield from _pages(title, ((_n(one.n, one.is_at_least), one.url) for one in found.originals[:SHOWN]))
    errors = ((_n(one.n, one.is_at_least), _error(one.reason, one.detail, one.example)) for one in report.errors)
    yield from _pages("errors", list(errors)[:SHOWN])
    yield from _traces(found)
    yield from _row("more", f"crawl inspect {shlex.quote(str(folder.path))} URL tells the story of one URL")


def _limit(found: Inspection) -> Iterator[str]:
    if found.limit is None:
        yield "nothing that its records show: see crawl why-slow"
        return
    yield f"{found.limit.bound}, {found.limit.share:.0%} of the time: {found.limit.why}"
    if found.limit.bound.advice:
        yield found.limit.bound.advice


def _traces(found: Inspection) -> Iterator[str]:
    """Yields where each parse function failed first, with the end of its traceback."""
    for one in found.traces[:SHOWN_TRACES]:
        yield f"the parse function {one.function} failed first at {one.url}:"
        yield from [f"  {line}" for line in one.text.splitlines()[-SHOWN_LINES:]]


def _harvest(found: Inspection) -> Iterator[str]:
    """Yields how many pages were what the focus sought, and how that went."""
    pages, relevant = (sum(one[n] for one in found.harvest) for n in (0, 1))
    yield f"{relevant / pages:.0%} of {show.many(pages, 'page')} were what was sought"
    if len(found.harvest) > 1:
        yield f"from first to last: {' · '.join(f'{one.relevant / one.pages:.0%}' for one in found.harvest)}"


def _times(report: Report) -> str:
    times = [show.duration(ms / 1000) for ms in (report.times.p50_ms, report.times.p95_ms, report.times.p99_ms)]
    return f"{times[0]} at the median, {times[1]} for 95 of 100, {times[2]} for 99"


def _depths(found: Inspection) -> str:
    shown = [f"{one.depth}: {show.number(one.n)}" for one in found.depths[:SHOWN_DEPTHS]]
    left = found.depths[SHOWN_DEPTHS:]
    rest = [f"deeper: {show.number(sum(one.n for one in left))}, down to {left[-1].depth}"] if left else []
    return " · ".join([*shown, *rest])


def _outcomes(report: Report) -> Iterator[str]:
    yield "outcomes"
    for one in report.outcomes[: 2 * SHOWN]:
        yield f"{show.number(one.n):>11}  {one.disposition}{f', {one.reason}' if one.reason else ''}"


def _sites(report: Report) -> Iterator[str]:
    yield f"{'records':>11} {'pages':>9} {'failed':>8} {'size':>9} {'95 of 100':>10}  site"
    for one in report.sites[:SHOWN]:
        figures = f"{_n(one.n, one.is_at_least):>11} {show.number(one.pages):>9} {show.number(one.failed):>8}"
        shown = f"{figures} {show.size(one.bytes):>9} {show.duration(one.p95_ms / 1000):>10}  "
        yield shown + show.shorten(one.site, show.WIDTH - len(shown))
    if left := sum(one.n for one in [*report.sites[SHOWN:], report.other_sites]):
        yield f"{show.number(left):>11} at other sites"


def _pages(title: str, rows: Sequence[tuple[str, str]] | Iterator[tuple[str, str]]) -> Iterator[str]:
    listed = list(rows)
    if listed:
        yield title
    for figure, text in listed:
        yield f"{figure:>11}  {show.shorten(escape_text(text), show.WIDTH - 13)}"


def _error(reason: str, detail: str, example: str) -> str:
    return f"{reason}{f' ({detail})' if detail and detail != reason else ''}: {example}"


def _n(n: int, is_at_least: bool) -> str:
    return f"{'≥' if is_at_least else ''}{show.number(n)}"


def _clusters(found: Clusters, folder: Folder) -> Iterator[str]:
    numbers = f"{show.many(found.copies, 'copy', 'copies')}, {show.many(found.near, 'near duplicate')}"
    yield f"{folder.path}: {show.many(found.records, 'record')}, {numbers}"
    if not found.near:
        yield from _row("near", "none, or not looked for (crawl with --dedupe near)")
    for one in found.largest[: 2 * SHOWN]:
        kinds = (f"{_n(n, one.is_at_least)} {name}" for n, name in ((one.copies, "same"), (one.near, "near")) if n)
        yield f"{show.shorten(escape_text(one.url), show.WIDTH - 26)}  {', '.join(kinds)}"
        for url in one.urls[:SHOWN]:
            yield f"    {show.shorten(escape_text(url), show.WIDTH - 4)}"
        if left := one.n - len(one.urls[:SHOWN]):
            yield f"    and {show.number(left)} more"
    if left := len(found.largest[2 * SHOWN :]):
        yield from _row("more", f"{show.many(left, 'cluster')}: --json has {'all' if left < 990 else 'the largest'}")


# -- a URL ---------------------------------------------------------------------------------------------------------


def _story(found: Story, folder: Folder) -> Iterator[str]:
    yield found.url.text
    if not found.visits:
        unknown = (
            "this crawl never met it" if found.standing is None else f"no visit of it is recorded: {found.standing}"
        )
        yield from _row("visits", unknown)
    for number, one in enumerate(found.visits):
        yield from _row("" if number else "visits", *_visit(one))
    if found.standing not in (None, "done"):
        yield from _row("now", f"{found.standing}")
    yield from _row("named by", *found.named_by[:SHOWN_URLS])
    yield from _linked(found)
    if found.redirects_to:
        yield from _row("leads to", found.redirects_to)
    yield from _list("led from", *found.redirected_from)
    yield from _list("copies", *found.duplicates)
    yield from _list("canonical", *found.canonical_of)
    yield from _captures(found)
    yield from _row("why", f"crawl explain {shlex.quote(str(folder.path))} {shlex.quote(found.url.text)}")


def _visit(one: Mapping[str, Any]) -> Iterator[str]:
    """Yields the lines of one visit."""
    status = f"{one.get('status') or 'no answer'}"
    reason = f" ({one['reason']})" if one.get("reason") else ""
    took = f", {show.duration(one['elapsed_ms'] / 1000)}" if one.get("elapsed_ms") is not None else ""
    size = f", {show.size(one['length'])}" if one.get("length") is not None else ""
    yield f"{one.get('visit')}: {one.get('fetched_at')}  {status} {one.get('disposition')}{reason}{took}{size}"
    facts = [f"depth {one.get('depth')}", *([f"attempt {one['attempt']}"] if (one.get("attempt") or 1) > 1 else [])]
    facts += [f"{name} {one[name]}" for name in ("content_type", "robots") if one.get(name)]
    yield f"   {', '.join(facts)}"
    if one.get("rendered"):
        yield f"   rendered {one['rendered']}, {show.duration(one['render_ms'] / 1000)}"
    for name in ("detail", "title", "duplicate_of", "near_duplicate_of", "canonical", "digest"):
        if one.get(name):
            yield f"   {name.replace('_', ' ')} {str(one[name])[:SHOWN_DIGEST] if name == 'digest' else one[name]}"


def _linked(found: Story) -> Iterator[str]:
    if found.linked_from is None:
        yield from _row("linked by", "not known: the records have no links (crawl with --links to keep them)")
    elif not found.linked_from.n:
        yield from _row("linked by", "no page that was read")
    else:
        yield from _list("linked by", *found.linked_from)


def _list(name: str, urls: Sequence[str], n: int) -> Iterator[str]:
    shown = urls[:SHOWN_URLS]
    left = n - len(shown)
    yield from _row(name, *shown, *([f"and {show.number(left)} more"] if left else []))


def _captures(found: Story) -> Iterator[str]:
    if found.captures is None:
        return
    if not found.captures:
        yield from _row("archived", "not in the WARC files")
    for number, one in enumerate(found.captures):
        where = f"{one.get('filename')}, byte {one.get('offset')}, {one.get('length')} long"
        yield from _row(
            "" if number else "archived", f"{one['at']}  {one.get('status', '-')} {one.get('mime', '')}", where
        )


def _row(name: str, *texts: str) -> list[str]:
    """Returns lines with a name and its texts, folded at spaces."""
    lines = [line for text in texts for line in _fold(text)]
    return [f"{name if not i else '':<9}  {line}" for i, line in enumerate(lines)]


def _fold(text: str) -> list[str]:
    """Returns a text in the lines of its row. Spaces at its beginning stay; its further lines get two more."""
    indent = " " * (len(text) - len(text.lstrip()))
    lines = show.wrap_text(text.lstrip(), show.WIDTH - 11 - len(indent))
    return [f"{indent}{'  ' if i and indent else ''}{line}" for i, line in enumerate(lines)]
