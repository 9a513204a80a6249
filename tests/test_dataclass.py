"""Tests that dataclasses with late methods are what the standard decorator makes."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field
from typing import Any, ClassVar

import pytest

from crawler.dataclass import dataclass


def declare(make: Callable[..., Any], **words: bool) -> Any:
    @make(**words)
    class Value:
        """A value."""

        size: int
        name: str = "n"
        tags: list[str] = field(default_factory=list)
        shown: int = field(default=1, repr=False)
        same: int = field(default=2, compare=False)
        kept: int = field(default=3, init=False)
        last: int = field(default=4, kw_only=True)
        total: ClassVar[int] = 9

    return Value


def declare_hook(make: Callable[..., Any], **words: bool) -> Any:
    @make(**words)
    class Hooked:
        size: int
        double: int = field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "double", self.size * 2)

        def __repr__(self) -> str:
            return "own"

        def __hash__(self) -> int:
            return 5

    return Hooked


WORDS = [
    {"frozen": True, "slots": True}, {"slots": True}, {"frozen": True}, {}, {"slots": True, "eq": False},
    {"frozen": True, "slots": True, "eq": False},
]  # fmt: skip
FORMS = [pytest.param(words, id="-".join(words) or "plain") for words in WORDS]


@pytest.mark.parametrize("words", FORMS)
def test_it_is_made_shown_and_compared_as_usual(words: dict[str, bool]) -> None:
    ours, usual = declare(dataclass, **words), declare(dataclasses.dataclass, **words)
    assert inspect.signature(ours).parameters.keys() == inspect.signature(usual).parameters.keys()
    assert str(inspect.signature(ours)) == str(inspect.signature(usual))
    assert ours.__match_args__ == usual.__match_args__
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((1,), {}),
        ((1, "a"), {"tags": ["x"], "last": 7}),
        ((), {"size": 3, "shown": 4, "same": 5}),
    ]
    for args, named in calls:
        one, other = ours(*args, **named), usual(*args, **named)
        assert dataclasses.asdict(one) == dataclasses.asdict(other)
        assert repr(one).rpartition(">.")[2] == repr(other).rpartition(">.")[2]
        assert (one == ours(*args, **named)) == (other == usual(*args, **named))
        assert (one == ours(2)) == (other == usual(2))
        assert dataclasses.replace(one, size=8).size == 8
    assert ours(1).tags is not ours(1).tags


@pytest.mark.parametrize("args", [(), (1, 2, 3, 4, 5, 6)])
def test_wrong_arguments_are_refused(args: tuple[int, ...]) -> None:
    with pytest.raises(TypeError):
        declare(dataclass)(*args)


@pytest.mark.parametrize("words", FORMS)
def test_hashes_are_those_of_the_standard_decorator(words: dict[str, bool]) -> None:
    for form in (declare, declare_hook):
        ours, usual = form(dataclass, **words), form(dataclasses.dataclass, **words)
        assert (ours.__hash__ is None) == (usual.__hash__ is None)
        if form is declare_hook:
            assert hash(ours(1)) == hash(usual(1)) == 5
            assert (repr(ours(4)), ours(4).double) == ("own", 8)


def test_equal_values_have_one_hash() -> None:
    @dataclass(frozen=True, slots=True)
    class Pair:
        left: int
        right: int = field(default=0, compare=False)

    assert {Pair(1), Pair(1, 2)} == {Pair(1)}
    assert hash(Pair(1)) != hash(Pair(2))


@dataclass(frozen=True, slots=True)
class Base:
    left: int


@dataclass(frozen=True, slots=True)
class Heir(Base):
    right: str = "r"


class PlainHeir(Heir):
    __slots__ = ()


@pytest.mark.parametrize("value", [Base(1), Heir(1, "b"), PlainHeir(2)], ids=lambda one: type(one).__name__)
def test_a_frozen_value_stays_as_it_is_and_travels(value: Base) -> None:
    with pytest.raises(FrozenInstanceError):
        value.left = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del value.left
    assert pickle.loads(pickle.dumps(value)) == value == copy.copy(value) == copy.deepcopy(value)
    with pytest.raises(AttributeError):
        value.__signature__  # type: ignore[attr-defined]  # noqa: B018


def test_methods_are_compiled_when_they_are_called() -> None:
    """Otherwise an import would pay for the methods that nobody calls."""
    made: list[str] = []

    def note(event: str, args: tuple[Any, ...]) -> None:
        if event == "compile":
            made.append(str(args[1]))

    sys.addaudithook(note)
    value = declare(dataclass, frozen=True, slots=True)
    assert made == []
    value(1)
    assert len(made) == 1
    value(2)
    assert len(made) == 1
