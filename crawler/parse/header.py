"""Link header fields taken apart. Standard: RFC 8288, its parsing algorithm (appendix B.2 and B.3)."""

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
"""What is left of a link-value that went wrong: up to a comma that no quotes hold."""
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
MAX_LINKS = 1000
"""Of one field value; the rest is not read."""


class Link(NamedTuple):
    """One link-value."""

    target: str
    """As written: relative to the URL of the response, whatever a `<base>` says."""
    parameters: Mapping[str, str]
    """Names in lower case; the first of each name counts."""

    @property
    def relations(self) -> list[str]:
        return self.parameters.get("rel", "").lower().split()


def links(value: str) -> Iterator[Link]:
    """The links of one Link header value. What is malformed is skipped, never refused."""
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
