"""Defines the reports about a list: lines that name no URL, and what the list was taken for."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..dataclass import dataclass
from ..runtime.counting import many


class BadSeed(NamedTuple):
    """A line that names no usable URL."""

    source: str
    """The list that it stands in: a path, a URL, or `-` for standard input."""
    line: int
    """The number of its line, from 1."""
    text: str
    """The line as it was read."""
    why: str
    """The fault, in a few words."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.why}: {self.text[:200]!r}"


MOST_NAMED = 10
"""Most unusable seeds that are kept with text and reason; all others are only counted."""


@dataclass(frozen=True, slots=True)
class SkippedSeeds:
    """How many seeds were no usable URLs, and which were the first."""

    count: int = 0
    """How many there were."""
    first: tuple[BadSeed, ...] = ()
    """The first ten of them."""

    def __bool__(self) -> bool:
        return self.count > 0

    def add(self, bad: BadSeed) -> SkippedSeeds:
        """Returns them with one more."""
        return SkippedSeeds(self.count + 1, self.first if len(self.first) >= MOST_NAMED else (*self.first, bad))


OnBad = Callable[[BadSeed], None]
"""A function that is told of each seed that cannot be used."""


@dataclass(slots=True)
class Taken:
    """Says what one list was taken for, and what it gave. Its `str` is one line for people."""

    source: str
    """The list: a path, a URL, or `-` for standard input."""
    what: str = "one URL a line"
    """The recognised kind of list: `column 3 'homepage'`, `a sitemap`, ..."""
    urls: int = 0
    """Number of URLs that it gave."""
    bad: int = 0
    """Number of lines that went to `on_bad`."""
    empty: int = 0
    """Number of rows whose cell is empty."""
    is_whole: bool = False
    """Whether the list was read to its end."""

    def line(self, bad_in: str = "") -> str:
        """Returns the line for people. `bad_in` is the file that lists the bad lines."""
        said = [f"{self.source}: {self.what}", many(self.urls, "URL")]
        said += [f"{many(self.empty, 'row')} without one"] if self.empty else []
        said += [f"{many(self.bad, 'line')} in {bad_in}" if bad_in else many(self.bad, "unusable line")] * bool(
            self.bad
        )
        return ", ".join(said) + ("" if self.is_whole else " so far")

    def __str__(self) -> str:
        return self.line()


OnTaken = Callable[[Taken], None]
"""A function that is told of each source that was read, and how."""
