"""`crawl index FOLDER`: makes the index for `crawl search`, or brings it up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import show, values


def index(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The crawl folder; a crawl may run in it.")],
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Make the index for `crawl search`, or bring it up to date with what is settled.

    `crawl search` does so, too. A crawl with `--index` keeps it up to date while it runs.
    """
    from crawler import Config, Trust, index_folder, read_folder

    from .export import Progress
    from .interrupts import raising_interrupts
    from .search import NO_TEXTS
    from .stderr import tell_line

    found = read_folder(folder, Config(), trust=Trust(foreign=trust_folder))
    progress = Progress()
    with raising_interrupts():
        try:
            made = index_folder(found, tell=progress)
        finally:
            progress.clear()
    tell_line(f"{found.path}: {show.many(made.pages, 'page')} can be found")
    if made.pages and not made.has_texts:
        tell_line(NO_TEXTS)
