"""`crawl bench`: measures what this machine can do, and the same work done in several ways."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from crawler.bench import Extra, Figures, Stage, Way, Work

SECONDS, LATENCY_MS = 60.0, 40.0


def bench(
    seconds: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, max=3600, help="How long to measure, all in all.")
    ] = SECONDS,
    latency_ms: Annotated[
        float,
        typer.Option("--latency-ms", metavar="MS", min=0, max=10_000, help="How long the server takes."),
    ] = LATENCY_MS,
    workers: Annotated[
        int, typer.Option(metavar="N", min=0, max=1024, help="Processes that parse; 0: one for each core.")
    ] = 0,
    stages_only: Annotated[
        bool, typer.Option("--stages-only", help="Measure what a crawl does here, and no other ways.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the figures and their chart into an HTML file as well.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object instead.")] = False,
) -> None:
    """Measure this machine for a minute: fetching, parsing, a whole crawl, and the same work done in five ways.

    All pages come from a process on this machine; nothing is sent anywhere. Close other programs for true figures.
    """
    from crawler.runtime.escaping import json_line

    from . import bench_report
    from .process import prepare_workers, run_loop

    if html:
        _write(html, "")  # a minute later would be a bad time to learn that it cannot be written
    prepare_workers("process")
    figures = run_loop(lambda: _measure(seconds, latency_ms, workers, has_ways=not stages_only))
    if html:
        _write(html, bench_report.page(figures))
    if json:
        sys.stdout.write(json_line(bench_report.as_record(figures)).decode())
    else:
        print(*bench_report.lines(figures), sep="\n")
    if html:
        print(f"written: {html}", file=sys.stderr)


async def _measure(seconds: float, latency_ms: float, workers: int, *, has_ways: bool) -> Figures:
    from crawler.bench import measure

    from .bench_report import describe

    shows = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def tell(what: Stage | Work | Extra, way: Way | None) -> None:
        sys.stderr.write(f"\r\x1b[K{describe(what, way)} ...")
        sys.stderr.flush()

    if not shows:
        return await measure(seconds, latency_ms=latency_ms, has_ways=has_ways, cores=workers)
    try:
        return await measure(seconds, latency_ms=latency_ms, has_ways=has_ways, cores=workers, told=tell)
    finally:
        sys.stderr.write("\r\x1b[K")


def _write(path: Path, text: str) -> None:
    """Writes a file. Raises ConfigError if it cannot be written."""
    from crawler import ConfigError
    from crawler.runtime.private_files import opener

    try:
        with open(path, "w", encoding="utf-8", opener=opener) as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"--html {path}: {error.strerror or error}") from error
