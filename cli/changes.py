"""`crawl changes FOLDER`: writes what revisits found as lines of JSON, each change once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from crawler.runtime.escaping import json_line

from . import values


def changes(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The crawl folder; a crawl may run in it.")],
    since: Annotated[
        str, typer.Option(metavar="CURSOR", show_default=False, help="Only what comes after this line's `cursor`.")
    ] = "",
    kind: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Only new, changed, moved or gone. Repeatable.")
    ] = None,
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """List new, changed, moved and gone pages as lines of JSON, each change once, in the order in which it was found.

    A page is gone after repeated refusals (404, 410), hours apart, while its site is well; never through an outage.
    """
    from crawler import Config, Trust, follow_changes, read_folder

    from .interrupts import raising_interrupts

    wanted = _check(kind or ())
    found = read_folder(folder, Config(), trust=Trust(foreign=trust_folder))
    with raising_interrupts():
        for one in follow_changes(found, since):
            if not wanted or one.kind in wanted:
                sys.stdout.buffer.write(json_line(one.record()))
        sys.stdout.flush()


def _check(kinds: list[str] | tuple[str, ...]) -> frozenset[str]:
    """Returns the kinds that are wanted; none: all. Raises ConfigError."""
    from crawler import CHANGE_KINDS, ConfigError
    from crawler.runtime.nearest import did_you_mean

    for kind in kinds:
        if kind not in CHANGE_KINDS:
            near = did_you_mean(kind, CHANGE_KINDS, f"; there are {', '.join(CHANGE_KINDS)}")
            raise ConfigError(f"--kind: {kind!r} is no kind of change{near}")
    return frozenset(kinds)
