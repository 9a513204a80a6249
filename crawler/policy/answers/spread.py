"""Judges a content that many URLs of a site brought, between others: genuine, or a sick server's notice.

One of these URLs is requested once more. Its own content comes again; in place of a notice another server gives the
page.
"""

from __future__ import annotations

from typing import NamedTuple

from .latest import IN_A_ROW, SAME, SAME_LETTERS, Answer, Kind, is_near

SPREAD = {SAME: 5, SAME_LETTERS: IN_A_ROW[SAME_LETTERS]}
"""URLs that bring a content until one of them is requested once more, by the way in which they are alike."""
STRETCHES = 3
"""Times that it must begin anew, after other contents; a content in one row is an outage, or none."""
PROBES = 2
"""Requests that a content costs until it counts as genuine."""
MOST_VAIN = 16
"""Requests of this sort that a site gets in vain; then no more follow."""
MOST_SPREADS = 4
"""Most contents of a site that are watched; the one that came to fewest URLs goes first."""
MOST_ROWS = 64
"""Most URLs of one content that are remembered. Those beyond keep their content."""
PROVED_BY = 2
"""URLs that must bring it at their last attempt, and more than brought something else meanwhile, to make it theirs."""
ALL_SICK = 8
"""Answers in a row, of different URLs, that are a sick server's: then all servers are sick, which is an outage."""


class Wanted(NamedTuple):
    """Rows to be requested once more, though no answer was bad."""

    repeats: tuple[int, ...] = ()
    """Rows of earlier answers that were wrongly taken for content."""
    checks: tuple[int, ...] = ()
    """Rows of URLs whose next answers show whether their contents were their own."""


class Spread:
    """One content that many URLs of a site brought."""

    __slots__ = (
        "_at", "_content", "_cured", "_gist", "_is_wide", "_probe", "_probes", "_proofs", "_row",
        "_simhash", "_stretches", "in_a_row", "is_sick", "number", "rows",
    )  # fmt: skip

    def __init__(self, answer: Answer) -> None:
        self._content, self._gist, self._simhash = answer.content, answer.gist, answer.simhash
        self.rows: dict[int, None] = {}
        self.number: int = 0
        """Number of URLs that brought it, remembered or not."""
        self.is_sick: bool = False
        """Whether it is no content: a URL that brought it brought another one later."""
        self.in_a_row: int = 0
        self._is_wide = False
        """Whether some answers are alike in letters only."""
        self._at = self._row = 0
        """The number of its latest answer among the site's, and the row of that URL."""
        self._stretches = 0
        self._probe: int | None = None
        """The row that is requested once more."""
        self._probes = 0
        self._proofs = self._cured = 0
        """Number of URLs that brought it at their last attempt, and of URLs that brought something else after it."""

    def is_alike(self, content: int, gist: int, simhash: int = 0) -> bool:
        return content == self._content or gist == self._gist

    def is_as_before(self, answer: Answer) -> bool:
        """Returns whether a URL may have brought the same content once more, with another time in it perhaps."""
        return self.is_alike(answer.content, answer.gist) or is_near(answer.simhash, self._simhash)

    def add(self, row: int, content: int) -> None:
        """Counts one more URL that brought it."""
        if row in self.rows:
            return
        self.number += 1
        self._is_wide = self._is_wide or content != self._content
        if len(self.rows) < MOST_ROWS:
            self.rows[row] = None

    def note_place(self, at: int, row: int) -> None:
        """Notes that it was the site's answer number `at`, to the URL of this row."""
        is_new = at > self._at + 1
        self._stretches += is_new
        self.in_a_row = 1 if is_new else self.in_a_row + (row != self._row)
        self._at, self._row = at, row

    def take_probe(self) -> tuple[int, ...]:
        """Returns the row of a URL to request now, if it is time: the one that brought it longest ago."""
        enough = SPREAD[SAME_LETTERS if self._is_wide else SAME]
        is_open = self._probe is not None  # the probe may never come: its URL is excluded now
        needed = enough if not self._probes else enough * (4 if is_open else 2)
        if self._probes >= PROBES or self.number < needed or self._stretches < STRETCHES:
            return ()
        self._probe = list(self.rows)[self._probes]
        self._probes += 1
        return (self._probe,)

    def hear(self, answer: Answer) -> bool:
        """Notes that a URL that brought it was requested again; returns whether that was the probe."""
        if self.is_sick:
            self._cured += 1
            self.rows.pop(answer.row, None)
            return False
        if answer.row != self._probe:
            return False
        self._probe = None
        return True

    @property
    def is_probed(self) -> bool:
        """Whether all probes brought the same."""
        return self._probes >= PROBES and self._probe is None

    def is_proved(self, answer: Answer) -> bool:
        """Counts a URL's last attempt; returns whether the content is genuine after all."""
        self._proofs += answer.is_last
        return answer.is_last and self._proofs >= PROVED_BY and self._proofs > self._cured


class Spreads:
    """The watched contents of one site."""

    __slots__ = ("_vain", "answered", "known")

    def __init__(self) -> None:
        self.known: list[Spread] = []
        self.answered: int = 0
        """Number of answers that the site gave."""
        self._vain = 0

    def find(self, answer: Answer) -> Spread | None:
        return next((one for one in self.known if one.is_alike(answer.content, answer.gist)), None)

    def sick(self, kind: Kind, answer: Answer) -> Spread | None:
        """Returns the sick server's notice that equals an answer; None where this kind of URL always gets it."""
        spread = self.find(answer)
        if spread is None or not spread.is_sick or (answer.content in kind.contents and not kind.varies):
            return None
        spread.note_place(self.answered, answer.row)
        spread.add(answer.row, answer.content)
        return spread

    def add_sick(self, answer: Answer, number: int) -> Spread:
        """Notes a sick server's notice that looked like an outage, but comes between other answers."""
        spread = self._new(Spread(answer))
        spread.is_sick, spread.number = True, number
        spread.note_place(self.answered, answer.row)
        return spread

    def note(self, kind: Kind, answer: Answer) -> tuple[int, ...]:
        """Learns from an answer that is content; returns rows to be requested once more."""
        if self._vain >= MOST_VAIN:
            return ()
        spread = self.find(answer) if self.known else None
        way = kind.way_of_others(answer)
        if (spread is None and way is None) or not kind.varies_beside(answer, way or SAME):
            return ()
        if spread is None:
            spread = self._new(Spread(answer))
            for row, content in kind.like(answer, way or SAME):
                spread.add(row, content)
        spread.add(answer.row, answer.content)
        spread.note_place(self.answered, answer.row)
        return spread.take_probe()

    def hear(self, answer: Answer) -> tuple[Spread | None, Spread | None]:
        """Learns from any answer but a sick server's; returns the content that is sick now, and the one that is
        genuine."""
        for spread in self.known:
            if answer.row not in spread.rows:
                continue
            is_same = spread.is_as_before(answer)
            if (spread.is_sick and is_same) or not spread.hear(answer):
                continue
            if not is_same:
                spread.is_sick = True
                return spread, None
            self._vain += 1
            if spread.is_probed:
                self.known.remove(spread)
                return None, spread
        return None, None

    def forget(self, answer: Answer) -> None:
        """Stops watching the content of an answer, which is known to be something else."""
        self.known = [one for one in self.known if not one.is_alike(answer.content, answer.gist)]

    def _new(self, spread: Spread) -> Spread:
        if len(self.known) >= MOST_SPREADS:
            self.known.remove(min(self.known, key=lambda one: (one.is_sick, one.number)))
        self.known.append(spread)
        return spread
