"""`crawl repair FOLDER`: a frontier that was damaged, made anew from what can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def repair(folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The crawl folder.")]) -> None:
    """Rebuild a damaged frontier.sqlite from what can still be read of it and from the pages; keeps the damaged one."""
    from crawler.mending import mend

    done = mend(folder)
    typer.echo(f"{done.known} URLs known: {done.visited} visited, {done.queued} queued", err=True)
    if done.lost:
        typer.echo(f"at least {done.lost} URLs are lost; those that other pages link to are found again", err=True)
    typer.echo(f"the damaged file is now {done.damaged}; go on with: crawl {folder}", err=True)
