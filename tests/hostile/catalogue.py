"""All hostile behaviours there are, family by family."""

from __future__ import annotations

from collections.abc import Iterable

from tests.hostile import (
    bodies,
    codings,
    connections,
    fields,
    links,
    markup,
    moves,
    robots,
    secure,
    sitemaps,
    statuses,
    statuslines,
    traps,
    words,
)
from tests.hostile.behaviour import Behaviour, Family

FAMILIES: tuple[Family, ...] = (
    connections.FAMILY,
    secure.FAMILY,
    statuslines.FAMILY,
    fields.FAMILY,
    bodies.FAMILY,
    codings.FAMILY,
    moves.FAMILY,
    statuses.FAMILY,
    robots.FAMILY,
    sitemaps.FAMILY,
    markup.FAMILY,
    links.FAMILY,
    words.FAMILY,
    traps.FAMILY,
)
BEHAVIOURS: tuple[Behaviour, ...] = tuple(member for family in FAMILIES for member in family.members)


def chosen(names: Iterable[str]) -> list[Behaviour]:
    """Those whose name, or whose family's, is among `names`; `quick` stands for those of the suite; none: all."""
    wanted = set(names)
    if not wanted:
        return list(BEHAVIOURS)
    return [
        member
        for family in FAMILIES
        for member in family.members
        if not wanted.isdisjoint({family.name, member.name, *(["quick"] if member.is_quick else [])})
    ]
