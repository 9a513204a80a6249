"""`crawl search FOLDER WORDS`: finds pages of a crawl by words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crawler import escape_text
from crawler.runtime.escaping import json_line

from . import show, sources, values
from .colours import wants_colour

if TYPE_CHECKING:
    from crawler import SearchHit

LIMIT = 10
NO_TEXTS = "its records hold no texts, so only titles and addresses are searched: crawl with --text"


def search(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The crawl folder; a crawl may run in it.")],
    words: Annotated[
        list[str],
        typer.Argument(metavar="WORDS", help='All must be there. "two words" together, beginning*, -without.'),
    ],
    site: Annotated[
        str, typer.Option(metavar="SITE", show_default=False, help="Only pages of this site: example.org")
    ] = "",
    status: Annotated[str, typer.Option(metavar="N", show_default=False, help="Only this status: 404, or 4xx.")] = "",
    after: Annotated[
        str, typer.Option(metavar="DATE", show_default=False, help="Only pages seen since then: 2026-05-04")
    ] = "",
    before: Annotated[str, typer.Option(metavar="DATE", show_default=False, help="Only pages seen before.")] = "",
    limit: Annotated[int, typer.Option(metavar="N", help="Show so many pages, 1,000 at most.")] = LIMIT,
    json: Annotated[bool, typer.Option("--json", help="Write a line of JSON for each page.")] = False,
    engine: Annotated[str, typer.Option(metavar="URL", help=sources.ENGINE)] = "",
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Find pages of a crawl by words in their titles, texts and addresses, the best first.

    The index stands in the folder; it is made, or brought up to date, first.
    """
    from crawler import search_folder

    from .export import Progress
    from .interrupts import raising_interrupts
    from .stderr import tell_line

    progress = Progress()
    with raising_interrupts(), sources.open_source(folder, engine, trust_folder=trust_folder) as found:
        try:
            answer = search_folder(
                found, " ".join(words), site=site, status=status, after=after, before=before, limit=limit, tell=progress
            )
        finally:
            progress.clear()
    for hit in answer.hits:
        if json:
            sys.stdout.buffer.write(json_line(hit.record()))
        else:
            print("\n".join(_lines(hit, wants_colour(sys.stdout))), end="\n\n")
    sys.stdout.flush()
    shown = f", {len(answer.hits)} shown" if len(answer.hits) < answer.total else ""
    tell_line(f"{show.many(answer.total, 'page')} found{shown}" if answer.total else "no page holds all these words")
    if not answer.has_texts:
        tell_line(NO_TEXTS)


def _lines(hit: SearchHit, is_bold: bool) -> Iterator[str]:
    """Yields the title of a page, its URL and the part of its text that holds the words."""
    told = f"  ({hit.status})" if hit.status != 200 else ""
    yield f"{escape_text(hit.title) or '(no title)'}{told}"
    yield f"  {escape_text(hit.url)}"
    if hit.snippet:
        for line in show.wrap_text(hit.snippet, show.WIDTH - 2):
            yield f"  {_stress(line, hit) if is_bold else line}"


def _stress(line: str, hit: SearchHit) -> str:
    """Returns a line with the found words in bold."""
    import re

    words = sorted({escape_text(hit.snippet[begin:end]) for begin, end in hit.marks}, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, words)), "\x1b[1m\\g<0>\x1b[0m", line) if words else line
