"""Makes one plain function of a parsed condition."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from .moments import normalize
from .nodes import And, Compare, Contains, Field, Matches, Node, Not, OneOf, Or, Plain, Sign

Record: TypeAlias = Mapping[str, Any]
Test: TypeAlias = Callable[[Record], bool]
Get: TypeAlias = Callable[[Record], Any]

_ORDERS: dict[Sign, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_NUMBERS = (int, float)


def make_test(node: Node) -> Test:
    """Returns a function that says whether a record meets the condition. It never raises."""
    match node:
        case And(parts):
            return _all([make_test(part) for part in parts])
        case Or(parts):
            return _any([make_test(part) for part in parts])
        case Not(part):
            inner = make_test(part)
            return lambda record: not inner(record)
        case Compare():
            return _compare(node)
        case OneOf(field, values):
            return _one_of(_getter(field), values)
        case Contains(field, value):
            return _contains(_getter(field), value)
        case Matches(field, pattern):
            return _matches(_getter(field), pattern.search)


def _all(tests: Sequence[Test]) -> Test:
    if len(tests) == 2:  # nearly always
        first, second = tests
        return lambda record: first(record) and second(record)
    return lambda record: all(test(record) for test in tests)


def _any(tests: Sequence[Test]) -> Test:
    return lambda record: any(test(record) for test in tests)


def _getter(field: Field) -> Get:
    """Returns a function that takes the value out of a record; None where it has none."""
    top, *inner = field.name.split(".")
    if field.kind == "time":
        return lambda record: normalize(value) if isinstance(value := record.get(top), str) else None
    if not inner:
        return lambda record: record.get(top)

    def get(record: Record) -> Any:
        value = record.get(top)
        for part in inner:
            if not isinstance(value, dict):
                return None
            value = value.get(part)
        return value

    return get


def _compare(node: Compare) -> Test:
    get, sign = _getter(node.left), node.sign
    if isinstance(node.right, Field):
        other = _getter(node.right)
        if sign in _ORDERS:
            in_order = _ORDERS[sign]
            return lambda record: _have_order(a := get(record), b := other(record)) and in_order(a, b)
        return lambda record: _are_equal(get(record), other(record)) is (sign == "==")
    value = node.right.value
    return _in_order(get, sign, value) if sign in _ORDERS else _is_equal(get, value, sign == "==")


def _is_equal(get: Get, value: Plain, wanted: bool) -> Test:
    if value is None:
        return lambda record: (get(record) is None) is wanted
    if isinstance(value, str):
        return lambda record: (get(record) == value) is wanted
    return lambda record: _are_equal(get(record), value) is wanted


def _in_order(get: Get, sign: Sign, value: Plain) -> Test:
    in_order, kinds = _ORDERS[sign], (str,) if isinstance(value, str) else _NUMBERS
    return lambda record: type(found := get(record)) in kinds and in_order(found, value)


def _one_of(get: Get, values: Sequence[Plain]) -> Test:
    """Looks values up, since lists may be long. In a set of Python `True` is 1, so truths have one of their own."""
    truths = frozenset(value for value in values if isinstance(value, bool))
    others = frozenset(value for value in values if not isinstance(value, bool))

    def test(record: Record) -> bool:
        found = get(record)
        if isinstance(found, bool):
            return found in truths
        return (found is None or isinstance(found, (str, int, float))) and found in others

    return test


def _contains(get: Get, value: Plain) -> Test:
    def test(record: Record) -> bool:
        found = get(record)
        if isinstance(found, str):
            return isinstance(value, str) and value in found
        return isinstance(found, list) and any(_are_equal(one, value) for one in found)

    return test


def _matches(get: Get, search: Callable[[str], bool]) -> Test:
    return lambda record: isinstance(found := get(record), str) and search(found)


def _are_equal(one: object, other: object) -> bool:
    """Returns whether two values are one in JSON, where `true` is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _have_order(one: object, other: object) -> bool:
    return (type(one) in _NUMBERS and type(other) in _NUMBERS) or (isinstance(one, str) and isinstance(other, str))
