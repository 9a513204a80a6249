"""Holds all jobs and templates: in memory for reading, on the disk before a change is acknowledged."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from ...errors import ClosedError
from ..errors import NoSuchJob, Outdated
from ..events import Event, Events, Kind
from .job import CHANGEABLE, Expected, Record, Template
from .states import State, Verb, next_state
from .store import Change, KeyedUpload, Store, StoredState

News = tuple[str | None, Kind, Mapping[str, object]]
"""An event to be written with a change: the job (None: all), the kind, and the data."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A change to be made, all of it or nothing."""

    records: Sequence[Record] = ()
    removed: Sequence[str] = ()
    news: Sequence[News] = ()
    templates: Sequence[Template] = ()
    removed_templates: Sequence[str] = field(default_factory=tuple)
    uploads: Sequence[KeyedUpload] = ()


class Registry:
    """All jobs and templates. Changes are made one after the other; each sees the result of the one before."""

    def __init__(self, store: Store, remembered: StoredState, events: Events, now: Callable[[], float]) -> None:
        self.now = now
        self._store = store
        self._events = events
        self._records: dict[str, Record] = {}
        self._by_state: dict[State, dict[str, None]] = {state: {} for state in State}
        self._by_key: dict[str, str] = {}
        self._templates = {template.name: template for template in remembered.templates}
        self._last_event = remembered.last_event
        self._turn = asyncio.Lock()
        """Held from deciding on a change until it is on the disk."""
        self._is_closed = False
        for record in remembered.records:
            self._put(record)

    def close(self) -> None:
        """Refuses all further questions and changes."""
        self._is_closed = True

    def check_open(self) -> None:
        """Raises ClosedError once the jobs are closed."""
        if self._is_closed:
            raise ClosedError("these jobs are", "open_jobs")

    # -- reading -----------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, job: str) -> bool:
        return job in self._records

    def record(self, job: str, expected: Expected = None) -> Record:
        """Returns the record of a job. Raises NoSuchJob; Outdated if it has none of the expected revisions."""
        self.check_open()
        record = self._records.get(job)
        if record is None:
            raise NoSuchJob(f"there is no job {job[:100]!r}")
        check_revision(f"job {job}", record.revision, expected)
        return record

    def records(self) -> Sequence[Record]:
        """Returns all records, the oldest first."""
        self.check_open()
        return list(self._records.values())

    def in_state(self, state: State) -> Sequence[Record]:
        self.check_open()
        return [self._records[job] for job in self._by_state[state]]

    def numbers(self) -> Mapping[State, int]:
        """Returns how many jobs are in each state."""
        self.check_open()
        return {state: len(jobs) for state, jobs in self._by_state.items()}

    def by_key(self, key: str) -> Record | None:
        """Returns the job that was submitted with this idempotency key, or None."""
        self.check_open()
        return self._records[self._by_key[key]] if key in self._by_key else None

    async def upload_with(self, job: str, key: str) -> KeyedUpload | None:
        """Returns the upload of seeds that came to the job with this idempotency key, or None. Raises StoreError."""
        return await self._store.upload_with(job, key)

    @property
    def templates(self) -> Mapping[str, Template]:
        self.check_open()
        return self._templates

    def template(self, name: str) -> Template:
        """Returns a template. Raises NoSuchJob."""
        if name not in self.templates:
            raise NoSuchJob(f"there is no template {name[:100]!r}")
        return self._templates[name]

    @property
    def last_event(self) -> int:
        return self._last_event

    # -- changing ----------------------------------------------------------------------------------------------------

    async def change(
        self, decide: Callable[[], Draft | None], first: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Writes the draft that `decide` returns, then applies it in memory and tells its events.

        `first` is awaited before the draft is written; no other change is made meanwhile.

        Cancelling the caller does not stop a write that began. Raises what `decide` raises, StorageFull, StoreError;
        then nothing has changed.
        """
        self.check_open()
        await self._turn.acquire()
        try:
            draft = decide()
            if draft is None:
                self._turn.release()
                return
            if first is not None:
                await first()
            change = self._change(draft)
            written = self._store.write(change)
        except BaseException:
            self._turn.release()
            raise

        def end(written: Future[None]) -> None:
            self._turn.release()
            if not written.cancelled() and written.exception() is None:
                self._apply(change)

        written.add_done_callback(end)
        await asyncio.shield(written)

    async def move(
        self,
        job: str,
        verb: Verb,
        who: str,
        *,
        expected: Expected = None,
        when: Callable[[Record], bool] = lambda _: True,
        **fields: Any,
    ) -> bool:
        """Moves the job to the state that follows, with some fields changed. Returns False if `when` did not hold.

        Raises NoSuchJob, WrongState, Outdated, and the errors of `change`.
        """
        is_moved = False

        def decide() -> Draft | None:
            nonlocal is_moved
            record = self.record(job, expected)
            if not when(record):
                return None
            is_moved = True
            following = next_state(record.state, verb)
            if following is record.state:
                return None
            ended_at = self.now() if following.is_over else None
            anew = {"spent_s": 0.0, "spent_bytes": 0} if following.is_over else {}
            fields_now = {"ended": None, "error": "", **fields, **anew}
            new = replace(record, **fields_now, state=following, ended_at=ended_at)
            data = {"from": record.state, "to": following, "who": who, "ended": new.ended, "error": new.error}
            return Draft([new], news=[(job, Kind.STATE, data)])

        await self.change(decide)
        return is_moved

    async def amend(self, job: str, news: Sequence[News] = (), **fields: Any) -> None:
        """Changes fields of a job in any state. Does nothing if the job was removed."""
        await self.change(
            lambda: Draft([replace(self._records[job], **fields)], news=news) if job in self._records else None
        )

    async def put_template(self, template: Template, expected: Expected, is_new: bool) -> Template:
        """Stores a template with a new revision, and returns it. Raises Outdated."""

        def decide() -> Draft:
            before = self._templates.get(template.name)
            if before is None and expected is not None:
                raise Outdated(f"there is no template {template.name[:100]!r} any more")
            if before is not None and is_new:
                raise Outdated(f"there is a template {template.name[:100]!r} already")
            if before is not None:
                check_revision(f"template {template.name[:100]!r}", before.revision, expected)
            revision = max(int(self.now() * 1000), before.revision + 1 if before else 0)
            return Draft(templates=[replace(template, revision=revision)])

        await self.change(decide)
        return self._templates[template.name]

    async def remove_template(self, name: str, expected: Expected) -> None:
        """Removes a template. Raises NoSuchJob, Outdated."""

        def decide() -> Draft:
            check_revision(f"template {name[:100]!r}", self.template(name).revision, expected)
            return Draft(removed_templates=[name])

        await self.change(decide)

    def _change(self, draft: Draft) -> Change:
        numbers = count(self._last_event + 1)
        events = [Event(next(numbers), self.now(), *news) for news in draft.news]
        records = [self._count_revision(record) for record in draft.records]
        return Change(
            records, draft.removed, events, draft.templates, draft.removed_templates, draft.uploads
        )  # fmt: skip

    def _count_revision(self, record: Record) -> Record:
        before = self._records.get(record.id)
        if before is None or all(getattr(before, name) == getattr(record, name) for name in CHANGEABLE):
            return record
        return replace(record, revision=before.revision + 1)

    def _apply(self, change: Change) -> None:
        for record in change.records:
            self._put(record)
        for job in change.removed:
            self._drop(job)
        for template in change.templates:
            self._templates[template.name] = template
        for name in change.removed_templates:
            self._templates.pop(name, None)
        for event in change.events:
            self._last_event = event.id or self._last_event
            self._events.tell(event)

    def _put(self, record: Record) -> None:
        before = self._records.get(record.id)
        if before:
            del self._by_state[before.state][record.id]
        self._records[record.id] = record
        self._by_state[record.state][record.id] = None
        if record.key is not None:
            self._by_key[record.key] = record.id

    def _drop(self, job: str) -> None:
        record = self._records.pop(job, None)
        if record is not None:
            del self._by_state[record.state][job]
            if record.key is not None:
                del self._by_key[record.key]


def check_revision(noun: str, revision: int, expected: Expected) -> None:
    """Raises Outdated if a job or schedule has none of the expected revisions."""
    if expected is not None and revision not in expected:
        raise Outdated(
            f"{noun} was changed since you have read it (its revision is {revision} now): read it again, and repeat"
            " your change if it is still right"
        )
