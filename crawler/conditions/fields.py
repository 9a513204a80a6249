"""The fields that a condition may name, and which kind of value each has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..runtime.nearest import did_you_mean
from .words import BadCondition, Word

Kind = Literal["number", "text", "time", "truth", "list", "object", "any"]
"""A time is RFC 3339 text. `any`: a program chooses the values."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Describes the records that a condition is about."""

    kinds: Mapping[str, Kind]
    """All fields by their names; `timings.ttfb` is one inside `timings`."""
    open: tuple[str, ...] = ()
    """Fields whose inside a program chooses: `data.price` is a field if `data` is one of them."""

    def find(self, word: Word) -> Kind:
        """Returns the kind of the field that a word names. Raises BadCondition with the nearest name."""
        kind = self.kinds.get(word.text)
        if kind is not None:
            return kind
        if word.text.partition(".")[0] in self.open:
            return "any"
        near = did_you_mean(word.text, self.kinds, "; docs/records.md lists them, and text stands in quotes")
        raise BadCondition(word.column, f"no record has a field {word.text!a}{near}")
