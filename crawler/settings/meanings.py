"""Finds what the text below each setting says, in the source of its table, when somebody asks for it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel


def meanings_of(table: type[BaseModel]) -> Mapping[str, str]:
    """Returns the text below each setting of a table, by the setting's name. It is read from the source once."""
    return _read(table)


def meaning_of(table: type[BaseModel], key: str) -> str:
    """Returns the text below one setting, by its full name (`politeness.delay_s`); empty if it has none."""
    first, _, rest = key.partition(".")
    inner: Any = table.model_fields[first].annotation
    return meaning_of(inner, rest) if rest else meanings_of(table).get(first, "")


@cache
def _read(table: type[BaseModel]) -> Mapping[str, str]:
    return {name: text for one in reversed(table.__mro__) if issubclass(one, BaseModel) for name, text in _texts(one)}


def _texts(table: type[BaseModel]) -> Iterator[tuple[str, str]]:
    if table is BaseModel:
        return
    try:
        (found,) = ast.parse(textwrap.dedent(inspect.getsource(table))).body
    except OSError:  # it was made where there is no source
        return
    assert isinstance(found, ast.ClassDef)
    for line, below in pairwise(found.body):
        if (
            isinstance(line, ast.AnnAssign)
            and isinstance(line.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            yield line.target.id, inspect.cleandoc(below.value.value)
