"""Finds how far numbered pages reach: to an end that they name, or between two numbers that other pages named.

A calendar names no end, or an end that moves away as it is read on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

MOST_SERIES = 64
"""Most series of a pattern: a pattern that always begins new ones has no end."""
MOST_MOVES = 8
"""Moves of ends after which no end counts any more."""
WIDEST = 20_000
"""Most pages between two that were vouched for."""
SPARE = 16
"""Pages that a pattern may have beyond its named ends: copies, and pages that are in two series."""
MOST_PLACES = 3
MOST_KEPT = 8
"""Most spans that are stored."""
_NUMBER = re.compile(r"(?<![0-9])[0-9]{1,9}(?![0-9A-Za-z])")


class Series:
    """The numbered series of one pattern."""

    __slots__ = ("_ends", "_moves", "_named", "_places", "_spans")

    def __init__(self, places: int = MOST_PLACES) -> None:
        """The last `places` numbers of a URL are read."""
        self._places = places
        self._ends: dict[int, int] = {}
        self._named = SPARE
        """Pages of all series that named their ends, and SPARE."""
        self._moves = 0
        self._spans: dict[int, list[int]] = {}
        """Series -> the lowest and the highest number that were vouched for."""

    def names_end(self, end: tuple[int, int], fetched: int) -> bool:
        """Returns whether a page belongs to a series with a stable end: the same as before, or the first one named.

        A pattern has no more pages than its series together.
        """
        last, series = end
        known = self._ends.get(series)
        if not last or (known is None and len(self._ends) >= MOST_SERIES):
            return False
        if known != last:
            self._ends[series] = last
            self._named += last - (known or 0)
            self._moves += known is not None
            if known is not None:
                return False
        return self._moves < MOST_MOVES and fetched <= self._named

    def vouch(self, text: str) -> bool:
        """Notes that a page of another pattern named this URL; returns whether a span grew."""
        has_grown = False
        for series, number in _numbers(text)[-self._places :]:
            span = self._spans.get(series)
            if span is None:
                if len(self._spans) < MOST_SERIES:
                    self._spans[series] = [number, number]
            elif number < span[0] or number > span[1]:
                span[:] = min(number, span[0]), max(number, span[1])
                has_grown = True
        return has_grown

    def holds(self, text: str) -> bool:
        """Returns whether a URL lies between two that other pages named."""
        for series, number in _numbers(text)[-self._places :] if self._spans else ():
            low, high = self._spans.get(series, (0, -1))
            if low <= number <= high <= low + WIDEST:
                return True
        return False

    def stored(self) -> list[str]:
        """Returns the spans as a few words."""
        wide = [(series, low, high) for series, (low, high) in self._spans.items() if low < high]
        return [f"={series:x}:{low:x}:{high:x}" for series, low, high in wide[:MOST_KEPT]]

    def restore(self, word: str) -> None:
        series, low, high = (int(part, 16) for part in word[1:].split(":"))
        self._spans[series] = [low, high]


@lru_cache(64)
def _numbers(text: str) -> Sequence[tuple[int, int]]:
    """Returns the series that a URL may belong to, with its number there. Each URL is asked about several times."""
    numbers = []
    for found in [*_NUMBER.finditer(text, text.index("/", 8))][-MOST_PLACES:]:
        rest = f"{text[: found.start()]}#{text[found.end() :]}"
        numbers.append((_series(rest), int(found[0])))
    return numbers


@lru_cache(1 << 10)
def _series(rest: str) -> int:
    """Returns the number of the series with this text around its numbers."""
    return int.from_bytes(blake2b(rest.encode(), digest_size=8).digest(), "big")
