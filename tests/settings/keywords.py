"""Writes the types of the settings as keywords of functions, from the models: a part of `make settings`."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Collection, Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import JsonValue

from crawler.daemon.settings import DaemonConfig
from crawler.settings import Config, Table
from crawler.settings.meanings import meaning_of

WIDTH = 116
OUTPUTS = "sinks"
"""The setting whose name is another argument of `open_crawl`, which takes objects."""
ABOUT = (
    "Settings of a crawl by name, as `open_crawl`, `crawl`, `stream` and `Crawl.change` take them: each by itself"
    " (`max_depth=2`) or in its table (`scope={'max_depth': 2}`)."
)
CRAWL_HEAD = '''\
"""Declares the settings as keyword arguments, for tools that check types. Written by `make settings`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

{imports}
'''
DAEMON_HEAD = '''\
"""Declares the settings of the daemon as keyword arguments, for tools that check types. Written by `make settings`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict
'''


def crawl_keywords() -> str:
    """Returns the module with the keywords of a crawl: one class for each table, and `Settings`, which has them all."""
    tables = list(_tables_below(Config))
    lines = [CRAWL_HEAD.format(imports="\n".join(_imports(tables)))]
    for table in tables:
        about = f"Keywords of `{table.__name__}`. {table.__doc__}"
        lines += _class(_keywords_of(table), "TypedDict", about, table)
    sections = [info.annotation for info in Config.model_fields.values() if _is_table(info.annotation)]
    bases = ", ".join(_keywords_of(section) for section in sections)
    lines += _class("Settings", bases, ABOUT, Config, Config.model_fields.keys() - {OUTPUTS})
    about = "All settings of a crawl by name, as `Config` takes them: those of `Settings`, and the outputs."
    return _format(lines + _class("AllSettings", "Settings", about, Config, {OUTPUTS}))


def daemon_keywords() -> str:
    """Returns the module with the keywords of a daemon."""
    about = "All settings of a daemon by name, as `DaemonConfig` takes them."
    return _format([DAEMON_HEAD, *_class("DaemonSettings", "TypedDict", about, DaemonConfig)])


def _imports(tables: list[type[Table]]) -> Iterator[str]:
    for module in sorted({table.__module__ for table in tables}):
        names = sorted(table.__name__ for table in tables if table.__module__ == module)
        yield f"from .{module.rpartition('.')[2]} import {', '.join(names)}"


def _tables_below(table: type[Table]) -> Iterator[type[Table]]:
    """Yields the tables that stand in a table, those within them first."""
    for info in table.model_fields.values():
        for inner in _tables_in(info.annotation):
            yield from _tables_below(inner)
            yield inner


def _tables_in(annotation: Any) -> Iterator[type[Table]]:
    if _is_table(annotation):
        yield annotation
    for argument in get_args(annotation):
        yield from _tables_in(argument)


def _is_table(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Table)


def _keywords_of(table: Any) -> str:
    return f"{table.__name__.removesuffix('Config')}Settings"


def _class(name: str, bases: str, about: str, table: type[Table], chosen: Collection[str] | None = None) -> list[str]:
    lines = ["", "", f"class {name}({bases}, total=False):", *_docstring(about)]
    for key, info in table.model_fields.items():
        if chosen is not None and key not in chosen:
            continue
        meaning = meaning_of(table, key) or f"{info.annotation.__doc__}"
        lines += [f"    {key}: {_type(info.annotation)}", *_docstring(meaning)]
    return lines


def _docstring(text: str) -> list[str]:
    return textwrap.wrap(f'"""{" ".join(text.split())}"""', WIDTH + 4, initial_indent="    ", subsequent_indent="    ")


def _type(annotation: Any) -> str:
    """Returns a type as it stands in code: wider than the model's own, as callers write values."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in (Any, JsonValue):
        return "object"
    if annotation is NoneType:
        return "None"
    if _is_table(annotation):
        return f"{_keywords_of(annotation)} | {annotation.__name__}"
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return f"Literal[{', '.join(map(_quote, arguments))}]"
    if origin in (Union, UnionType):
        return " | ".join(map(_type, arguments))
    if origin is tuple:
        return f"Sequence[{_type(arguments[0])}]"
    if origin is dict:
        return f"Mapping[{', '.join(map(_type, arguments))}]"
    return str(annotation.__name__)


def _quote(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _format(lines: list[str]) -> str:
    text = "\n".join(lines) + "\n"
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", "keywords.py", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
