"""Marks outcomes whose page nearly repeats an earlier one, before they are written, and settles what it has learnt."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from ..errors import SinkError, StorageFull
from ..model import Disposition, Outcome, Page, Position, Url
from ..runtime.files import is_full
from ..runtime.threads import run_in_thread
from .index import FILE, Index, Text

T = TypeVar("T")

NAME = "near-duplicates"
EVENTS = "events"
"""The name of the position: the number of changes of the index."""


class NearDuplicates:
    """Finds the near duplicates of a crawl. Implements Sink and Archive: it writes no records of its own.

    The index is written where the sinks are, and settles with them: after `kill -9` it holds what was settled.
    """

    def __init__(self, place: str, index: Index, *, skips_text: bool) -> None:
        """`skips_text`: texts of near duplicates are left out of their records."""
        self.name = NAME
        self._place = place
        self._index = index
        self._skips_text = skips_text

    async def rewind(self, position: Position | None) -> None:
        await self._do(self._index.rewind, position[EVENTS] if position else 0)

    async def archive(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Returns the outcomes, each with the earlier page that its text nearly repeats."""
        texts = {at: text for at, one in enumerate(outcomes) if (text := _find_text(one))}
        if not texts:
            return outcomes
        firsts = dict(zip(texts, await self._do(self._index.add, texts.values()), strict=True))
        return [self._mark(one, url) if (url := firsts.get(at)) else one for at, one in enumerate(outcomes)]

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        await self._do(self._index.commit)
        return {EVENTS: self._index.events}

    def _mark(self, outcome: Outcome, first: str) -> Outcome:
        page = outcome.page
        if self._skips_text and page is not None:
            page = replace(page, text="", markdown="")
        return replace(outcome, page=page, near_duplicate_of=Url(first))

    async def _do(self, work: Callable[..., T], *args: object) -> T:
        with _translate(self._place):
            return await run_in_thread(work, *args)


@asynccontextmanager
async def open_near_duplicates(
    folder: Path | None, least: float, *, skips_text: bool, is_synced: bool
) -> AsyncIterator[NearDuplicates]:
    """Opens the index of a crawl folder; None: one that ends with the process. Raises SinkError, StorageFull."""
    place = str(folder / FILE) if folder else "a temporary file"
    with _translate(place):
        index = Index(folder / FILE if folder else None, least, is_synced=is_synced)
    try:
        yield NearDuplicates(place, index, skips_text=skips_text)
    finally:
        index.close()


def _find_text(outcome: Outcome) -> Text | None:
    """Returns what is compared of an outcome; None: it is no page with a text of its own."""
    page, request = outcome.page, outcome.request
    if page is None or not page.sketch or not _is_whole(page):
        return None
    is_page = outcome.disposition is Disposition.FETCHED and request.method == "GET" and not request.requisite
    return Text(request.url.text, page.sketch) if is_page and not request.is_reread else None


def _is_whole(page: Page) -> bool:
    return not page.truncated and not page.is_scanned


@contextmanager
def _translate(place: str) -> Iterator[None]:
    """Raises StorageFull for a full disk, SinkError for other failures of the disk and of SQLite."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if is_full(error):
            raise StorageFull(f"no space left where the crawl looks for near duplicates ({place})") from error
        what = f"near duplicates cannot be looked for in {place}: {error}; remove that file to go on"
        raise SinkError(what) from error
