"""Cuts the text of a condition into words, each with its column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from ..errors import ConfigError

MOST_CHARS = 20_000
"""Characters of a condition. Longer lists belong in another tool."""

Sort = Literal["name", "word", "number", "text", "sign", "end"]
KEYWORDS = frozenset(("and", "or", "not", "in", "contains", "matches", "is", "null", "true", "false"))
_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![\w.-])"
    r"|(?P<text>\"(?:[^\"]|\"\")*+\"|'(?:[^']|'')*+')"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+)*)"
    r"|(?P<sign>==|!=|<=|>=|[=<>(),])|(?P<end>\Z))"
)
_FOREIGN = {
    "&&": "and", "||": "or", "!": "not", "=~": "matches", "~": "matches", "<>": "!=", "===": "==", "!==": "!=",
    "&": "and", "|": "or",
}  # fmt: skip
"""Signs of other languages, and how they are written here."""
_SIGN = re.compile(r"[^\w\s\"'().,-]{1,8}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}[-0-9T:.+Z]*")


class BadCondition(ConfigError):
    """Raised for a condition that cannot be used. The message begins with the column, from 1."""

    def __init__(self, column: int, words: str) -> None:
        super().__init__(f"column {column}: {words}")
        self.column = column


class Word(NamedTuple):
    """One word of a condition."""

    sort: Sort
    text: str
    """As it counts: keywords in small letters, texts without their quotes."""
    column: int
    """From 1."""

    @property
    def shown(self) -> str:
        """The word as a message calls it."""
        return "the end" if self.sort == "end" else ascii(self.text)


def read_words(text: str) -> Iterator[Word]:
    """Yields the words, the end last. Raises BadCondition."""
    if len(text) > MOST_CHARS:
        raise BadCondition(MOST_CHARS + 1, f"a condition has at most {MOST_CHARS:,} characters")
    at = 0
    while (match := _TOKEN.match(text, at)) and match.lastgroup:
        if _FOREIGN.get(_signs_at(text, match.start(match.lastgroup))):
            break
        yield _make(match, match.lastgroup)
        if match.lastgroup == "end":
            return
        at = match.end()
    raise _refuse(text, at + len(text[at:]) - len(text[at:].lstrip()))


def _make(match: re.Match[str], group: str) -> Word:
    text, column = match[group], match.start(group) + 1
    if group == "text":
        return Word("text", text[1:-1].replace(text[0] * 2, text[0]), column)
    if group == "name" and text.lower() in KEYWORDS:
        return Word("word", text.lower(), column)
    return Word("sign", "==", column) if text == "=" else Word(group, text, column)  # type: ignore[arg-type]


def _signs_at(text: str, at: int) -> str:
    return match[0] if (match := _SIGN.match(text, at)) else ""


def _refuse(text: str, at: int) -> BadCondition:
    if text[at] in "\"'":
        return BadCondition(at + 1, f"the text that begins with {text[at]} has no end")
    if match := _MOMENT.match(text, at):
        return BadCondition(at + 1, f'a time stands in quotes: "{match[0]}"')
    sign = _signs_at(text, at) or text[at : at + 20].split(maxsplit=1)[0]
    meant = _FOREIGN.get(sign)
    return BadCondition(at + 1, f"{sign!a} is no word here" + (f"; did you mean {meant}?" if meant else ""))
