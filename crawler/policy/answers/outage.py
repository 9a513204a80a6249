"""One content that a site gives to everyone, for a time."""

from __future__ import annotations

from .latest import NEAR, Answer, Brought, Kind, Run, is_near

CONTRADICTIONS = 2
"""One alone may be an outage that ends and begins again."""
MOST_SEEN = 32
"""URLs whose answers are kept; and kinds of URLs that were hit."""


class Outage:
    """It may be over, and begin anew."""

    __slots__ = (
        "_content", "_contradicted", "_ended", "_gist", "_is_sample_well", "_kinds", "_other", "_proofs", "_rested",
        "_sample", "_seen", "_simhash", "failed", "has_passed", "number", "step", "way",
    )  # fmt: skip

    def __init__(self, answer: Answer, run: Run, step: int = 0) -> None:
        self.way = run.way
        """In which its answers are alike."""
        self.number = run.number - 1
        """URLs that were answered so."""
        self.step = step
        """How many rests in a row the site was given."""
        self.failed = 0
        """URLs that spent their last attempt on it."""
        self.has_passed = False
        """A URL that it hit brought something else later."""
        self._content, self._gist, self._simhash = answer.content, answer.gist, run.centre
        self._kinds: list[Kind] = []
        self._proofs = 0
        self._rested = float("-inf")
        """When the exchange ended for which the site rests."""
        self._ended = float("-inf")
        """When its latest answer was there."""
        self._other: float | None = None
        """When an answer was there that shows that it is over; None: none was."""
        self._seen = dict(run.brought)
        self._sample = run.other
        """The row of a URL that brought something else before: it is asked again, to see whether it still does."""
        self._is_sample_well = False
        """It did, since the latest answer of the outage."""
        self._contradicted = 0
        """How often others were answered as in an outage right after."""

    def matches(self, answer: Answer, kind: Kind) -> bool:
        """Whether it is the outage's answer; not where URLs of that kind are always answered so."""
        if not self.is_alike(answer.content, answer.gist, answer.simhash):
            return False
        return kind in self._kinds or answer.content not in kind.contents

    def is_alike(self, content: int, gist: int, simhash: int) -> bool:
        return content == self._content or gist == self._gist or (self.way == NEAR and is_near(simhash, self._simhash))

    def hit(self, kind: Kind, answer: Answer) -> bool:
        """One more URL got its answer; whether the outage has begun, or has begun anew, with it."""
        begins = not self._kinds or self.is_over_for(answer)
        if begins and self._kinds:
            self._other, self.step, self.failed = None, 0, 0
        self._contradicted = 0 if answer.row == self._sample else self._contradicted + self._is_sample_well
        self._is_sample_well = False
        if self._other is None and answer.began >= self._rested:
            self.step += 1
            self._rested = max(answer.ended, answer.judged)
        self.number += answer.row not in self._seen
        self._ended = max(self._ended, answer.ended)
        self._seen.pop(answer.row, None)
        self._seen[answer.row] = _brought(answer)
        if kind not in self._kinds:
            self._kinds.append(kind)
        if len(self._seen) > MOST_SEEN:
            del self._seen[next(iter(self._seen))]
        del self._kinds[:-MOST_SEEN]
        return begins

    def hear_other(self, kind: Kind, answer: Answer) -> None:
        """Another content came: it is over, if that was asked for later, by a URL that it hit or one of their kind."""
        if answer.began < self._ended:
            return
        if answer.row == self._sample and not answer.is_kept:
            self._is_sample_well = True
        self.has_passed = self.has_passed or (answer.row in self._seen and not answer.is_kept)
        if self._other is None and (kind in self._kinds or answer.row in self._seen):
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

    @property
    def sample(self) -> tuple[int, ...]:
        return () if self._sample is None else (self._sample,)

    @property
    def is_contradicted(self) -> bool:
        """Whether the site gives the outage's answer to some and, again and again at the same time, others theirs."""
        return self._contradicted >= CONTRADICTIONS

    def is_disproved(self, answer: Answer) -> bool:
        """Whether a URL brings again exactly what it brought before, and shows what no other URL shows.

        Of answers that were alike in letters or words alone: things that differ in their prices are no outage.
        """
        if not self.way or self._seen.get(answer.row) != _brought(answer):
            return False
        shown = (answer.gist, answer.figures)
        return all((one.gist, one.figures) != shown for row, one in self._seen.items() if row != answer.row)


def _brought(answer: Answer) -> Brought:
    return Brought(answer.content, answer.gist, answer.figures)
