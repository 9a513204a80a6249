"""Finds what a site says about the use of one path, by lines with patterns as robots.txt has them, in bounded time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..model import Statement
from ..usage.words import cut, read_fields
from .rules import MAX_WORK_NS, Rule, escape_path, escape_pattern, fits, make_wild_rule, unescape_octets

MAX_LINES = 1000
"""Lines of one file that are read, in their order."""


class Placed(NamedTuple):
    """The statements of one line, and the pattern of the paths that it is about."""

    kind: str
    rule: Rule
    statements: tuple[Statement, ...]


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


def find_statements(lines: Sequence[Placed], path: str) -> tuple[Statement, ...]:
    """Returns the statements of the longest pattern of each kind that the path fits; those of equal ones add up.

    Once MAX_WORK_NS are used up, a pattern that begins like the path counts as one that fits.
    """
    if not lines:
        return ()
    subject, left = unescape_octets(escape_path(path)), float(MAX_WORK_NS)
    longest: dict[str, int] = {}
    found: list[Statement] = []
    for kind, rule, statements in lines:
        if rule.rank[0] < longest.get(kind, 0) or not _begins(subject, rule):
            continue
        left -= rule.once_ns + rule.place_ns * (len(subject) - len(rule.head))
        if left < 0 or not rule.rest or fits(rule.rest, subject, len(rule.head)):
            longest[kind] = rule.rank[0]
            found += statements
    return tuple(found)


def _begins(subject: str, rule: Rule) -> bool:
    if not rule.rest and rule.head.endswith("$"):
        return subject == rule.head[:-1]
    return subject.startswith(rule.head)
