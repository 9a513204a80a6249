"""Inside a frontier each object writes its own fields: whoever wants another one changed calls a method of it."""

import ast
from collections.abc import Iterator

from tests.committed import ROOT

FREE = {("discovery.py", "family.texts"), ("repair.py", "connection.text_factory")}
"""A field of an object that the same function has just made, and one of SQLite's."""
CHANGES = {"append", "appendleft", "clear", "discard", "extend", "insert", "popitem", "popleft", "setdefault", "update"}
"""Methods of lists, sets and dicts; `add`, `pop` and `remove` are methods of ours, too."""
COLLECTED = "change"
"""A Change has no rules of its own: the parts of one call fill it, one after the other, and the store empties it."""


def test_no_file_of_the_frontier_writes_the_fields_of_another_object() -> None:
    files = sorted((ROOT / "crawler/frontier").rglob("*.py"))
    found = {(file.name, target) for file in files for target in _written(ast.parse(file.read_bytes()))}
    assert len(files) > 25
    assert found == FREE


def _written(tree: ast.AST) -> Iterator[str]:
    """Yields each field, or part of a field, that is assigned or deleted in another object than `self`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            field = node if isinstance(node, ast.Attribute) else node.value
            if isinstance(field, ast.Attribute) and ast.unparse(field.value) not in ("self", COLLECTED):
                yield ast.unparse(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
            field = node.func.value
            if isinstance(field, ast.Attribute) and ast.unparse(field.value) not in ("self", COLLECTED):
                yield ast.unparse(node.func)
