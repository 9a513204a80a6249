"""Rooms know each other by their doors (protocols.py): nothing asks for a concrete class that a door stands for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
BEHIND_DOORS = {
    "fetch": {"HttpFetcher", "Capped", "ForeignFetcher"},
    "robots": {"RobotsCache", "IgnoreRobots", "RobotsRules"},
    "offload": {"Pool", "Lane", "Inline"},
}
"""The classes that implement a door, by their room."""


def modules(room: str) -> Iterator[Path]:
    """All files but those of the room itself."""
    for top in ("crawler", "cli"):
        for path in sorted((HOUSE / top).rglob("*.py")):
            if room not in path.relative_to(HOUSE).parts:
                yield path


def names(node: ast.AST | None) -> set[str]:
    found = list(ast.walk(node)) if node else []
    texts = [one.value for one in found if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return {one.id for one in found if isinstance(one, ast.Name)} | set(texts)


@cache
def asked_for(path: Path, *, opens: bool) -> list[tuple[int, set[str]]]:
    """The classes that a file asks for by isinstance, or demands of a parameter or of a field."""
    return list(_asked_for(ast.parse(path.read_text()), opens=opens))


def _asked_for(tree: ast.AST, *, opens: bool) -> Iterator[tuple[int, set[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and names(node.func) & {"isinstance", "issubclass"}:
            yield node.lineno, names(node.args[1])
        elif isinstance(node, ast.arg | ast.AnnAssign) and not opens:
            yield node.lineno, names(node.annotation)
        elif isinstance(node, ast.MatchClass):
            yield node.lineno, names(node.cls)


OPENS = {"fetch": {"crawler/assembly/crawl_parts.py", "crawler/assembly/parts.py", "crawler/assembly/works.py"}}
"""What opens an object of a room may say in a field which class it has opened."""


@pytest.mark.slow
@pytest.mark.parametrize("room", BEHIND_DOORS)
def test_no_other_room_asks_for_the_classes_behind_a_door(room: str) -> None:
    found = [
        f"{path.relative_to(HOUSE)}:{line}: {sorted(asked & BEHIND_DOORS[room])}"
        for path in modules(room)
        for line, asked in asked_for(path, opens=str(path.relative_to(HOUSE)) in OPENS.get(room, ()))
        if asked & BEHIND_DOORS[room]
    ]
    assert found == []


@pytest.mark.parametrize("room", BEHIND_DOORS)
def test_the_classes_are_those_of_the_room(room: str) -> None:
    trees = [ast.parse(path.read_text()) for path in (HOUSE / "crawler" / room).rglob("*.py")]
    found = {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    assert found >= BEHIND_DOORS[room]
