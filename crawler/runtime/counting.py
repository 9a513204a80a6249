"""Writes a number with its noun: `1 page`, `1,200 pages`."""

from __future__ import annotations


def many(n: int, noun: str, nouns: str = "") -> str:
    """Returns the number and the noun in its form for that number. `nouns`: the plural, if it is not the noun and s."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {nouns or f'{noun}s'}"
