"""One content that a site gives to everyone, for a time."""

from __future__ import annotations

from .latest import NEAR, Answer, Kind, Run, is_near

MOST_SEEN = 32
"""URLs whose answers are kept; and kinds of URLs that were hit."""


class Outage:
    """It may be over, and begin anew."""

    __slots__ = (
        "_content", "_ended", "_gist", "_kinds", "_other", "_proofs", "_rested", "_seen", "_shown", "_simhash",
        "failed", "number", "step", "way",
    )  # fmt: skip

    def __init__(self, answer: Answer, run: Run) -> None:
        self.way = run.way
        """In which its answers are alike."""
        self.number = run.number - 1
        """URLs that were answered so."""
        self.step = 0
        """How many rests in a row the site was given."""
        self.failed = 0
        """URLs that spent their last attempt on it."""
        self._content, self._gist, self._simhash = answer.content, answer.gist, run.centre
        self._kinds: list[Kind] = []
        self._proofs = 0
        self._rested = float("-inf")
        """When the exchange ended for which the site rests."""
        self._ended = float("-inf")
        """When its latest answer was there."""
        self._other: float | None = None
        """When an answer was there that shows that it is over; None: none was."""
        self._seen: dict[int, Answer] = {}
        self._shown = run.shown

    def matches(self, answer: Answer, kind: Kind) -> bool:
        """Whether it is the outage's answer; not where URLs of that kind are always answered so."""
        if not self.is_alike(answer.content, answer.gist, answer.simhash):
            return False
        return kind in self._kinds or answer.content not in kind.contents

    def is_alike(self, content: int, gist: int, simhash: int) -> bool:
        return content == self._content or gist == self._gist or (self.way == NEAR and is_near(simhash, self._simhash))

    def hit(self, kind: Kind, answer: Answer) -> None:
        """One more URL got its answer."""
        if self._other is not None and answer.began >= self._other:  # it has begun anew
            self._other, self.step, self.failed = None, 0, 0
        if self._other is None and answer.began >= self._rested:
            self.step += 1
            self._rested = answer.ended
        self.number += answer.row not in self._seen
        self._ended = max(self._ended, answer.ended)
        self._seen.pop(answer.row, None)
        self._seen[answer.row] = answer
        if kind not in self._kinds:
            self._kinds.append(kind)
        if len(self._seen) > MOST_SEEN:
            del self._seen[next(iter(self._seen))]
        del self._kinds[:-MOST_SEEN]

    def hear_other(self, kind: Kind, answer: Answer) -> None:
        """Another content came: it is over, if that was asked for later, by a URL that it hit or one of their kind."""
        if self._other is None and answer.began >= self._ended and (kind in self._kinds or answer.row in self._seen):
            self._other = answer.ended

    def widen(self, narrow: Kind, wide: Kind) -> None:
        """A kind of URLs became part of a wider one."""
        self._kinds = [wide if kind is narrow else kind for kind in self._kinds]

    @property
    def is_over(self) -> bool:
        return self._other is not None

    def is_over_for(self, answer: Answer) -> bool:
        """Whether the answer was asked for when others were answered differently again."""
        return self._other is not None and answer.began >= self._other

    def proves(self, enough: int) -> bool:
        """Count a URL that brings this content for good; whether they are enough to believe it of all."""
        self._proofs += 1
        return self._proofs >= enough

    def is_disproved(self, answer: Answer) -> bool:
        """Whether a URL brings again exactly what it brought before, and shows what no other URL shows.

        Of answers that were alike in letters or words alone: things that differ in their prices are no outage.
        """
        earlier = self._seen.get(answer.row)
        if not self.way or earlier is None or earlier.content != answer.content:
            return False
        shown = (answer.gist, answer.numbers)
        return shown not in self._shown and all(
            (one.gist, one.numbers) != shown for one in self._seen.values() if one.row != answer.row
        )
