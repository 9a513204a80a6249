"""What a page asks of robots, in `<meta name=robots>` and in X-Robots-Tag, as far as it concerns us.

No standard is binding here; this is how search engines document them: what is said to all and what is said to one robot
by name add up, and the more restrictive word wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_VALUED = {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}
"""Directives with a colon in them: what stands before it is no robot's name."""
_NAMED = re.compile(r"\s*([^\s:,]+)\s*:")
_MAX_LENGTH = 256
"""Characters kept for the record: more than any honest page says."""


def for_us(header: str, agent: str) -> str:
    """Of one X-Robots-Tag value, what is said to all robots and to `agent` (a product token in lower case).

    A name holds for what follows it, to the end of the value or to the next name.
    """
    ours, is_ours = [], True
    for part in header.split(","):
        named = _NAMED.match(part)
        if named and named[1].lower() not in _VALUED:
            is_ours = named[1].lower() in {agent, "*", "robots"}
            part = part[named.end() :]  # noqa: PLW2901 - the name is no directive
        if is_ours:
            ours.append(part)
    return ",".join(ours)


def forbids_following(contents: Iterable[str]) -> bool:
    """Whether `nofollow` or `none` is among the words."""
    return any(not _FOLLOWS.isdisjoint(_SEPARATORS.split(content.lower())) for content in contents)


def summary(contents: Iterable[str]) -> str:
    """All directives once, in lower case, in the order of appearance, joined by `, `."""
    parts = (" ".join(part.lower().split()) for content in contents for part in content.split(","))
    return ", ".join(filter(None, dict.fromkeys(parts)))[:_MAX_LENGTH]


_FOLLOWS = frozenset({"nofollow", "none"})
_SEPARATORS = re.compile(r"[,\s]+")
