"""Serves a fake web until stdin closes (not a terminal) or SIGTERM comes: `python -m crawler.testing`.

Prints the home of every site (with --print-seeds, only the seeds), one a line, and an empty line once it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import signal
import stat
import sys
from pathlib import Path

from crawler.testing import robots
from crawler.testing.demo import demo_web
from crawler.testing.graph import link_graph
from crawler.testing.log import Hit
from crawler.testing.pages import SMALL_BYTES
from crawler.testing.server import Served, open_web
from crawler.testing.web import Web


def main() -> None:
    """Serves the web that the command line describes."""
    options = _options()
    _allow_many_files()
    web = demo_web() if options.demo else _graph(options)
    if options.plain_loop:
        asyncio.run(_serve(web, options))
        return
    import uvloop  # noqa: PLC0415 - absent where --plain-loop is the only loop

    uvloop.run(_serve(web, options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m crawler.testing", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="the demo web instead of a link graph")
    parser.add_argument("--sites", type=int, default=4)
    parser.add_argument("--pages", type=int, default=25, help="pages a site")
    parser.add_argument("--links", type=int, default=12, help="links a page")
    parser.add_argument("--bytes", type=int, default=SMALL_BYTES, help="median size of a page")
    parser.add_argument("--seed", type=int, default=1, help="another number, another graph")
    parser.add_argument("--crawl-delay", type=float, help="seconds that each robots.txt asks for between requests")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--by-name", action="store_true", help="links carry names, for a client with a resolver map")
    parser.add_argument("--prepare", action="store_true", help="make all pages before serving the first")
    parser.add_argument("--print-seeds", action="store_true", help="print the seeds instead of all homes")
    parser.add_argument("--hits", type=Path, help="write 'seconds<TAB>status<TAB>URL' for each request here at the end")
    parser.add_argument("--plain-loop", action="store_true", help="asyncio's own event loop instead of uvloop")
    return parser.parse_args()


def _graph(options: argparse.Namespace) -> Web:
    rules = robots.delaying(options.crawl_delay) if options.crawl_delay else None
    return link_graph(
        options.seed, options.sites, options.pages, options.links, median_bytes=options.bytes, site_robots=rules
    )


async def _serve(web: Web, options: argparse.Namespace) -> None:
    async with open_web(web, port=options.port, by_name=options.by_name) as served:
        if options.prepare:
            served.prepare()
        print(*(served.seeds if options.print_seeds else served.web.homes), "", sep="\n", flush=True)
        await _wait_for_end()
    if options.hits:
        _write_hits(served, options.hits)


async def _wait_for_end() -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if _can_wait_for_stdin():
        await loop.connect_read_pipe(lambda: _UntilEnd(ended), sys.stdin)
    await ended.wait()


def _can_wait_for_stdin() -> bool:
    """Whether the end of stdin can be awaited.

    Not for a file or /dev/null: uvloop aborts the process for these. Nor for a terminal: the system stops a process in
    the background (`... &`) that reads it, as soon as somebody types there.
    """
    if sys.stdin is None:
        return False
    mode = os.fstat(sys.stdin.fileno()).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


class _UntilEnd(asyncio.Protocol):
    """Reads stdin only to notice its end."""

    def __init__(self, ended: asyncio.Event) -> None:
        self._ended = ended

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()


def _write_hits(served: Served, path: Path) -> None:
    path.write_text("".join(map(_line, served.hits)))


def _line(hit: Hit) -> str:
    return f"{hit.began:.6f}\t{hit.status}\t{hit.url}\n"


def _allow_many_files() -> None:
    """Raises the limit of open files to the maximum, because each of thousands of connections needs one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
