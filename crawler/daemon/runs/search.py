"""Finds pages of jobs by words, while a job runs, too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple
from weakref import WeakValueDictionary

from ...folder.folder import translate_os_errors
from ...protocols import Reader
from ...runtime.threads import run_in_thread
from ...search import NAME, Choice, SearchAnswer, check, open_index, search
from .records import readable

TAKE_S = 5.0
"""Seconds that one search takes records into the index. The next one goes on there."""

FindSettled = Callable[[str, Path], Awaitable[tuple[Reader, int]]]
"""Returns what reads the records of a job in a folder, and the place behind the last settled one."""


class Found(NamedTuple):
    """The answer to a search in a job."""

    answer: SearchAnswer
    is_current: bool
    """Whether the index holds all that is settled. If not, the same search finds more a little later."""


class Searches:
    """Searches in all jobs. One thread at a time uses the index of a job."""

    def __init__(self, folder: Callable[[str], Path], find_settled: FindSettled) -> None:
        self._folder = folder
        self._find_settled = find_settled
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def find(self, job: str, words: str, choice: Choice, limit: int) -> Found:
        """Returns the pages of a job that hold the words, the best first.

        Raises NoSuchJob, NoRecords, WrongState, ConfigError for what cannot be searched for, FrontierError,
        StorageFull.
        """
        folder = self._folder(job)
        check(words, choice, limit)
        async with self._turns.setdefault(job, asyncio.Lock()):
            reader, end = await self._find_settled(job, folder)
            return await run_in_thread(_find, folder, reader, end, words, choice, limit)


def _find(folder: Path, reader: Reader, end: int, words: str, choice: Choice, limit: int) -> Found:
    until, has_more = time.monotonic() + TAKE_S, bool(end)
    with translate_os_errors(folder), open_index(folder / NAME) as index:
        with readable():
            while has_more and time.monotonic() < until:
                has_more = index.take_part(reader, end)
        return Found(search(index, words, choice, limit), not has_more)
