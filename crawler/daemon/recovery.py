"""What a new daemon makes of the folder it finds: half-done things are finished or undone, strangers are taken in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from ..errors import CrawlError
from .book import Book, Draft, News
from .events import Kind
from .folders import Folders, adopted
from .job import Record
from .states import State
from .submission import Threads

log = logging.getLogger(__name__)


async def recover(book: Book, folders: Folders, threads: Threads, new_id: Callable[[], str]) -> None:
    """Leaves `book` and folders in agreement, in one transaction. Jobs that ran still say so: they are to run again."""
    removed = [record.id for record in await threads.run(folders.tidy, book.records())]
    kept = [record for record in book.records() if record.id not in removed]
    strangers = await threads.run(_adopt, folders, kept, new_id)
    missing = [replace(record, state=State.FAILED, ended_at=book.now(), error=_gone(folders, record))
               for record in kept if not record.state.is_over and not folders.is_there(record)]  # fmt: skip
    news = [_news(record, None) for record in strangers] + [_news(one, book.record(one.id).state) for one in missing]
    if removed or strangers or missing:
        await book.change(lambda: Draft([*strangers, *missing], removed=removed, news=news))


def _adopt(folders: Folders, kept: list[Record], new_id: Callable[[], str]) -> list[Record]:
    found: list[Record] = []
    for path in folders.strangers(kept):
        try:
            found.append(adopted(path, new_id()))
        except CrawlError as error:
            log.warning("%s is not taken for a job: %s", path, error)
    return found


def _gone(folders: Folders, record: Record) -> str:
    return f"its folder {folders.path(record)} is gone: put it back and resume, or remove the job"


def _news(record: Record, before: State | None) -> News:
    said = {"from": before, "to": record.state, "who": "daemon", "ended": record.ended, "error": record.error}
    return record.id, Kind.STATE, said
