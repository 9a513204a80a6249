"""Makes the pages of findings of jobs, each in a process of its own, one at a time."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from ...protocols import Output
from ...records import ALL
from ...runtime.threads import run_in_thread
from ..errors import WrongState
from .records import readable, readable_output

NAME = ".report.html"
"""The file in a job's folder. It is not among its results, and goes with the folder."""


class SiteReports:
    """The pages of all jobs. A page is kept until the job has more records."""

    def __init__(
        self, outputs_of: Callable[[str], Awaitable[Sequence[Output]]], folder_of: Callable[[str], Path]
    ) -> None:
        self._outputs_of = outputs_of
        self._folder_of = folder_of
        self._ends: dict[str, int] = {}
        """The place after the last record of which a job's page was made."""
        self._turn = asyncio.Lock()
        """Held while a page is made: it takes a core of the machine and a file of its own."""

    async def make(self, job: str) -> Path:
        """Returns the page of a job, made of the records that are settled.

        Raises NoSuchJob, NoRecords, WrongState, ConfigError. Safe to cancel: the process ends.
        """
        folder = self._folder_of(job)
        _, reader = readable_output(await self._outputs_of(job))
        page = folder / NAME
        async with self._turn:
            with readable():
                await run_in_thread(reader.read, 0, 1, ALL, 1)  # is it safe to read?
                end = await run_in_thread(reader.end)
            if self._ends.get(job) != end or not page.is_file():
                await _make(folder, page)
                self._ends[job] = end
        return page


async def _make(folder: Path, page: Path) -> None:
    command = (sys.executable, "-m", "crawler.site_report", str(folder), str(page))
    process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE)
    try:
        _, said = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        lines = said.decode("utf-8", "replace").strip().splitlines() or [f"it ended with {process.returncode}"]
        raise WrongState(f"the report could not be made: {lines[-1]}")
