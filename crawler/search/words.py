"""Reads the words that somebody searches for. Pure; no text is an error of SQLite's own language for searches.

A page must hold all words. `"several words"` stand together, `-word` must be absent, `word*` is a beginning.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import ConfigError
from .spelling import spell

MOST_CHARS = 1000
MOST_WORDS = 32
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"'))
_WORD = re.compile(r'(-(?=["\w]))?(?:"([^"]*)"?|([^\s"]+))(\*?)')


class Wish(NamedTuple):
    """The words of a search, as SQLite's FTS5 reads them."""

    match: str
    words: int
    """How many words or phrases there are."""


def read_words(text: str) -> Wish:
    """Returns the search that words of a person mean. Raises ConfigError where there is nothing to look for."""
    if len(text) > MOST_CHARS:
        raise ConfigError(f"the words to search for: {len(text):,} characters, and {MOST_CHARS:,} are the most")
    wanted, unwanted = list[str](), list[str]()
    for found in _WORD.finditer(text.translate(_QUOTES)):
        without, phrase, word, star = found.groups()
        term = phrase if word is None else word.rstrip("*")
        is_beginning = bool(star) or (word is not None and word.endswith("*"))
        if any(map(str.isalnum, term)):
            (unwanted if without else wanted).append(_quote(term, is_beginning))
    if not wanted:
        what = "all of them are to be absent: name one to find, too" if unwanted else "there is no letter or digit"
        raise ConfigError(f"the words to search for: {what}")
    if len(wanted) + len(unwanted) > MOST_WORDS:
        raise ConfigError(f"the words to search for: {len(wanted) + len(unwanted)}, and {MOST_WORDS} are the most")
    match = " AND ".join(wanted)
    return Wish(f"({match}) NOT ({' OR '.join(unwanted)})" if unwanted else match, len(wanted))


def _quote(term: str, is_beginning: bool) -> str:
    return f'"{spell(term)}"{" *" if is_beginning else ""}'
