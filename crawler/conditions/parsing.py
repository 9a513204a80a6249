"""Reads the words of a condition: `or` binds least, then `and`, then `not`, then one comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from ..runtime.nearest import did_you_mean
from ..urls.patterns import PatternError, TextPattern
from .fields import Fields, Kind
from .moments import normalize
from .nodes import And, Compare, Constant, Contains, Field, Matches, Node, Not, OneOf, Or, Plain, Sign
from .words import BadCondition, Word

MOST_DEPTH = 100
"""Parentheses and `not` inside one another. Python's own stack ends at a thousand."""
SIGNS = ("==", "!=", "<", "<=", ">", ">=")
_OPERATORS = (*SIGNS, "in", "not in", "contains", "matches", "is null", "is not null")
_EXAMPLES: dict[Kind, str] = {"number": "a number", "text": "text in quotes", "truth": "true or false"}


class Parser:
    """Reads one condition. The constructor takes its words, the end last."""

    def __init__(self, words: Sequence[Word], fields: Fields) -> None:
        self._words = words
        self._fields = fields
        self._at = 0
        self._depth = 0

    def read(self) -> Node:
        """Returns the whole condition. Raises BadCondition."""
        node = self._read_any()
        if self._here.sort != "end":
            raise self._refuse("`and` or `or`", ("and", "or"))
        return node

    @property
    def _here(self) -> Word:
        return self._words[self._at]

    def _take(self, *texts: str) -> Word | None:
        """Steps over a keyword or sign, if one of these is next."""
        word = self._here
        if word.sort not in ("word", "sign") or word.text not in texts:
            return None
        self._at += 1
        return word

    def _need(self, text: str) -> None:
        if not self._take(text):
            raise self._refuse(f"`{text}`")

    def _refuse(self, wanted: str, names: Sequence[str] = ()) -> BadCondition:
        near = did_you_mean(self._here.text.lower(), names) if self._here.sort == "name" else ""
        return BadCondition(self._here.column, f"{wanted} should stand here, not {self._here.shown}{near}")

    def _read_any(self) -> Node:
        return self._read_row("or", lambda: self._read_row("and", self._read_not, And), Or)

    def _read_row(self, word: str, read: Callable[[], Node], make: type[And | Or]) -> Node:
        parts = [read()]
        while self._take(word):
            parts.append(read())
        return make(tuple(parts)) if len(parts) > 1 else parts[0]

    def _read_not(self) -> Node:
        opened = self._take("not", "(")
        if opened is None:
            return self._read_test()
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise BadCondition(opened.column, f"more than {MOST_DEPTH} parentheses and `not` inside one another")
        node = Not(self._read_not()) if opened.text == "not" else self._read_any()
        if opened.text == "(":
            self._need(")")
        self._depth -= 1
        return node

    def _read_test(self) -> Node:
        field, word = self._read_field("the name of a field")
        if sign := self._take(*SIGNS):
            return self._read_comparison(field, sign, word)
        if self._take("is"):
            sign_of_null: Sign = "!=" if self._take("not") else "=="
            self._need("null")
            return Compare(field, sign_of_null, Constant(None))
        if self._take("not"):
            return Not(self._read_words(field, word))
        return self._read_words(field, word)

    def _read_words(self, field: Field, word: Word) -> Node:
        if self._take("in"):
            return OneOf(field, self._read_list(field, word))
        if self._take("contains"):
            return self._read_contains(field, word)
        if self._take("matches"):
            return Matches(field, self._read_pattern(field, word))
        raise self._refuse(f"one of {', '.join(_OPERATORS)}", ("in", "contains", "matches", "is"))

    def _read_field(self, wanted: str) -> tuple[Field, Word]:
        word = self._here
        if word.sort != "name":
            raise self._refuse(wanted)
        self._at += 1
        return Field(word.text, self._fields.find(word)), word

    def _read_comparison(self, field: Field, sign: Word, word: Word) -> Node:
        if field.kind in ("list", "object"):
            raise BadCondition(word.column, f"{field.name} is {_a(field.kind)}, and cannot be compared")
        compare = cast(Sign, sign.text)
        if self._here.sort == "name":
            other, place = self._read_field("a value")
            if "any" not in (field.kind, other.kind) and other.kind != field.kind:
                raise BadCondition(place.column, f"{field.name} is {_a(field.kind)}, and {other.name} is not")
            return Compare(field, compare, other)
        place = self._here
        value = self._read_value(field)
        if (value is None or isinstance(value, bool)) and compare not in ("==", "!="):
            raise BadCondition(place.column, f"{place.text} has no order: == and != are possible")
        return Compare(field, compare, Constant(value))

    def _read_list(self, field: Field, word: Word) -> tuple[Plain, ...]:
        if field.kind in ("list", "object"):
            raise BadCondition(word.column, f"{field.name} is {_a(field.kind)}, and is in no list")
        self._need("(")
        values = [self._read_value(field)]
        while self._take(","):
            values.append(self._read_value(field))
        self._need(")")
        return tuple(values)

    def _read_contains(self, field: Field, word: Word) -> Node:
        if field.kind not in ("text", "time", "list", "any"):
            raise BadCondition(word.column, f"{field.name} is {_a(field.kind)}, and contains nothing")
        if field.kind in ("text", "time") and self._here.sort != "text":
            raise self._refuse("text in quotes")
        return Contains(field, self._read_value(Field(field.name, "any")))

    def _read_pattern(self, field: Field, word: Word) -> TextPattern:
        if field.kind not in ("text", "time", "any"):
            raise BadCondition(word.column, f"{field.name} is {_a(field.kind)}, and `matches` is for text")
        if self._here.sort != "text":
            raise self._refuse("a regular expression in quotes")
        try:
            pattern = TextPattern(self._here.text)
        except PatternError as error:
            raise BadCondition(self._here.column, f"the expression {error}") from None
        self._at += 1
        return pattern

    def _read_value(self, field: Field) -> Plain:
        """Reads a constant that the field may have."""
        word = self._here
        value: Plain
        match word.sort, word.text:
            case "word", "null":
                kind, value = field.kind, None
            case "word", ("true" | "false"):
                kind, value = "truth", word.text == "true"
            case "number", text:
                kind, value = "number", float(text) if set(text) & set(".eE") else int(text)
            case "text", text:
                kind, value = ("time", _read_moment(word)) if field.kind == "time" else ("text", text)
            case _:
                raise self._refuse("a value")
        if field.kind not in ("any", kind):
            raise BadCondition(word.column, f"{field.name} is {_a(field.kind)}: write {_example(field.kind, word)}")
        self._at += 1
        return value


def _a(kind: Kind) -> str:
    names: dict[Kind, str] = {"text": "text", "truth": "true or false", "object": "an object"}
    return names.get(kind, f"a {kind}")


def _example(kind: Kind, word: Word) -> str:
    if kind == "number" and word.text.strip().isdecimal():
        return word.text.strip()
    if kind == "text":
        return f'"{word.text}"'
    return _EXAMPLES.get(kind, 'a time in quotes, "2026-05-04" or "2026-05-04T03:02:01Z"')


def _read_moment(word: Word) -> str:
    moment = normalize(word.text)
    if moment is None:
        raise BadCondition(word.column, f'{word.shown} is no time: "2026-05-04" or "2026-05-04T03:02:01Z" is one')
    return moment
