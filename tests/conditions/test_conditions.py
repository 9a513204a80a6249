"""Conditions choose the records that the same words would in Python, and a wrong word is told with its column."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.conditions import BadCondition, Fields, parse_condition
from crawler.conditions.parsing import MOST_DEPTH
from crawler.sinks.field_kinds import KINDS, RECORD_FIELDS
from crawler.sinks.record import BEYOND, EXTRA, FIELDS, HEAVY

Record = Mapping[str, Any]
Plain = Callable[[Record], bool]
RECORD: Record = {
    "url": "http://a.example/x", "canonical": "http://a.example/x", "status": 404, "depth": 2, "title": None,
    "timings": {"ttfb": 3.5}, "fetched_at": "2026-11-01T12:00:00.123Z", "links": ["http://b.example/"],
    "data": {"price": 3, "ok": True, "tags": ["a", 1], "og-title": "T"}, "description": 'a "quote", caf\xe9 \u65e5',
}  # fmt: skip

TRUE = [
    "status >= 400 and depth < 3", "not status = 200", "title is null", "url is not null", "label is null",
    "title is not null or timings.ttfb > 3", 'url matches "^http.*x$"', 'url contains "/x"', "canonical == url",
    "status in (404, 410)", "status not in (1,2)", "data.price<4", "data.ok = true", "data.nothing.at.all is null",
    'links contains "http://b.example/"', 'data.tags contains "a"', "data.tags contains 1", "data.og-title = 'T'",
    'fetched_at > "2026-11-01"', 'fetched_at >= "2026-11-01T13:00:00.123+01:00"', 'fetched_at < "2026-11-01T12:01"',
    'description contains "a ""quote"""', "description matches 'caf. .$'", 'title != "x"', "title != url",
    "NOT (status = 1 OR depth = 1) AND status IS NOT NULL", "title in (null, 'a')",
    "not not status=404", "status = 404.0", "depth > -1", "length != 3", "links is not null", "timings is not null",
]  # fmt: skip
FALSE = [
    "length < 3", "length >= 3", "not length != 3", 'title < "x"', 'title contains ""', 'title matches ""',
    "data.ok = 1", "data.price > 'a'", "data.tags contains true", 'data.price contains "3"', "title == url",
    "data > 3", "status in (4, 5)", 'fetched_at = "2026-11-01T12:00:00"', "title > canonical", 'data.tags matches "a"',
]  # fmt: skip


@pytest.mark.parametrize("text", TRUE)
def test_a_condition_that_holds(text: str) -> None:
    assert parse_condition(text, RECORD_FIELDS).wants(RECORD)


@pytest.mark.parametrize("text", FALSE)
def test_a_condition_that_does_not_hold(text: str) -> None:
    assert not parse_condition(text, RECORD_FIELDS).wants(RECORD)


WRONG = [
    ("statsu > 1", 1, "no record has a field 'statsu'; did you mean status?"),
    ("depth = 1 or timings.tfb > 3", 14, "did you mean timings.ttfb?"),
    ("status >= 400 && depth < 3", 15, "'&&' is no word here; did you mean and?"),
    ("!status", 1, "did you mean not?"),
    ("status === 3", 8, "did you mean ==?"),
    ('status == "404"', 11, "status is a number: write 404"),
    ("title == 5", 10, 'title is text: write "5"'),
    ("title == x", 10, "text stands in quotes"),
    ('title == "abc', 10, 'the text that begins with " has no end'),
    ("fetched_at > 2026", 14, "a time in quotes"),
    ("depth > 2026-11-01", 9, "a time stands in quotes"),
    ('fetched_at > "yesterday"', 14, "'yesterday' is no time"),
    ('url contians "x"', 5, "did you mean contains?"),
    ("status > 3 adn depth < 3", 12, "did you mean and?"),
    ("(status > 1", 12, "`)` should stand here, not the end"),
    ("status > 1)", 11, "`and` or `or` should stand here"),
    ("status", 7, "one of ==, !="),
    ("", 1, "the name of a field should stand here"),
    ("status > null", 10, "null has no order"),
    ("timings > 3", 1, "timings is an object, and cannot be compared"),
    ("links matches 'a'", 1, "links is a list"),
    ("status contains 4", 1, "status is a number, and contains nothing"),
    ("status == url", 11, "status is a number, and url is not"),
    ('url matches "(?=x)"', 13, "a lookahead"),
    ('url matches "("', 13, "is not a regular expression"),
    ("status in 404", 11, "`(` should stand here"),
    ("status in ()", 12, "a value should stand here"),
    ("(" * (MOST_DEPTH + 1) + "depth = 1", MOST_DEPTH + 1, "more than 100 parentheses"),
    ("\x1b[2J = 1", 1, "is no word here"),
    ("v = 1" + " " * 30_000, 20_001, "at most 20,000 characters"),
]


@pytest.mark.parametrize(("text", "column", "words"), WRONG, ids=[text[:30] for text, _, _ in WRONG])
def test_a_wrong_word_is_told_with_its_column_in_one_line(text: str, column: int, words: str) -> None:
    with pytest.raises(BadCondition, match=re.escape(words)) as caught:
        parse_condition(text, RECORD_FIELDS)
    assert caught.value.column == column
    assert str(caught.value).startswith(f"column {column}: ")
    assert str(caught.value).isprintable()


def test_all_fields_of_records_can_be_named() -> None:
    assert {name.partition(".")[0] for name in KINDS} == {*FIELDS, *EXTRA, *BEYOND, *HEAVY}
    for name in KINDS:
        assert not parse_condition(f"{name} is not null", RECORD_FIELDS).wants({})


def test_a_hostile_text_costs_an_expression_no_more_than_its_length() -> None:
    condition = parse_condition('title matches "(a+)+$"', RECORD_FIELDS)
    assert not condition.wants({"title": "a" * 100_000 + "!"})


FIELDS_OF_TEST = Fields({"n": "number", "m": "number", "t": "text", "u": "text", "o": "any"})
numbers = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, -1.5, 2.0]))
texts = st.text("ab\"' \u65e5", max_size=3)
SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def _quote(text: str) -> str:
    return '"{}"'.format(text.replace('"', '""'))


def _is_so(one: Any, sign: str, other: Any) -> bool:
    return (sign in ("==", "!=") or (one is not None and other is not None)) and SIGNS[sign](one, other)


def _compare(name: str, sign: str, value: Any) -> Plain:
    return lambda record: _is_so(record[name], sign, value)


@st.composite
def _tests(draw: st.DrawFn) -> tuple[str, Plain]:
    sign = draw(st.sampled_from(sorted(SIGNS)))
    match draw(st.integers(0, 6)):
        case 0:
            name, value = draw(st.sampled_from("nm")), draw(numbers)
            return f"{name}{sign}{value}", _compare(name, sign, value)
        case 1:
            name, text = draw(st.sampled_from("tu")), draw(texts)
            return f"{name} {sign} {_quote(text)}", _compare(name, sign, text)
        case 2:
            values = draw(st.lists(numbers, min_size=1, max_size=3))
            return f"n in ({', '.join(map(str, values))})", lambda record: record.get("n") in values
        case 3:
            text = draw(texts)
            return f"t contains {_quote(text)}", lambda record: record["t"] is not None and text in record["t"]
        case 4:
            return "m is null", lambda record: record.get("m") is None
        case 5:
            return f"n {sign} m", lambda record: _is_so(record["n"], sign, record["m"])
        case _:
            return 't matches "^a.?b"', lambda record: bool(record["t"] and re.search("^a.?b", record["t"]))


def _combine(parts: st.SearchStrategy[tuple[str, Plain]]) -> st.SearchStrategy[tuple[str, Plain]]:
    def join(word: str, all_of: Callable[[Any], bool], some: list[tuple[str, Plain]]) -> tuple[str, Plain]:
        return f" {word} ".join(f"({text})" for text, _ in some), lambda record: all_of(
            plain(record) for _, plain in some
        )

    several = st.lists(parts, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda some: join("and", all, some)),
        several.map(lambda some: join("or", any, some)),
        parts.map(lambda one: (f"not ({one[0]})", lambda record: not one[1](record))),
    )


records = st.fixed_dictionaries(
    {"n": st.none() | numbers, "m": st.none() | numbers, "t": st.none() | texts, "u": st.none() | texts}
)


@settings(max_examples=300, deadline=None)
@given(st.recursive(_tests(), _combine, max_leaves=6), st.lists(records, min_size=1, max_size=5))
def test_a_condition_means_what_a_plain_evaluation_says(condition: tuple[str, Plain], found: list[Record]) -> None:
    text, plain = condition
    wants = parse_condition(text, FIELDS_OF_TEST).wants
    for record in found:
        assert wants(record) is plain(record), text


@settings(max_examples=200, deadline=None)
@given(st.text("statusdepthurl.()=<>!&|\"'0123456789 ,nor", max_size=30), st.dictionaries(st.text(), st.integers()))
def test_any_text_is_a_condition_or_a_refusal(text: str, record: Record) -> None:
    column = 1
    try:
        assert parse_condition(text, RECORD_FIELDS).wants(record) in (True, False)
    except BadCondition as error:
        column = error.column
    assert 1 <= column <= len(text) + 1
