"""Wishes: requests to fetch failed or parked URLs of a job. They are stored, and carried out by the job's run."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Sequence
from dataclasses import replace

from ...model import Reason
from ...policy.wider import FAILURES
from ...runtime.nearest import did_you_mean
from ..errors import BadJob, Complaint, Full
from ..events import Kind
from .job import Expected, Record, Wish
from .registry import Draft, News, Registry
from .states import Verb, next_state

MOST_PATTERNS = 1000
"""Patterns in one wish; a wish for all of them names none."""
ANSWERED_S = 2.0
"""Seconds that a caller waits for the number of queued URLs."""


def make_retry_wish(reasons: Sequence[str]) -> Wish:
    """Returns a wish for URLs that ended for these reasons; without reasons, for every failure. Raises BadJob."""
    unknown = [Complaint(f"reasons.{i}", _unknown(word)) for i, word in enumerate(reasons) if word not in set(Reason)]
    if unknown:
        raise BadJob(unknown)
    return Wish(retry=tuple(dict.fromkeys(map(str, reasons or FAILURES))))


def make_unpark_wish(patterns: Sequence[str]) -> Wish:
    """Returns a wish for URLs parked under these patterns; without patterns, for all parked ones."""
    return Wish(unpark=tuple(dict.fromkeys(patterns)), unpark_all=not patterns)


class Wishes:
    """The wishes of all jobs. A wish is removed only after it was carried out, so after `kill -9` it is repeated."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._waiting: dict[str, list[tuple[int, Future[int]]]] = {}
        """Callers that wait for the number of queued URLs, by job, with the numbers of their wishes."""

    async def keep(self, job: str, wish: Wish, who: str, expected: Expected = None) -> Future[int]:
        """Stores a wish. Returns a future of the number of URLs that it queues. Resumes a job that has ended.

        Raises Full, NoSuchJob, Outdated.
        """
        told: Future[int] = asyncio.get_running_loop().create_future()

        def decide() -> Draft:
            record = self._registry.record(job, expected)
            number = record.wished + 1
            new = replace(record, wishes=_merge(record.wishes, replace(wish, number=number)), wished=number)
            self._waiting.setdefault(job, []).append((number, told))
            said: News = (job, Kind.NOTE, {"who": who, **_shown(wish)})
            return _draft(new, said, who)

        try:
            await self._registry.change(decide)
        except BaseException:
            self.forget(job, told)
            raise
        return told

    async def wait_for_result(self, job: str, coming: Future[int]) -> int | None:
        """Returns how many URLs a wish queued; None if the run did not carry it out within ANSWERED_S."""
        try:
            async with asyncio.timeout(ANSWERED_S):
                return await coming
        except TimeoutError:
            return None
        finally:
            self.forget(job, coming)

    async def finish(self, job: str, wish: Wish, queued: int) -> None:
        """Removes a wish that was carried out, and tells the callers that wait for it."""
        await self._registry.change(lambda: self._draft_without(job, wish))
        for number, told in self._waiting.get(job, ()):
            if number <= wish.number and not told.done():
                told.set_result(queued)

    def forget(self, job: str, told: Future[int]) -> None:
        """Drops a caller that no longer waits."""
        left = [one for one in self._waiting.pop(job, ()) if one[1] is not told]
        if left:
            self._waiting[job] = left

    def _draft_without(self, job: str, wish: Wish) -> Draft | None:
        if job not in self._registry:
            return None
        record = self._registry.record(job)
        return Draft([replace(record, wishes=tuple(one for one in record.wishes if one.number != wish.number))])


def _merge(wishes: tuple[Wish, ...], wish: Wish) -> tuple[Wish, ...]:
    """Adds a wish; merges it with the second one, if there is one. The first may be under way."""
    if len(wishes) < 2:
        return (*wishes, _check(wish))
    last = wishes[1]
    joined = Wish(
        tuple(dict.fromkeys((*last.retry, *wish.retry))),
        tuple(dict.fromkeys((*last.unpark, *wish.unpark))),
        last.unpark_all or wish.unpark_all,
        wish.number,
    )
    return wishes[0], _check(joined)


def _check(wish: Wish) -> Wish:
    if len(wish.unpark) > MOST_PATTERNS:
        raise Full(f"more than {MOST_PATTERNS} patterns: name none, and all are fetched")
    return wish


def _draft(record: Record, said: News, who: str) -> Draft:
    """Returns the draft of a wish: the record, its events, and the new state if the job had ended."""
    if not record.state.is_over:
        return Draft([record], news=[said])
    following = next_state(record.state, Verb.RESUME)
    move: News = (
        record.id,
        Kind.STATE,
        {"from": record.state, "to": following, "who": who, "ended": None, "error": ""},
    )
    return Draft([replace(record, state=following, ended=None, ended_at=None, error="")], news=[said, move])


def _shown(wish: Wish) -> dict[str, object]:
    if wish.retry:
        return {"retry": "all" if wish.retry == FAILURES else list(wish.retry)}
    return {"unpark": "all" if wish.unpark_all else list(wish.unpark)}


def _unknown(word: str) -> str:
    return f"{word[:100]!r} is not a reason for a failure{did_you_mean(word, Reason)}"
