"""Recovers the data folder when a daemon starts: finishes or undoes half-done changes, adopts unknown crawl folders."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from ...errors import CrawlError
from ...runtime.counting import many
from ...runtime.escaping import escape_text
from ..events import Kind
from .folders import Folders, adopt_folder
from .job import Record
from .registry import Draft, News, Registry
from .states import State
from .submission import Threads

log = logging.getLogger(__name__)

_CRASHES = (
    "the daemon died {} times in a row while this job ran, and it fetched nothing in between: it may be the cause. "
    "See the daemon's log; then resume it, or remove it"
)


async def recover(
    registry: Registry, folders: Folders, threads: Threads, new_id: Callable[[], str], most_crashes: int
) -> None:
    """Makes the records and the folders agree, in one transaction. Jobs that were running stay so, and run again.

    Jobs that may have crashed the daemon are an exception: see `_judge`.
    """
    removed = [record.id for record in await threads.run(folders.tidy, registry.records())]
    kept = [record for record in registry.records() if record.id not in removed]
    strangers = await threads.run(_adopt, folders, kept, new_id)
    missing = [replace(record, state=State.FAILED, ended_at=registry.now(), error=_describe_missing(folders, record))
               for record in kept if not record.state.is_over and not folders.is_there(record)]  # fmt: skip
    ran = [record for record in kept if record.state is State.RUNNING and folders.is_there(record)]
    again = _judge(await threads.run(_clear_those_that_fetched, folders, ran), most_crashes)
    moved = [*missing, *(one for one in again if one.state is not State.RUNNING)]
    news = [_news(record, None) for record in strangers] + [_news(one, registry.record(one.id).state) for one in moved]
    if removed or strangers or missing or again:
        await registry.change(lambda: Draft([*strangers, *missing, *again], removed=removed, news=news))


def is_on_trial(record: Record, most_crashes: int) -> bool:
    """Whether the job may be crashing the daemon, so that it runs beside no other such job.

    If the daemon then crashes once more, this job is the cause.
    """
    return record.unended >= most_crashes - 1


def _clear_those_that_fetched(folders: Folders, ran: Sequence[Record]) -> list[Record]:
    """Returns the jobs that ran. One that fetched something before the daemon died is no longer suspected."""
    left = []
    for record in ran:
        counts = folders.counts(record) if record.unended else None
        if counts and sum(counts.settled.values()) > sum(record.counts.settled.values()):
            record = replace(record, counts=counts, unended=0)  # noqa: PLW2901
        left.append(record)
    return left


def _judge(ran: Sequence[Record], most_crashes: int) -> list[Record]:
    """Returns the jobs to run again. Suspects run one at a time; one that was alone in the last crash is paused."""
    on_trial = [record for record in ran if is_on_trial(record, most_crashes)]
    return [_again(record, on_trial, most_crashes) for record in ran]


def _again(record: Record, on_trial: Sequence[Record], most_crashes: int) -> Record:
    if record not in on_trial:
        return replace(record, unended=record.unended + 1)  # counts its next run
    if len(on_trial) > 1 or record.unended < most_crashes:
        return replace(record, state=State.QUEUED)
    log.error("job %s is paused: the daemon died %s while it ran", record.id, many(record.unended, "time"))
    return replace(record, state=State.PAUSED, unended=0, error=_CRASHES.format(record.unended))


def _adopt(folders: Folders, kept: list[Record], new_id: Callable[[], str]) -> list[Record]:
    found: list[Record] = []
    for path in folders.find_unknown(kept):
        try:
            found.append(adopt_folder(path, new_id(), folders.trust))
        except CrawlError as error:
            log.warning("%s is not adopted as a job: %s", path, error)
    return found


def _describe_missing(folders: Folders, record: Record) -> str:
    return f"its folder {escape_text(str(folders.path(record)))} is gone: put it back and resume, or remove the job"


def _news(record: Record, before: State | None) -> News:
    said = {"from": before, "to": record.state, "who": "daemon", "ended": record.ended, "error": record.error}
    return record.id, Kind.STATE, said
