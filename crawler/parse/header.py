"""Takes Link header fields apart. Standard: RFC 8288, its parsing algorithm (appendix B.2 and B.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_TARGET = re.compile(r"[ \t,]*+<([^>]*+)>")
_PARAMETER = re.compile(
    r"[ \t]*+;[ \t]*+([^ \t=;,\"]*+)[ \t]*+(?:=[ \t]*+(?:\"((?:[^\"\\]++|\\.)*+)(?:\"|\\?$)|([^;, \t\"]*+)))?",
    re.DOTALL,
)
_REST = re.compile(r"(?:[^,\"]++|\"(?:[^\"\\]++|\\.)*+(?:\"|\\?$))*+", re.DOTALL)
"""Matches the rest of a malformed link-value: up to a comma outside quotes."""
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
MAX_LINKS = 1000
"""Links that are read of one field value."""


class Link(NamedTuple):
    """One link-value."""

    target: str
    """The target as written: relative to the URL of the response, not to a `<base>`."""
    parameters: Mapping[str, str]
    """Parameters by names in lower case. The first of each name counts."""

    @property
    def relations(self) -> list[str]:
        return self.parameters.get("rel", "").lower().split()


def links(value: str) -> Iterator[Link]:
    """Yields the links of one Link header value. Malformed parts are skipped."""
    at = 0
    for _ in range(MAX_LINKS):
        found = _TARGET.match(value, at)
        if not found:
            return
        at = found.end()
        parameters: dict[str, str] = {}
        while (parameter := _PARAMETER.match(value, at)) is not None:
            at = parameter.end()
            name, quoted, token = parameter.groups()
            text = _QUOTED_PAIR.sub(r"\1", quoted) if quoted is not None else token or ""
            parameters.setdefault(name.lower(), text)
        yield Link(found[1].strip(), parameters)
        rest = _REST.match(value, at)
        at = rest.end() if rest else at
