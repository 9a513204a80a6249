"""Tells how much two texts differ: by their lines, and by their simhashes. Time and memory are linear."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from .difference import LineChanges

SHOWN_LINES = 5
SHOWN_CHARACTERS = 200


def count_changes(before: str, after: str) -> LineChanges:
    """Returns which lines were added and removed; each counts as often as it stands there, wherever it stands."""
    old, new = _count(before), _count(after)
    added, removed = new - old, old - new
    return LineChanges(added.total(), removed.total(), _first(added), _first(removed))


def find_similarity(before: str | None, after: str | None) -> float | None:
    """Returns how alike two texts are by their simhashes in hexadecimal, from 0 to 1; None: one is not known."""
    try:
        bits = int(before or "", 16) ^ int(after or "", 16)
    except ValueError:
        return None
    return round(1 - bits.bit_count() / 64, 3) if bits < 1 << 64 else None


def _count(text: str) -> Counter[str]:
    return Counter(line for line in map(str.strip, text.splitlines()) if line)


def _first(lines: Counter[str]) -> list[str]:
    return [line[:SHOWN_CHARACTERS] for line in islice(lines, SHOWN_LINES)]
