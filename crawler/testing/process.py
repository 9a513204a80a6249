"""Runs a fake web in a separate process, for crawlers that are measured or killed from outside."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crawler.event_loop import require_asyncio


@asynccontextmanager
async def open_web_process(*options: str) -> AsyncIterator[list[str]]:
    """Runs `python -m crawler.testing OPTIONS...` and yields the lines that it prints: the addresses of its sites.

    The process ends with the context. It also ends with this process, however that ends: its stdin is a pipe from here.
    """
    require_asyncio()
    command = (sys.executable, "-m", "crawler.testing", *options)
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both are pipes")
    try:
        yield await _lines(process.stdout)
    finally:
        process.stdin.close()
        await process.wait()


async def _lines(stdout: asyncio.StreamReader) -> list[str]:
    """Returns the lines up to the empty one, which says that the server listens."""
    lines = []
    while line := (await stdout.readline()).strip():
        lines.append(line.decode())
    if not lines:
        raise RuntimeError("the web process ended before it served anything: its stderr says why")
    return lines
