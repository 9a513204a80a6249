"""Reads the words of a focus."""

from __future__ import annotations

import re

MOST_WORDS = 16
_WORD = re.compile(r'"([^"]*)"?|([^\s"]+)')


def read_focus(text: str) -> tuple[str, ...]:
    """Returns the words and phrases of a focus, in small letters: `solar "heat pump" insulat*`; none for no text.

    Raises ValueError where there are too many, or none in a text.
    """
    found = ((phrase or word).casefold() for phrase, word in _WORD.findall(text))
    words = tuple(dict.fromkeys(" ".join(one.split()) for one in found if any(map(str.isalnum, one))))
    if text.strip() and not words:
        raise ValueError("should hold a word to look for")
    if len(words) > MOST_WORDS:
        raise ValueError(f"should hold {MOST_WORDS} words and phrases at most, and has {len(words)}")
    return words
