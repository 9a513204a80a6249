"""The installed command, as a person or a script runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import anyio
import pytest

from crawler.testing import Served, Site, Web, error, html, open_web, redirect, slow
from tests.cli.imported import IS_POSSIBLE, MOST_INPUT, Imported

CRAWL = str(Path(sys.executable).with_name("crawl"))
ALLOWED = ("--allow-network", "127.0.0.0/8", "--delay", "0")


class Ran(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


Crawl: TypeAlias = Callable[..., Awaitable[Ran]]


@pytest.fixture(scope="session")
def imported() -> Iterator[Imported | None]:
    """The command, imported once for all tests that only want to see what it does."""
    if not IS_POSSIBLE:
        yield None
        return
    process = Imported()
    yield process
    process.close()


@pytest.fixture
def crawl(tmp_path: Path, imported: Imported | None) -> Crawl:
    """`await crawl("urls.txt", ...)` runs the command in a folder of the test's own."""

    async def run(*arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Ran:
        if imported and len(stdin) <= MOST_INPUT:
            environment = dict(os.environ) if env is None else env
            code, out, err = await imported.run([*arguments], stdin.encode(), tmp_path, environment)
            return Ran(code, out.decode(), err.decode())
        ran = await anyio.run_process(
            [CRAWL, *arguments], input=stdin.encode(), check=False, cwd=tmp_path, env=env, stderr=subprocess.PIPE
        )
        return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())

    return run


@pytest.fixture
async def web() -> AsyncIterator[Served]:
    """Two small sites: three pages, a redirect and a failure; and one that takes its time."""
    sites = [
        Site("a.test", {"/": html("A", ["/1", "/2", "/moved", "/broken"]), "/1": html("One"), "/2": html("Two"),
                        "/moved": redirect("/2"), "/broken": error(404)}),
        Site("b.test", {"/": html("B", [f"/{n}" for n in range(40)])}
             | {f"/{n}": slow(html(f"B{n}"), 0.05) for n in range(40)}),
    ]  # fmt: skip
    async with open_web(Web(sites, ["http://a.test/"])) as served:
        yield served
