"""`crawl demo`: serves a small web on this machine and crawls it."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from crawler.testing import Served

    from .exit_codes import Exit

PORT = 8471
"""The default port of the demo web. If it is taken, any free port is used."""
DELAY_S = 0.1
NETWORK = "127.0.0.0/8"


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The crawl folder.")] = Path("demo.crawl"),
    delay: Annotated[float, typer.Option(metavar="SECONDS", help="Rest between requests to one site.")] = DELAY_S,
    port: Annotated[
        int, typer.Option(metavar="PORT", min=1, max=65535, help="Port to serve it on; any free one if this is taken.")
    ] = PORT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Show the log; -vv: all of it.")
    ] = 0,
) -> None:
    """Serve a small web on this machine and crawl it: 24 sites, 300 pages and the usual difficulties.

    A demo that was stopped continues. The folder of a finished one is set aside, and the demo starts over.
    """
    from .process import prepare_workers, run_loop

    prepare_workers("process")
    raise typer.Exit(run_loop(lambda: _demo(out, delay, port, quiet, verbose)))


async def _demo(out: Path, delay: float, port: int, quiet: bool, verbose: int) -> Exit:
    from crawler.settings.loading import load

    from .run_crawl import CrawlOrder, run_crawl

    config = load(settings={"delay_s": delay, "allow_networks": [NETWORK]})
    last_port = await _read_last_port(out)
    async with _open_demo_web(last_port or port) as served:
        command = ["demo", *(["-o", str(out)] if out != Path("demo.crawl") else [])]
        fresh = urlsplit(served.seeds[0]).port != last_port
        job = CrawlOrder(config, served.seeds, out, command, fresh=fresh, quiet=quiet, verbose=verbose)
        code = await run_crawl(job)
    if not quiet and code == 0:
        print(_NEXT.format(out=out), file=sys.stderr)
    return code


@asynccontextmanager
async def _open_demo_web(port: int) -> AsyncIterator[Served]:
    """Serves the demo web on `port`, or on any free port if that one is taken."""
    from crawler.testing import demo_web, open_web

    async with AsyncExitStack() as stack:
        try:
            served = await stack.enter_async_context(open_web(demo_web(), port=port))
        except OSError:
            served = await stack.enter_async_context(open_web(demo_web()))
        yield served


async def _read_last_port(out: Path) -> int | None:
    """Returns the port that the queued URLs of an unfinished demo name; None if nothing is queued."""
    from crawler import open_crawl

    try:
        first = _first_record(out / "pages.jsonl")
    except (OSError, ValueError):
        return None
    async with open_crawl(folder=out) as last:
        return urlsplit(first["url"]).port if last.snapshot().counts.queued else None


def _first_record(path: Path) -> Any:
    from crawler.runtime.private_files import opener

    with open(path, "rb", opener=opener) as file:
        return json.loads(file.readline())


_NEXT = """
what to look at next:
  {out}/pages.jsonl   one line of JSON for each URL, with its outcome
  {out}/crawl.toml    the settings; `crawl config show` lists all
  crawl https://example.org/ --depth 2   a crawl of a real site"""
