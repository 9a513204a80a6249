"""Finds the longest of many patterns without `*` that a path begins with, in a few steps."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import field

from ..dataclass import dataclass

END = "\n"
"""Replaces `$` at the end of a pattern, and marks the end of a path. Neither can contain a line feed otherwise."""


def _numbers() -> array[int]:
    return array("I")


@dataclass(frozen=True, slots=True)
class Patterns:
    """Sorted patterns in one string, and arrays of four bytes a number: small, and quick to send from a worker."""

    text: str = ""
    ends: array[int] = field(default_factory=_numbers)
    """The end of each pattern in the text."""
    lines: array[int] = field(default_factory=_numbers)
    """The line of robots.txt where each pattern comes first."""
    ranks: array[int] = field(default_factory=_numbers)
    """The length of the longest rule that each pattern stands for, or that one of its own prefixes stands for."""
    parents: array[int] = field(default_factory=_numbers)
    """The place of the longest other pattern that each begins with, counted from 1; 0 if there is none."""

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, place: int) -> str:
        return self.text[self.ends[place - 1] if place else 0 : self.ends[place]]

    def find(self, path: str) -> int:
        """Returns the place of the longest pattern that `path`, closed by END, begins with; -1 if there is none.

        In sorted order each prefix of a text comes before it, and is also a prefix of every text between the two.
        """
        place = bisect_right(self, path) - 1
        while place >= 0 and not path.startswith(self[place]):
            place = self.parents[place] - 1
        return place


NO_PATTERNS = Patterns()


def pack(known: Mapping[str, tuple[int, int]]) -> Patterns:
    """Makes Patterns of a mapping from each pattern to its line and the length of the rule it stands for."""
    texts = sorted(known)
    ranks = [known[text][1] for text in texts]
    parents: list[int] = []
    ends, end = array("I"), 0
    above: list[int] = []
    for place, text in enumerate(texts):
        while above and not text.startswith(texts[above[-1]]):
            above.pop()
        parents.append(above[-1] + 1 if above else 0)
        if above:
            ranks[place] = max(ranks[place], ranks[above[-1]])
        above.append(place)
        end += len(text)
        ends.append(end)
    lines = array("I", [known[text][0] for text in texts])
    return Patterns("".join(texts), ends, lines, array("I", ranks), array("I", parents))
