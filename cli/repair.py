"""`crawl repair FOLDER`: repairs a damaged crawl folder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from crawler import escape_text

from . import show, values


def repair(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The crawl folder.")],
    force: Annotated[bool, typer.Option("--force", help="Rebuild it even if no damage is found.")] = False,
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Rebuild a damaged frontier.sqlite from its readable parts and from the pages; keep the damaged file.

    Pages whose records are missing from the output are queued again.
    """
    from crawler import Trust, repair_folder

    from .interrupts import raising_interrupts

    with raising_interrupts():
        mended = repair_folder(folder, is_forced=force, trust=Trust(foreign=trust_folder))
    if not mended:
        typer.echo("no damage found, and nothing changed", err=True)
        return
    if done := mended.frontier:
        known, visited, queued = show.many(done.known, "URL"), show.number(done.visited), show.number(done.queued)
        typer.echo(f"{known} known: {visited} visited, {queued} queued", err=True)
        if done.lost:
            typer.echo(
                f"{show.many(done.lost, 'URL')} or more are lost; those that pages link to are found again", err=True
            )
        typer.echo(f"the damaged file is kept: {escape_text(str(done.damaged))}", err=True)
    for line in show.lost_record_lines(mended.lost):
        typer.echo(line, err=True)
    typer.echo(f"go on with: crawl {escape_text(shlex.quote(str(folder)))}", err=True)
