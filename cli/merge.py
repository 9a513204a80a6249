"""`crawl merge NAME`: one file of what the nodes of a crawl wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import show
from .exit_codes import Exit
from .stderr import tell_line

ENGINE = "The engine that the crawl is in: postgresql://USER@HOST/DB, redis://HOST."


def merge(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="NAME...", help="The crawl's folder; further ones with folders of its nodes."),
    ],
    engine: Annotated[str, typer.Option(metavar="URL", help=ENGINE)],
    out: Annotated[
        str,
        typer.Option("--out", "-o", metavar="FILE", help="The file of records, or s3://BUCKET/FILE; -: to a pipe."),
    ] = "",
    warc: Annotated[
        str,
        typer.Option(
            metavar="DIR",
            help="A new folder, or s3://BUCKET/DIR, for the WARC files of all nodes, with one CDXJ index.",
        ),
    ] = "",
    partly: Annotated[bool, typer.Option("--partly", help="Merge a crawl that is not finished yet.")] = False,
) -> None:
    """Put together what the nodes of a crawl in an engine wrote: every record once, and none is missing.

    It refuses to write less than what was settled: a node's files that are missing or short are named.
    """
    from .process import run_loop

    if not out and not warc:
        raise typer.BadParameter("name a file for the records, or a folder for WARC files: --warc", param_hint="--out")
    raise typer.Exit(run_loop(lambda: _merge(folders, engine, out, warc, partly=partly)))


async def _merge(folders: list[Path], url: str, out: str, warc: str, *, partly: bool) -> Exit:
    from crawler import ConfigError, open_engine

    from .export import as_target

    name = folders[0].name
    async with open_engine(url) as engine:
        if not partly and not await engine.is_finished(name):
            raise ConfigError(
                f"the crawl {name!r} is not finished: wait for its nodes, or merge what is there (--partly)"
            )
        if out:
            records = await engine.merge_records(name, folders, None if out == "-" else as_target(out))
            tell_line(f"{out}: {show.many(records, 'record')}")
        if warc:
            made = await engine.merge_archives(name, folders, as_target(warc))
            files, size = show.many(made.files, "WARC file"), show.size(made.bytes)
            tell_line(f"{warc}: {files}, {size}, {show.many(made.captures, 'capture')} in the index")
    return Exit.DONE
