"""What people want a job to fetch after all: failures once more, parked URLs. Kept, and carried out by its run."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from ..model import Reason
from ..policy.wider import FAILURES
from .book import Book, Draft, News
from .events import Kind
from .job import Record, Wish
from .states import Verb, after
from .trouble import BadJob, Complaint, Full

MOST_PATTERNS = 1000
"""That are named one by one; all of them together need no names."""
ANSWERED_S = 2.0
"""How long whoever asks waits to hear how much was queued."""


def retrying(reasons: Sequence[str]) -> Wish:
    """Everything that ended for these reasons; none: every kind of failure. Raises BadJob."""
    unknown = [Complaint(f"reasons.{i}", _unknown(word)) for i, word in enumerate(reasons) if word not in set(Reason)]
    if unknown:
        raise BadJob(unknown)
    return Wish(retry=tuple(dict.fromkeys(map(str, reasons or FAILURES))))


def unparking(patterns: Sequence[str]) -> Wish:
    """What is parked under these patterns; none: all of it."""
    return Wish(unpark=tuple(dict.fromkeys(patterns)), unpark_all=not patterns)


class Wishes:
    """Of all jobs. A wish is carried out whole, and only then struck out: `kill -9` makes it be carried out again."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._waiting: dict[str, list[tuple[int, Future[int]]]] = {}
        """Those who want to hear how much was queued, by job, with the numbers of their wishes."""

    async def keep(self, job: str, wish: Wish, who: str) -> Future[int]:
        """Keep a wish; what its run will have queued. A job that is over is resumed by it. Raises Full, NoSuchJob."""
        told: Future[int] = asyncio.get_running_loop().create_future()

        def decide() -> Draft:
            record = self._book.record(job)
            number = record.wished + 1
            new = replace(record, wishes=_joined(record.wishes, replace(wish, number=number)), wished=number)
            self._waiting.setdefault(job, []).append((number, told))
            said: News = (job, Kind.NOTE, {"who": who, **_shown(wish)})
            return _resumed(new, said, who)

        try:
            await self._book.change(decide)
        except BaseException:
            self.forget(job, told)
            raise
        return told

    async def told(self, job: str, coming: Future[int]) -> int | None:
        """How much a wish had queued; None: its run has not come so far in a moment."""
        try:
            async with asyncio.timeout(ANSWERED_S):
                return await coming
        except TimeoutError:
            return None
        finally:
            self.forget(job, coming)

    async def strike(self, job: str, wish: Wish, queued: int) -> None:
        """The first wish of a job was carried out."""
        await self._book.change(lambda: self._struck(job, wish))
        for number, told in self._waiting.get(job, ()):
            if number <= wish.number and not told.done():
                told.set_result(queued)

    def forget(self, job: str, told: Future[int]) -> None:
        """Nobody waits for this any more."""
        left = [one for one in self._waiting.pop(job, ()) if one[1] is not told]
        if left:
            self._waiting[job] = left

    def _struck(self, job: str, wish: Wish) -> Draft | None:
        if job not in self._book:
            return None
        record = self._book.record(job)
        return Draft([replace(record, wishes=tuple(one for one in record.wishes if one.number != wish.number))])


def _joined(wishes: tuple[Wish, ...], wish: Wish) -> tuple[Wish, ...]:
    """The first may be under way; the new one is joined with whatever follows it, so that there are two at most."""
    if len(wishes) < 2:
        return (*wishes, _checked(wish))
    last = wishes[1]
    joined = Wish(
        tuple(dict.fromkeys((*last.retry, *wish.retry))),
        tuple(dict.fromkeys((*last.unpark, *wish.unpark))),
        last.unpark_all or wish.unpark_all,
        wish.number,
    )
    return wishes[0], _checked(joined)


def _checked(wish: Wish) -> Wish:
    if len(wish.unpark) > MOST_PATTERNS:
        raise Full(f"more than {MOST_PATTERNS} patterns are asked for by name: name none, and all are fetched")
    return wish


def _resumed(record: Record, said: News, who: str) -> Draft:
    """The record and what is told of it: a job that is over goes on."""
    if not record.state.is_over:
        return Draft([record], news=[said])
    following = after(record.state, Verb.RESUME)
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
    near = get_close_matches(word, list(Reason), 1)
    return f"{word[:100]!r} is no reason for a failure{f'; did you mean {near[0]}?' if near else ''}"
