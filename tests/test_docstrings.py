"""Every public class says what each of its fields and methods is: the reference is made of it."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import get_type_hints

import pytest

import crawler
import crawler.daemon
import crawler.seeds
from crawler.settings import Table

CLASSES = sorted(
    {
        value
        for package in (crawler, crawler.daemon, crawler.seeds)
        for value in (getattr(package, name) for name in package.__all__)
        if inspect.isclass(value) and value.__module__.startswith("crawler")
    },
    key=lambda one: f"{one.__module__}.{one.__qualname__}",
)

VAGUE = ("What ", "Whatever ", "Who ", "That ")


def test_every_field_of_a_public_class_has_a_docstring() -> None:
    assert [f"{one.__name__}.{name}" for one in CLASSES for name in fields_without_words(one)] == []


def test_every_method_of_a_public_class_has_a_docstring() -> None:
    assert [f"{one.__name__}.{name}" for one in CLASSES for name in methods_without_words(one)] == []


def test_no_docstring_begins_with_a_word_that_names_nothing() -> None:
    assert [place for file in sources() for place in vague_beginnings(file)] == []


@pytest.mark.parametrize("name", ["crawl", "open_crawl", "stream", "crawl_sync"])
def test_types_of_the_three_ways_in_can_be_read_at_run_time(name: str) -> None:
    assert "seeds" in get_type_hints(getattr(crawler, name)) or name == "open_crawl"


def sources() -> Iterator[Path]:
    """Yields the files of the package and of its command."""
    root = Path(__file__).parents[1]
    for room in ("crawler", "cli"):
        yield from sorted((root / room).rglob("*.py"))


def vague_beginnings(file: Path) -> Iterator[str]:
    """Yields the places in a file where a docstring begins with a bare "What", "Whatever", "Who" or "That"."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))) if text.startswith(
                ("What ", "Whatever ", "Who ", "That ")
            ):
                yield f"{file.name}:{node.lineno}"


def fields_without_words(public: type) -> Iterator[str]:
    """Yields the public fields of a class, those set in `__init__` included, with no docstring below them.

    The values of an Enum stand in tables of docs/. A table within the settings says itself what it is.
    """
    if issubclass(public, Enum):
        return
    tables = {
        name
        for name, info in (public.model_fields.items() if issubclass(public, Table) else ())
        if inspect.isclass(info.annotation) and issubclass(info.annotation, Table)
    }
    for body in bodies_of(public):
        for line, below in zip(body, [*body[1:], None], strict=True):
            name = name_of(line)
            if name and not name.startswith("_") and name not in tables and not is_text(below):
                yield name


def bodies_of(public: type) -> Iterator[list[ast.stmt]]:
    tree = ast.parse(inspect.getsource(sys.modules[public.__module__]))
    found = next(one for one in ast.walk(tree) if isinstance(one, ast.ClassDef) and one.name == public.__name__)
    yield found.body
    yield from (one.body for one in found.body if isinstance(one, ast.FunctionDef) and one.name == "__init__")


def name_of(line: ast.stmt) -> str:
    """Returns the name of the field that a line declares, or nothing."""
    match line:
        case ast.AnnAssign(target=target) | ast.Assign(targets=[target]):
            match target:
                case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name):
                    return name
    return ""


def is_text(line: ast.stmt | None) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)


def methods_without_words(public: type) -> Iterator[str]:
    for name, value in vars(public).items():
        is_method = inspect.isroutine(value) or isinstance(value, property | classmethod | staticmethod)
        if not name.startswith("_") and is_method and not inspect.getdoc(getattr(public, name)):
            yield name
