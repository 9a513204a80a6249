"""A condition over records, parsed once."""

from __future__ import annotations

from collections.abc import Callable

from ..records import Record
from .fields import Fields
from .parsing import Parser
from .predicates import make_test
from .words import read_words


class Condition:
    """A parsed condition: safe in threads, and a pure function of the record."""

    __slots__ = ("text", "wants")

    def __init__(self, text: str, wants: Callable[[Record], bool]) -> None:
        self.text: str = text
        """As it was written."""
        self.wants: Callable[[Record], bool] = wants
        """Returns whether a record meets the condition. Never raises."""


def parse_condition(text: str, fields: Fields) -> Condition:
    """Parses a condition over these fields: `status >= 400 and not (url contains "/tag/")`.

    Missing fields are null. Values of another kind than the one that they are compared with are unequal and in no
    order. Raises BadCondition, which says the column and, for a misspelt name, the nearest right one.
    """
    return Condition(text, make_test(Parser(list(read_words(text)), fields).read()))
