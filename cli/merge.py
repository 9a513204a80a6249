"""`crawl merge NAME`: one file of what the nodes of a crawl wrote."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import show
from .exit_codes import Exit
from .stderr import tell_line

if TYPE_CHECKING:
    from crawler import Engine

ENGINE = "The engine that the crawl is in: postgresql://USER@HOST/DB."


def merge(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="NAME...", help="The crawl's folder; further ones with folders of its nodes."),
    ],
    engine: Annotated[str, typer.Option(metavar="URL", help=ENGINE)],
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="The file to write; -: standard output.")],
    partly: Annotated[bool, typer.Option("--partly", help="Merge a crawl that is not finished yet.")] = False,
) -> None:
    """Put together what the nodes of a crawl in an engine wrote: every record once, and none is missing.

    It refuses to write less than what was settled: a node's files that are missing or short are named.
    """
    from .process import run_loop

    raise typer.Exit(run_loop(lambda: _merge(folders, engine, out, partly=partly)))


async def _merge(folders: list[Path], url: str, out: str, *, partly: bool) -> Exit:
    from crawler import ConfigError, open_engine

    name = folders[0].name
    async with open_engine(url) as engine:
        if not partly and not await engine.is_finished(name):
            raise ConfigError(
                f"the crawl {name!r} is not finished: wait for its nodes, or merge what is there (--partly)"
            )
        if out == "-":
            records = await _write(engine, name, folders, None)
        else:
            draft = Path(f"{out}.new")
            records = await _write(engine, name, folders, draft)
            os.replace(draft, out)
    tell_line(f"{out}: {show.many(records, 'record')}")
    return Exit.DONE


async def _write(engine: Engine, name: str, folders: list[Path], draft: Path | None) -> int:
    """Writes all records; returns their number. Raises FolderError if there are fewer than visits were settled."""
    from crawler import FolderError

    records, settled = 0, sum((await engine.settled(name)).values())
    file = sys.stdout.buffer if draft is None else await asyncio.to_thread(draft.open, "wb")
    try:
        async for part in engine.merge(name, folders):
            records += part.count(b"\n")
            file.write(part)
        file.flush()
        if records < settled:
            raise FolderError(f"{records:,} records are here, but {settled:,} visits were settled: files were changed")
    except BaseException:
        if draft is not None:
            with suppress(OSError):
                os.unlink(draft)
        raise
    finally:
        if draft is not None:
            file.close()
    return records
