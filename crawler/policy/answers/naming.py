"""Finds the kind of a URL: URLs of one kind have paths that differ in numbers, ids, or one word with many forms."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from ...model import Url

MOST_WORDS = 8
"""Most different words at one place of a path."""
MOST_SEGMENTS = 8
LONG = 24
"""In characters; a longer word is no category."""
_NUMBER = re.compile(r"[0-9]+")
_LETTER = re.compile(r"[^0-9#*%_.~-]")
_VARIES = "*"


def kind_of(url: Url) -> str:
    """Returns the kind of a URL: its path without numbers and ids, and the names of its parameters."""
    path, mark, query = url.path.partition("?")
    shape = "/".join(map(_shape, path.split("/", MOST_SEGMENTS)[1:]))
    if not mark:
        return shape
    return f"{shape}?{'&'.join(sorted({_NUMBER.sub('#', pair.partition('=')[0]) for pair in query.split('&')}))}"


def widen_kind(kind: str, known: Collection[str]) -> tuple[str, list[str]]:
    """Returns a new kind, or a wider one, and the known kinds that belong to it.

    Where many kinds differ in the same one word, that word varies.
    """
    path, mark, query = kind.partition("?")
    words = path.split("/")
    for place in range(len(words) - 1, -1, -1):
        if not _LETTER.search(words[place]):
            continue
        start = "/".join([*words[:place], ""])
        end = "/".join(["", *words[place + 1 :]]) + mark + query
        wide = f"{start}{_VARIES}{end}"
        if wide in known:
            return wide, []
        near = [name for name in known if name.startswith(start) and name.endswith(end)]
        alike = [name for name in near if _is_word(name, len(start), len(end))]
        if len(alike) + 1 >= MOST_WORDS:
            return wide, alike
    return kind, []


def _is_word(name: str, start: int, end: int) -> bool:
    """Whether one word is left of the name without that many characters at its start and its end."""
    word = name[start : len(name) - end]
    return len(name) >= start + end and "/" not in word and "?" not in word


@lru_cache(1 << 13)
def _shape(segment: str) -> str:
    if len(segment) > LONG or (len(segment) >= MOST_WORDS and segment.count("%") > 2):
        return _VARIES
    return _NUMBER.sub("#", segment)
