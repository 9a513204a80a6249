"""Chooses among several parse functions by the URL or the label of a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeAlias

from ..errors import ConfigError
from ..urls.patterns import PatternError, Test, compile_pattern
from .job import Content

Parser: TypeAlias = Callable[[Content], object]


class Label(str):
    """Stands for the pages whose requests have this label, in `parse=[(Label("list"), function)]`."""

    __slots__ = ()


class Parsers:
    """Several parse functions. The first one whose pattern or label fits a page is called. Picklable."""

    __slots__ = ("_choices", "_tests")

    def __init__(self, choices: Iterable[object]) -> None:
        """Takes pairs of a pattern or a Label, and a function. Raises ConfigError for what is not one."""
        self._choices = tuple(_check(number, choice) for number, choice in enumerate(choices))
        self._tests = [(_make_test(number, key), parser) for number, (key, parser) in enumerate(self._choices)]

    def __call__(self, content: Content) -> object:
        """Returns the result of the function for this page; None if there is none for it."""
        parser = self.find(content)
        return parser(content) if parser else None

    def __reduce__(self) -> tuple[object, ...]:
        return Parsers, (self._choices,)

    @property
    def functions(self) -> list[Parser]:
        """The functions, in their order."""
        return [parser for _, parser in self._choices]

    def find(self, content: Content) -> Parser | None:
        """Returns the function for a page; None: there is none."""
        text, label = content.url.text, content.request.label
        for test, parser in self._tests:
            if label == test if isinstance(test, Label) else test(text):
                return parser
        return None


def _check(number: int, choice: object) -> tuple[str, Parser]:
    if isinstance(choice, (tuple, list)) and len(choice) == 2:
        key, parser = choice
        if isinstance(key, str) and callable(parser):
            return key, parser
    raise ConfigError(
        f"parse[{number}] is {choice!r}: give a pattern or a Label, and a function, as in "
        '("https://example.org/item/*", item) or (Label("list"), listing)'
    )


def _make_test(number: int, key: str) -> Test | Label:
    if isinstance(key, Label):
        return key
    try:
        return _compile(key)
    except PatternError as error:
        raise ConfigError(f"parse[{number}]: {key!r} {error}") from error


_compile = lru_cache(maxsize=256)(compile_pattern)
"""A worker gets the patterns with every batch."""
