"""`crawl report FOLDER`: says what is wrong with a crawled site, in words, as a page, as JSON or as a table."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crawler import escape_text

from . import show, sources, values
from .colours import tint

if TYPE_CHECKING:
    from crawler import Check, Finding, Folder

SHOWN = 3
"""Findings of one code that are told in words."""
SHOWN_PAGES = 3
MOST_DETAIL = 120
"""Characters of a detail that are told in words."""


def report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The crawl folder; a crawl may run in it.")],
    out: Annotated[
        str,
        typer.Option("-o", "--out", metavar="FILE", help="A page to open (.html), or all findings (.json, .csv)."),
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Write all findings to standard output as one object.")] = False,
    check: Annotated[
        list[str] | None,
        typer.Option("--check", metavar="MODULE:FUNCTION", help="A check of your own; may be given several times."),
    ] = None,
    engine: Annotated[str, typer.Option(metavar="URL", help=sources.ENGINE)] = "",
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Say what is wrong with a site that was crawled: broken links with their pages, missing titles, and more.

    `--preset audit` crawls with all that findings are made of. Each has a code that docs/findings.md explains.
    """
    from crawler import ConfigError, load_check, write_site_report

    from .export import Progress
    from .interrupts import raising_interrupts
    from .stderr import tell_line

    if json and out:
        raise ConfigError("--json goes to standard output: leave out -o, or name a file that ends with .json")
    form = "json" if json else _format_of(out)
    checks = [load_check(one) for one in check or ()]
    progress = Progress()
    with raising_interrupts(), sources.open_source(folder, engine, trust_folder=trust_folder) as found:
        try:
            if form:
                write_site_report(found, Path(out) if out else None, form, checks=checks, tell=progress)
            else:
                _tell(found, checks, progress)
        finally:
            progress.clear()
    if out:
        tell_line(f"{out}: {show.size(Path(out).stat().st_size)}")


def _format_of(out: str) -> str:
    """Returns the format that the ending of a file names; empty: words. Raises ConfigError."""
    from crawler import ConfigError

    if not out:
        return ""
    ending = Path(out).suffix.lower().removeprefix(".")
    if ending not in ("html", "json", "csv"):
        raise ConfigError(f"-o {out}: name a file that ends with .html, .json or .csv")
    return ending


def _tell(folder: Folder, checks: Sequence[Check], progress: object) -> None:
    from crawler import audit_folder

    from .export import Progress

    assert isinstance(progress, Progress)
    lines = list(_lines(audit_folder(folder, checks=checks, most_pages=SHOWN_PAGES, tell=progress)))
    progress.clear()
    for line in lines or ["nothing was found to be wrong"]:
        print(tint(escape_text(line), sys.stdout))


def _lines(findings: Iterator[Finding]) -> Iterator[str]:
    """Yields the first findings of each code, with their numbers."""
    from crawler import FINDINGS

    told: dict[str, list[Finding]] = {}
    numbers: dict[str, int] = {}
    for finding in findings:
        numbers[finding.code] = numbers.get(finding.code, 0) + 1
        shown = told.setdefault(finding.code, [])
        if len(shown) < SHOWN:
            shown.append(finding)
    for code, shown in told.items():
        title = FINDINGS[code].title if code in FINDINGS else code
        yield f"{shown[0].severity}: {title}: {show.number(numbers[code])}  ({code})"
        for finding in shown:
            yield from _finding(finding)
        if (left := numbers[code] - len(shown)) > 0:
            yield f"  and {show.number(left)} more"
        yield f"  {shown[0].advice}"


def _finding(finding: Finding) -> Iterator[str]:
    detail = finding.detail if len(finding.detail) <= MOST_DETAIL else f"{finding.detail[:MOST_DETAIL]}…"
    yield f"  {finding.url}{f'  {detail}' if detail else ''}"
    for place in finding.pages:
        said = f"  “{place.text}”" if place.text else ""
        yield f"      on {place.url}{said}"
    if finding.pages and (left := finding.n_pages - len(finding.pages)) > 0:
        yield f"      and on {show.many(left, 'more page')}"
