"""`crawl demo`: a small web of our own, crawled before your eyes."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from crawler.testing import Served

    from .exits import Exit

PORT = 8471
"""The same each time if it is free, so that a demo that was stopped can go on: its queue names the port."""
DELAY_S = 0.1
NETWORK = "127.0.0.0/8"


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The crawl folder.")] = Path("demo.crawl"),
    delay: Annotated[float, typer.Option(metavar="SECONDS", help="Rest between requests to one site.")] = DELAY_S,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Show the log; -vv: all of it.")
    ] = 0,
) -> None:
    """Serve a small web on this machine and crawl it: 24 sites, 300 pages and the usual nuisances.

    A demo that was stopped goes on; one that is finished is set aside and starts over.
    """
    from .work import run_loop

    raise typer.Exit(run_loop(_demo(out, delay, quiet, verbose)))


async def _demo(out: Path, delay: float, quiet: bool, verbose: int) -> Exit:
    from crawler.config import load

    from .work import Job, crawled

    config = load(settings={"delay_s": delay, "allow_networks": [NETWORK]})
    async with _served() as (served, is_the_same_web):
        fresh = not is_the_same_web or await _is_finished(out)
        command = ["demo", *(["-o", str(out)] if out != Path("demo.crawl") else [])]
        job = Job(config, served.seeds, out, command, fresh=fresh, quiet=quiet, verbose=verbose)
        code = await crawled(job)
    if not quiet and code == 0:
        print(_NEXT.format(out=out), file=sys.stderr)
    return code


@asynccontextmanager
async def _served() -> AsyncIterator[tuple[Served, bool]]:
    """The demo web, and whether it has the addresses it had last time."""
    from crawler.testing import demo_web, open_web

    try:
        async with open_web(demo_web(), port=PORT) as served:
            yield served, True
            return
    except OSError:  # the port is taken
        pass
    async with open_web(demo_web()) as served:
        yield served, False


async def _is_finished(out: Path) -> bool:
    from crawler import open_crawl

    if not (out / "crawl.toml").exists():
        return False
    async with open_crawl(folder=out) as last:
        counts = last.snapshot().counts
        return counts.known > 0 and counts.queued == 0


_NEXT = """
what to look at next:
  {out}/pages.jsonl    one line of JSON for each URL: what became of it, and why
  {out}/crawl.toml     the settings; `crawl config show` lists all there are
  crawl https://example.org/ --depth 2   a real one"""
