"""Finds the kind of a URL: URLs of one kind have paths that differ in numbers, ids, or one word with many forms."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
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


def widen_kind(kind: str, known: Collection[str], near: Mapping[str, int] | None = None) -> tuple[str, list[str]]:
    """Returns a new kind, or a wider one, and the known kinds that belong to it.

    Where many kinds differ in the same one word, that word varies. `near`: how many known kinds have each of the
    `wider_names`; without it, all of them are looked at.
    """
    path, mark, query = kind.partition("?")
    words = path.split("/")
    for place in range(len(words) - 1, -1, -1):
        if not _LETTER.search(words[place]):
            continue
        wide = _widen(words, place, f"{mark}{query}")
        if wide in known:
            return wide, []
        if near is None or near.get(wide, 0) + 1 >= MOST_WORDS:
            start, end = "/".join([*words[:place], ""]), "/".join(["", *words[place + 1 :]]) + mark + query
            alike = _find_alike(known, start, end)
            if len(alike) + 1 >= MOST_WORDS:
                return wide, alike
    return kind, []


def wider_names(kind: str) -> Iterator[str]:
    """Yields the names of the wider kinds in which one word of this one varies."""
    path, mark, query = kind.partition("?")
    words = path.split("/")
    for place in range(len(words)):
        yield _widen(words, place, f"{mark}{query}")


def _widen(words: list[str], place: int, end: str) -> str:
    return "/".join([*words[:place], _VARIES, *words[place + 1 :]]) + end


def _find_alike(known: Collection[str], start: str, end: str) -> list[str]:
    """Returns the known kinds that have one word between `start` and `end`."""
    near = [name for name in known if name.startswith(start) and name.endswith(end)]
    return [name for name in near if _is_word(name, len(start), len(end))]


def _is_word(name: str, start: int, end: int) -> bool:
    """Whether one word is left of the name without that many characters at its start and its end."""
    word = name[start : len(name) - end]
    return len(name) >= start + end and "/" not in word and "?" not in word


@lru_cache(1 << 13)
def _shape(segment: str) -> str:
    if len(segment) > LONG or (len(segment) >= MOST_WORDS and segment.count("%") > 2):
        return _VARIES
    return _NUMBER.sub("#", segment)
