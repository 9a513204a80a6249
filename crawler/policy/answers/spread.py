"""A content that many URLs of a site brought, between others that brought their own: theirs, or a sick server's notice.

One of these URLs is asked once more. What is its own comes again; another server gives the page.
"""

from __future__ import annotations

from typing import NamedTuple

from .latest import IN_A_ROW, SAME, SAME_LETTERS, Answer, Kind, is_near

SPREAD = {SAME: 5, SAME_LETTERS: IN_A_ROW[SAME_LETTERS]}
"""URLs that brought a content until one of them is asked once more, by the way in which they are alike."""
STRETCHES = 3
"""Times that it began anew, after other contents: what comes in a row is an outage, or none."""
PROBES = 2
"""Requests that a content costs until it is believed."""
MOST_VAIN = 16
"""Requests that a site is asked so in vain; none follow."""
MOST_SPREADS = 4
"""Contents of a site that are watched: the one that came to fewest URLs goes first."""
MOST_ROWS = 64
"""URLs of one content that are remembered. Those beyond keep it."""
PROVED_BY = 2
"""URLs that bring it at their last attempt, more than those that brought something else meanwhile: it is theirs."""
ALL_SICK = 8
"""Answers in a row, of different URLs, that are a sick server's: all servers are sick, which is an outage."""


class Wanted(NamedTuple):
    """What is to be asked once more, though no answer was bad."""

    repeats: tuple[int, ...] = ()
    """Rows of earlier answers that were taken for content."""
    checks: tuple[int, ...] = ()
    """Rows of URLs whose answers tell whether what they brought was theirs."""


class Spread:
    """One such content."""

    __slots__ = (
        "_at", "_content", "_cured", "_gist", "_is_wide", "_probe", "_probes", "_proofs", "_row",
        "_simhash", "_stretches", "in_a_row", "is_sick", "number", "rows",
    )  # fmt: skip

    def __init__(self, answer: Answer) -> None:
        self._content, self._gist, self._simhash = answer.content, answer.gist, answer.simhash
        self.rows: dict[int, None] = {}
        self.number = 0
        """URLs that brought it, remembered or not."""
        self.is_sick = False
        """It is no content: a URL that brought it brought another one."""
        self.in_a_row = 0
        self._is_wide = False
        """Some are alike in letters only."""
        self._at = self._row = 0
        """Which of the site's answers was the latest, and whose."""
        self._stretches = 0
        self._probe: int | None = None
        """The row that is asked once more."""
        self._probes = 0
        self._proofs = self._cured = 0
        """URLs that brought it at their last attempt, and those that brought something else after it."""

    def is_alike(self, content: int, gist: int, simhash: int = 0) -> bool:
        return content == self._content or gist == self._gist

    def is_as_before(self, answer: Answer) -> bool:
        """Whether a URL may have brought the same once more: it may have the time in it."""
        return self.is_alike(answer.content, answer.gist) or is_near(answer.simhash, self._simhash)

    def add(self, row: int, content: int) -> None:
        """One more URL brought it."""
        if row in self.rows:
            return
        self.number += 1
        self._is_wide = self._is_wide or content != self._content
        if len(self.rows) < MOST_ROWS:
            self.rows[row] = None

    def note_place(self, at: int, row: int) -> None:
        """It came to a URL as the site's answer of that number."""
        is_new = at > self._at + 1
        self._stretches += is_new
        self.in_a_row = 1 if is_new else self.in_a_row + (row != self._row)
        self._at, self._row = at, row

    def take_probe(self) -> tuple[int, ...]:
        """The row of a URL to be asked now, if it is time; the one that brought it longest ago is settled."""
        enough = SPREAD[SAME_LETTERS if self._is_wide else SAME]
        is_open = self._probe is not None  # it may never come: its URL is excluded now
        needed = enough if not self._probes else enough * (4 if is_open else 2)
        if self._probes >= PROBES or self.number < needed or self._stretches < STRETCHES:
            return ()
        self._probe = list(self.rows)[self._probes]
        self._probes += 1
        return (self._probe,)

    def hear(self, answer: Answer) -> bool:
        """A URL that brought it was asked again; whether that was the probe."""
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
        """Count a URL's last attempt; whether the content is theirs after all."""
        self._proofs += answer.is_last
        return answer.is_last and self._proofs >= PROVED_BY and self._proofs > self._cured


class Spreads:
    """Those of one site."""

    __slots__ = ("_vain", "answered", "known")

    def __init__(self) -> None:
        self.known: list[Spread] = []
        self.answered = 0
        """How often the site gave an answer."""
        self._vain = 0

    def find(self, answer: Answer) -> Spread | None:
        return next((one for one in self.known if one.is_alike(answer.content, answer.gist)), None)

    def sick(self, kind: Kind, answer: Answer) -> Spread | None:
        """The sick server's notice that an answer is; not where URLs of that kind are always answered so."""
        spread = self.find(answer)
        if spread is None or not spread.is_sick or (answer.content in kind.contents and not kind.varies):
            return None
        spread.note_place(self.answered, answer.row)
        spread.add(answer.row, answer.content)
        return spread

    def add_sick(self, answer: Answer, number: int) -> Spread:
        """What looked like an outage comes between other answers."""
        spread = self._new(Spread(answer))
        spread.is_sick, spread.number = True, number
        spread.note_place(self.answered, answer.row)
        return spread

    def note(self, kind: Kind, answer: Answer) -> tuple[int, ...]:
        """Learn from an answer that is content; rows to be asked once more."""
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
        """Learn from any answer but a sick server's; what it shows to be sick, and what to be believed."""
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
        """It is known to be something else."""
        self.known = [one for one in self.known if not one.is_alike(answer.content, answer.gist)]

    def _new(self, spread: Spread) -> Spread:
        if len(self.known) >= MOST_SPREADS:
            self.known.remove(min(self.known, key=lambda one: (one.is_sick, one.number)))
        self.known.append(spread)
        return spread
