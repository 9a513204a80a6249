"""Reads lines about the use of content, with patterns of paths as robots.txt has them."""

from __future__ import annotations

from collections.abc import Iterable

from ..model import Statement
from ..usage.words import cut, read_fields
from .rules import Placed, escape_pattern, make_wild_rule, unescape_octets

MAX_LINES = 1000
"""Lines of one file that are read, in their order."""


def place(kind: str, pattern: bytes, line: int, statements: Iterable[Statement]) -> Placed:
    """Returns statements with their pattern; an empty one fits each path."""
    text = unescape_octets(escape_pattern(pattern))
    head, star, _ = text.partition("*")
    return Placed(kind, make_wild_rule(head, False, text[len(head) :] if star else "", line), tuple(statements))


def read_line(name: str, value: bytes, line: int) -> Placed | None:
    """Reads the value of a Content-Signal or Content-Usage line, which may begin with a path. None: it says nothing."""
    pattern, said = b"", value
    if value.startswith((b"/", b"*")):
        pattern, said = (*value.split(None, 1), b"")[:2]
    where, text = f"robots.txt line {line}", said.decode("utf-8", "replace")
    found = read_fields(name, [text], where)
    shown = cut(f"{name.title()}: {value.decode('utf-8', 'replace')}")
    return place(name, pattern, line, [one._replace(signal=shown) for one in found]) if found else None


def order(lines: Iterable[Placed]) -> tuple[Placed, ...]:
    """Returns the lines in the order in which they are looked through, the longest pattern first."""
    return tuple(sorted(lines, key=lambda one: one.rule.rank, reverse=True))
