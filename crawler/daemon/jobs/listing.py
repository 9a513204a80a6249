"""Puts jobs in the order that a list asks for, and finds where its next page begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from ...metrics.metrics import Snapshot
from ...model import Disposition
from ...standing import Counts
from .job import Job, Record
from .states import State

Value: TypeAlias = str | int
After: TypeAlias = str | tuple[Value, str]
"""The last job of the page before: its id; in any order but that of creation, what it is sorted by, and its id."""
FindRun: TypeAlias = Callable[[str], tuple[Snapshot, int] | None]
"""Returns the figures of a job's run, and the bytes that earlier runs downloaded; None: it does not run."""

MOST_OF_A_NAME = 50
"""Characters of a name that decide its place: a cursor holds them."""
_STATES = {state: n for n, state in enumerate(State)}


class Sort(StrEnum):
    """The figure that orders a list of jobs. Jobs with the same figure come in the order of creation."""

    CREATED = "created"
    NAME = "name"
    STATE = "state"
    PAGES = "pages"
    RATE = "pages_per_s"
    BYTES = "bytes"
    QUEUED = "queued"
    FAILED = "failed"


class _Figures(NamedTuple):
    counts: Counts
    bytes: int
    pages_per_s: float


def sort_jobs(
    records: Iterable[Record], sort: Sort, find_run: FindRun, *, is_ascending: bool = False, after: After | None = None
) -> Sequence[Record]:
    """Returns the jobs in this order, beginning behind the job `after`, which may be gone by now."""
    keyed = sorted(
        ((_value(sort, one, _figures(one, find_run)), one.id, one) for one in records),
        key=lambda one: one[:2],
        reverse=not is_ascending,
    )
    if after is None:
        return [record for _, _, record in keyed]
    place = (0, after) if isinstance(after, str) else after
    if is_ascending:
        return [record for value, job, record in keyed if (value, job) > place]
    return [record for value, job, record in keyed if (value, job) < place]


def place_of(job: Job, sort: Sort) -> tuple[Value, str]:
    """Returns where the page behind this job begins."""
    return _value(sort, job, _Figures(job.counts, job.bytes, job.pages_per_s)), job.id


def _figures(record: Record, find_run: FindRun) -> _Figures:
    if not (run := find_run(record.id)):
        return _Figures(record.counts, record.bytes, 0.0)
    snapshot, bytes_before = run
    return _Figures(snapshot.counts, bytes_before + snapshot.bytes, snapshot.pages_per_s)


def _value(sort: Sort, job: Record | Job, figures: _Figures) -> Value:
    """Returns what the job is sorted by. All values of one order are of one type."""
    settled = figures.counts.settled
    values: dict[Sort, Value] = {
        Sort.CREATED: 0,  # the id decides
        Sort.NAME: (job.name or job.id).casefold()[:MOST_OF_A_NAME],
        Sort.STATE: _STATES[job.state],
        Sort.PAGES: figures.counts.pages,
        Sort.RATE: int(figures.pages_per_s * 1000),
        Sort.BYTES: figures.bytes,
        Sort.QUEUED: figures.counts.queued,
        Sort.FAILED: settled.get(Disposition.FAILED, 0),
    }
    return values[sort]
