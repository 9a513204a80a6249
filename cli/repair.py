"""`crawl repair FOLDER`: a frontier that was damaged, made anew from what can be read."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from crawler.harmless import printable

from . import values


def repair(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The crawl folder.")],
    force: Annotated[bool, typer.Option("--force", help="Rebuild it even where no damage is found.")] = False,
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Rebuild a damaged frontier.sqlite from what can still be read of it and from the pages; keeps the damaged one."""
    from crawler.mending import mend
    from crawler.trust import Trust

    done = mend(folder, is_forced=force, trust=Trust(foreign=trust_folder))
    if done is None:
        typer.echo("no damage found, and nothing changed", err=True)
        return
    typer.echo(f"{done.known} URLs known: {done.visited} visited, {done.queued} queued", err=True)
    if done.lost:
        typer.echo(f"{done.lost} URLs or more are lost; those that pages link to are found again", err=True)
    kept, named = printable(str(done.damaged)), printable(shlex.quote(str(folder)))
    typer.echo(f"the damaged file is kept: {kept}\ngo on with: crawl {named}", err=True)
