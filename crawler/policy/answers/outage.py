"""Follows one outage: one content that a site gives to every URL, for a time."""

from __future__ import annotations

from .latest import NEAR, Answer, Brought, Kind, Run, is_near

CONTRADICTIONS = 2
"""Contradictions of a site that end an outage. One alone may be an outage that ends and begins again."""
MOST_SEEN = 32
"""Most URLs whose answers are kept, and most kinds of URLs that are known to be hit."""


class Outage:
    """One outage of a site. It may be over, and begin anew."""

    __slots__ = (
        "_content", "_contradicted", "_ended", "_gist", "_is_sample_well", "_kinds", "_other", "_proofs", "_rested",
        "_sample", "_seen", "_simhash", "failed", "has_passed", "number", "step", "way",
    )  # fmt: skip

    def __init__(self, answer: Answer, run: Run, step: int = 0) -> None:
        self.way: int = run.way
        """The way in which its answers are alike."""
        self.number: int = run.number - 1
        """Number of URLs that got its answer."""
        self.step: int = step
        """Number of rests in a row that the site was given."""
        self.failed: int = 0
        """Number of URLs that spent their last attempt on it."""
        self.has_passed: bool = False
        """Whether a URL that it hit brought something else later."""
        self._content, self._gist, self._simhash = answer.content, answer.gist, run.centre
        self._kinds: list[Kind] = []
        self._proofs = 0
        self._rested = float("-inf")
        """End of the exchange for which the site rests."""
        self._ended = float("-inf")
        """End of its latest answer."""
        self._other: float | None = None
        """End of an answer that shows that the outage is over; None: none came."""
        self._seen = dict(run.brought)
        self._sample = run.other
        """The row of a URL that brought something else before. It is requested again, to see whether it still does."""
        self._is_sample_well = False
        """Whether the sample brought something else, since the latest answer of the outage."""
        self._contradicted = 0
        """Times that another URL got the outage's answer right after the sample was well."""

    def matches(self, answer: Answer, kind: Kind) -> bool:
        """Returns whether it is the outage's answer; never where URLs of that kind always get this answer."""
        if not self.is_alike(answer.content, answer.gist, answer.simhash):
            return False
        return kind in self._kinds or answer.content not in kind.contents

    def is_alike(self, content: int, gist: int, simhash: int) -> bool:
        return content == self._content or gist == self._gist or (self.way == NEAR and is_near(simhash, self._simhash))

    def hit(self, kind: Kind, answer: Answer) -> bool:
        """Counts a URL with its answer; returns whether the outage begins, or begins anew, with it."""
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
        self._seen[answer.row] = _summarize(answer)
        if kind not in self._kinds:
            self._kinds.append(kind)
        if len(self._seen) > MOST_SEEN:
            del self._seen[next(iter(self._seen))]
        del self._kinds[:-MOST_SEEN]
        return begins

    def note_other(self, kind: Kind, answer: Answer) -> None:
        """Notes another content. The outage is over if a URL that it hit, or one of their kind, brought it later."""
        if answer.began < self._ended:
            return
        if answer.row == self._sample and not answer.is_kept:
            self._is_sample_well = True
        self.has_passed = self.has_passed or (answer.row in self._seen and not answer.is_kept)
        if self._other is None and (kind in self._kinds or answer.row in self._seen):
            self._other = answer.ended

    def widen(self, narrow: Kind, wide: Kind) -> None:
        """Replaces a kind of URLs by the wider one that it became part of."""
        self._kinds = [wide if kind is narrow else kind for kind in self._kinds]

    @property
    def is_over(self) -> bool:
        return self._other is not None

    def is_over_for(self, answer: Answer) -> bool:
        """Returns whether the request for the answer began when the outage was over."""
        return self._other is not None and answer.began >= self._other

    def proves(self, enough: int) -> bool:
        """Counts a URL that keeps bringing this content; returns whether these are enough to call it genuine."""
        self._proofs += 1
        return self._proofs >= enough

    @property
    def sample(self) -> tuple[int, ...]:
        return () if self._sample is None else (self._sample,)

    @property
    def is_contradicted(self) -> bool:
        """Whether the site, again and again, gives some URLs the outage's answer and others their own."""
        return self._contradicted >= CONTRADICTIONS

    def is_disproved(self, answer: Answer) -> bool:
        """Returns whether a URL brings exactly its earlier answer, and one that no other URL shows.

        Only for answers that were alike in letters or words: things that differ in their prices are no outage.
        """
        if not self.way or self._seen.get(answer.row) != _summarize(answer):
            return False
        shown = (answer.gist, answer.figures)
        return all((one.gist, one.figures) != shown for row, one in self._seen.items() if row != answer.row)


def _summarize(answer: Answer) -> Brought:
    return Brought(answer.content, answer.gist, answer.figures)
