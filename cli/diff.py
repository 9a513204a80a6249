"""`crawl diff A B`: tells two crawls apart, in a table, as lines of JSON or as a page; its exit codes are diff(1)'s."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crawler import escape_text
from crawler.runtime.escaping import json_line

from . import show, values
from .colours import tint
from .exit_codes import Exit
from .stderr import tell_line

if TYPE_CHECKING:
    from crawler import Comparison, Difference

TROUBLE = 2
"""The exit code of diff(1) for trouble of any kind."""
MARKS = {"added": "+", "removed": "-", "moved": ">", "changed": "~", "status": "!", "robots": "*"}


def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="A crawl folder, a WARC or WACZ, or records as JSONL.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The later one, of any of these kinds.")],
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object for each difference.")] = False,
    html: Annotated[
        str, typer.Option("--html", metavar="FILE", show_default=False, help="Write a page; -: to standard output.")
    ] = "",
    most: Annotated[int, typer.Option(metavar="N", min=0, help="Rows of the table.")] = 100,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing; the exit code tells.")] = False,
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Tell two crawls apart: added, removed, moved and changed pages, and those whose status or robots changed.

    The exit code is 0 where nothing differs, 1 where something does, and 2 where there was trouble.
    """
    from crawler import CrawlError, ReaderGone, Trust, open_comparison, write_page

    from .interrupts import raising_interrupts

    try:
        with raising_interrupts(), open_comparison(before, after, trust=Trust(foreign=trust_folder)) as compared:
            if html:
                write_page(compared, None if html == "-" else Path(html))
            if json:
                for one in compared:
                    sys.stdout.buffer.write(json_line(one.record()))
                sys.stdout.flush()
            elif not quiet and html != "-":
                for line in _words(compared, most):
                    print(tint(escape_text(line), sys.stdout))
            raise typer.Exit(Exit.ERROR if any(compared.counts.values()) else Exit.DONE)
    except ReaderGone:
        raise
    except CrawlError as error:
        for line in f"crawl: {error}".split("\n"):
            tell_line(line)
        raise typer.Exit(TROUBLE) from error


def _words(compared: Comparison, most: int) -> Iterator[str]:
    n = dict(zip(("before", "after"), compared.urls, strict=True))
    yield f"{compared.before}: {show.many(n['before'], 'URL')}; {compared.after}: {show.many(n['after'], 'URL')}"
    if not any(compared.counts.values()):
        yield "no difference"
        return
    yield show.format_counts({kind: n for kind, n in compared.counts.items() if n})
    for one in islice(compared, most):
        yield from _row(one)
    left = sum(1 for _ in islice(compared, most, None))
    if left:
        yield f"and {show.many(left, 'more', 'more')}: --most N shows more, --json all"


def _row(one: Difference) -> Iterator[str]:
    mark = MARKS[one.kinds[0]]
    yield f"{mark} {show.shorten(escape_text(one.url), show.WIDTH - 2)}"
    for text in _details(one):
        yield f"    {show.shorten(escape_text(text), show.WIDTH - 4)}"


def _details(one: Difference) -> Iterator[str]:
    """Yields what is to be said of a difference, below its URL."""
    if one.moved_to:
        yield f"moved to {one.moved_to} ({one.moved_how})"
    elif one.before and one.after:
        yield f"{', '.join(one.kinds)}{_how_much(one)}"
    if one.before and one.after and not one.moved_to:
        for name in ("status", "reason", "robots", "title"):
            old, new = getattr(one.before, name), getattr(one.after, name)
            if old != new and not (name == "reason" and "status" in one.kinds and _is_of_status(one)):
                yield f"{name}: {'-' if old is None else old} -> {'-' if new is None else new}"


def _is_of_status(one: Difference) -> bool:
    """Whether the reasons say no more than the statuses."""
    return all(not state.reason or state.reason.startswith("status-") for state in (one.before, one.after) if state)


def _how_much(one: Difference) -> str:
    alike = f", {one.similarity:.0%} alike" if one.similarity is not None else ""
    lines = f", lines +{one.lines.added:,} -{one.lines.removed:,}" if one.lines else ""
    return alike + lines
