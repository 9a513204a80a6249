"""A default stands once, at its setting: no part that is given a setting has a default of its own for it."""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from crawler.assembly import crawl_parts, parts, shared
from crawler.settings.catalog import fields, last_word

MODULES = (crawl_parts, parts, shared)
NAMES = {last_word(key) for key in fields()}
LEAST = 50
"""Parameters that are given a setting: there are some 60."""
OFF = (inspect.Parameter.empty, None, False, math.inf)
"""No default, and those that leave out what the parameter is about, which can be no second default of a setting."""
RECORDS = {"JsonLines(wants)"}
"""Here the default stands for a record without anything that has to be asked for."""


def given() -> Iterator[tuple[str, inspect.Parameter]]:
    """Parameters of parts, each with its name, to which `assembly` passes an attribute with the name of a setting."""
    for module in MODULES:
        tree = ast.parse(inspect.getsource(module))
        variables = {name for node in ast.walk(tree) if isinstance(node, ast.Assign) for name in assigned(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (part := find(module, node.func)) is not None:
                parameters = inspect.signature(part).parameters
                named = {word.arg: word.value for word in node.keywords if word.arg}
                for name, value in (dict(zip(parameters, node.args, strict=False)) | named).items():
                    if name in parameters and is_setting(value, variables):
                        yield f"{part.__name__}({name})", parameters[name]


def assigned(node: ast.Assign) -> Iterator[str]:
    """Variables that are given a setting."""
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = list(zip(target.elts, value.elts, strict=True))
    else:
        pairs = [(target, value)]
    yield from (name.id for name, one in pairs if isinstance(name, ast.Name) and is_setting(one, set()))


def find(module: ModuleType, called: ast.expr) -> Any:
    """The class or function of ours that is called by this expression, or None."""
    part = getattr(module, called.id, None) if isinstance(called, ast.Name) else None
    return part if getattr(part, "__module__", "").startswith("crawler") else None


def is_setting(value: ast.expr, variables: set[str]) -> bool:
    found = list(ast.walk(value))
    read = {node.attr for node in found if isinstance(node, ast.Attribute)}
    return bool(read & NAMES or variables & {node.id for node in found if isinstance(node, ast.Name)})


def test_no_part_has_a_default_for_what_a_setting_decides() -> None:
    found = dict(given())
    assert len(found) >= LEAST, sorted(found)
    second = {name for name, parameter in found.items() if parameter.default not in OFF} - RECORDS
    assert not second, f"remove their defaults, for each has one at its setting: {second}"
