"""Reads the directives for robots in `<meta name=robots>` and X-Robots-Tag, as far as they concern us.

There is no binding standard. As search engines document it, directives for all robots and for one robot by name add up,
and the more restrictive one wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_VALUED = {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}
"""Directives that contain a colon. The word before it is no robot's name."""
_NAMED = re.compile(r"\s*([^\s:,]+)\s*:")
_MAX_LENGTH = 256
"""Characters that are kept for the record: more than an honest page needs."""


def for_us(header: str, agent: str) -> str:
    """Returns the part of an X-Robots-Tag value for all robots and for `agent` (a product token in lower case).

    A name applies to everything after it, up to the next name or the end of the value.
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
    """Whether the directives contain `nofollow` or `none`."""
    return any(not _FOLLOWS.isdisjoint(_SEPARATORS.split(content.lower())) for content in contents)


def summary(contents: Iterable[str]) -> str:
    """Returns all directives once, in lower case and in order of appearance, joined by `, `."""
    parts = (" ".join(part.lower().split()) for content in contents for part in content.split(","))
    return ", ".join(filter(None, dict.fromkeys(parts)))[:_MAX_LENGTH]


_FOLLOWS = frozenset({"nofollow", "none"})
_SEPARATORS = re.compile(r"[,\s]+")
