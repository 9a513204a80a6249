"""Tests that values which are made quickly are the frozen dataclasses that they say they are."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, make_dataclass

import pytest

from crawler.model import Disposition, Lease, Outcome, Page, Request, Response, Timings, Url
from crawler.model.quick import quick, replace
from crawler.parse import Document

URL = Url("https://example.org/a")
REQUEST = Request(URL, 2, root=URL, label="list", data={"n": 1})
RESPONSE = Response(URL, 200, ((b"Server", b"x"),), b"body", timings=Timings(dns=1.0))
VALUES = (
    REQUEST,
    Lease(REQUEST, 7),
    Timings(1.0, parse=2.0),
    RESPONSE,
    Page(b"digest", 3, title="A"),
    Document(URL, b"body", depth=1),
    Outcome(Lease(REQUEST, 7), Disposition.FETCHED, response=RESPONSE, rest_s=1.5),
)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_quick_value_is_what_a_frozen_dataclass_is(value: object) -> None:
    name, *_ = [one.name for one in dataclasses.fields(value) if one.init]  # type: ignore[arg-type]
    with pytest.raises(FrozenInstanceError):
        setattr(value, name, None)
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        value.__dict__  # noqa: B018
    assert pickle.loads(pickle.dumps(value)) == value == copy.copy(value) == copy.deepcopy(value)
    given = {one.name: getattr(value, one.name) for one in dataclasses.fields(value) if one.init}  # type: ignore[arg-type]
    again = type(value)(**given)
    assert again == value
    assert type(again) is type(value)
    assert list(inspect.signature(type(value)).parameters) == list(given)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_quick_copy_equals_that_of_dataclasses(value: object) -> None:
    slow = dataclasses.replace(value)  # type: ignore[type-var]
    assert replace(value) == slow == value  # type: ignore[type-var]
    assert type(replace(value)) is type(value)  # type: ignore[type-var]


def test_a_copy_has_the_changes_and_hidden_fields_of_its_own() -> None:
    RESPONSE.header("server")  # its names are kept from now on
    changed = replace(RESPONSE, status=404, headers=((b"Age", b"1"),))
    assert (changed.status, changed.header("age"), changed.header("server"), changed.body) == (404, "1", "", b"body")
    assert (RESPONSE.status, RESPONSE.header("server")) == (200, "x")


def test_an_heir_of_a_quick_class_has_its_own_fields() -> None:
    @dataclass(frozen=True, slots=True)
    class Own(Timings):
        more: int = 0

    made = Own(dns=1.0, more=3)
    assert (type(made), made.dns, made.more, made.total) == (Own, 1.0, 3, 1.0)
    assert replace(made, more=4) == Own(dns=1.0, more=4)


def test_a_class_that_cannot_be_filled_quickly_is_refused() -> None:
    base = make_dataclass("base", [("one", int)], frozen=True, slots=True)
    heir = make_dataclass("heir", [("two", int)], bases=(base,), frozen=True, slots=True)
    made = make_dataclass("made", [("one", list, field(default_factory=list))], frozen=True, slots=True)
    for cls in (heir, made):
        with pytest.raises(TypeError, match="filled quickly"):
            quick(cls)
