"""The parts of a parsed condition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..urls.patterns import TextPattern
from .fields import Kind

Plain: TypeAlias = str | int | float | bool | None
Sign = Literal["==", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that stands in the condition. A time is RFC 3339 text in UTC with milliseconds."""

    value: Plain


@dataclass(frozen=True, slots=True)
class Compare:
    """Compares a field with a constant or with another field."""

    left: Field
    sign: Sign
    right: Field | Constant


@dataclass(frozen=True, slots=True)
class OneOf:
    """Asks whether a field has one of some values."""

    field: Field
    values: tuple[Plain, ...]


@dataclass(frozen=True, slots=True)
class Contains:
    """Asks whether a text or a list holds a value."""

    field: Field
    value: Plain


@dataclass(frozen=True, slots=True)
class Matches:
    """Asks whether a regular expression matches anywhere in a text."""

    field: Field
    pattern: TextPattern


@dataclass(frozen=True, slots=True)
class Not:
    """True where its part is not."""

    part: Node


@dataclass(frozen=True, slots=True)
class And:
    """True where all parts are."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True where one part is."""

    parts: tuple[Node, ...]


Node: TypeAlias = Compare | OneOf | Contains | Matches | Not | And | Or
