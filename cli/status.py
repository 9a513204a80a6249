"""`crawl status FOLDER`: prints what stands in a crawl folder, in words or as JSON."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crawler import escape_text
from crawler.runtime.escaping import json_line

from . import reports_view, show, values
from .colours import tint
from .counted import Standing, ask, counted_words, moment

if TYPE_CHECKING:
    from crawler import Folder, Report

QUICKLY_BYTES = 16 << 20
"""Bytes of records that are counted without being asked to: a fifth of a second."""


def status(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The crawl folder.")],
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Count all records, however many, and keep the count in the folder.")
    ] = False,
    engine: Annotated[
        str,
        typer.Option(
            metavar="URL", help="Ask the engine for the crawl of this name: postgresql://USER@HOST/DB, redis://HOST."
        ),
    ] = "",
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Say what stands in a crawl folder: pages, queue, failures, outputs, how its pages came out, what is to do next.

    It changes nothing but for --report, and may look at a folder while a crawl runs in it.
    """
    from crawler import Config, FolderError, Trust, look, read_folder, read_report

    from .interrupts import raising_interrupts

    if engine:
        if report:
            raise typer.BadParameter("counts records, and an engine has none: crawl report", param_hint="--report")
        from .engine_status import tell_status
        from .process import run_loop

        raise typer.Exit(run_loop(lambda: tell_status(folder.name, engine, json=json)))
    found = read_folder(folder, Config(), trust=Trust(foreign=trust_folder))
    if not found.frontier_path.exists():
        raise FolderError(f"{folder} holds no {found.frontier_path.name}: nothing is known of its URLs")
    with raising_interrupts():
        standing = look(found.frontier_path, ask)
        counted = read_report(found, most_bytes=None if report else QUICKLY_BYTES, keep=report)
    holder = found.holder
    if json:
        sys.stdout.write(json_line(_record(found, standing, holder, counted)).decode())
        return
    for line in _words(found, standing, holder, counted):
        print(tint(escape_text(line), sys.stdout))


def _words(folder: Folder, now: Standing, holder: int | None, report: Report | None) -> Iterator[str]:
    done = show.many(sum(now.settled.values()), "URL")
    state = f"a crawl runs in it, pid {holder}" if holder else "no crawl runs in it"
    yield f"{folder.path}: {show.many(now.pages, 'page')}, {done} done, {show.number(now.queued)} queued; {state}"
    yield from counted_words(now)
    yield from (f"  {line}" for line in _report_words(folder, report))
    if now.last_visit:
        yield f"  last      {moment(now.last_visit)}, {show.duration(max(0.0, time.time() - now.last_visit))} ago"
    for label, (place, size) in zip(("outputs", *[""] * len(folder.outputs)), _outputs(folder), strict=False):
        yield f"  {label:<8}  {place}{'' if size is None else f', {show.size(size)}'}"
    yield from () if holder else (f"  {line}" for line in _next_steps(folder, now))


def _report_words(folder: Folder, report: Report | None) -> Iterator[str]:
    if report is not None:
        yield from reports_view.short_lines(report.record())
    elif any(output.reader for output in folder.outputs):
        yield f"{'report':<8}  its records are not counted yet: crawl status {shlex.quote(str(folder.path))} --report"


def _next_steps(folder: Folder, now: Standing) -> Iterator[str]:
    """Yields what the crawl would do if it went on, and the commands for it."""
    command = f"crawl {shlex.quote(str(folder.path))}"
    limit = folder.config.scope.limit
    if now.queued and limit is not None and now.pages >= limit:
        yield f"its limit of {show.many(limit, 'page')} is reached; to go on: {command} --limit {2 * limit}"
    elif now.queued:
        yield f"to visit what is queued: {command}"
    elif now.next_revisit:
        yield f"pages are visited again from {moment(now.next_revisit)}: {command}"
    else:
        yield "nothing is left to visit"
    if now.failed:
        yield f"to try again what failed: {command} --retry-failed"
    if now.parked:
        yield f"to fetch what is parked: {command} --unpark all"


def _outputs(folder: Folder) -> Iterator[tuple[str, int | None]]:
    """Yields the place of each output and its size in bytes; None: it is not in files of the folder, or not there."""
    for output in folder.outputs:
        sizes = [path.stat().st_size for name in output.files if (path := folder.path / name).is_file()]
        yield output.place, sum(sizes) if sizes else None


def _record(folder: Folder, now: Standing, holder: int | None, report: Report | None) -> dict[str, object]:
    return {
        "v": 1,
        "folder": str(folder.path),
        "pid": holder,
        "pages": now.pages,
        "settled": dict(now.settled),
        "queued": now.queued,
        "failed": dict(now.failed),
        "parked": now.parked,
        "parked_under": {one.pattern: one.parked for one in now.parkings},
        "sites": [{"site": site, "queued": queued} for site, queued in now.sites],
        "last_visit_at": moment(now.last_visit),
        "next_revisit_at": moment(now.next_revisit),
        "outputs": [{"place": place, "bytes": size} for place, size in _outputs(folder)],
        "report": report and report.record(),
        "next": [] if holder else list(_next_steps(folder, now)),
    }
