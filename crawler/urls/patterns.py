"""Regular expressions that users write, matched by `re2` in time linear in the text.

Strangers choose the texts, so no expression may begin again and again (docs/scope.md). An expression means what it
means to Python's `re`; what re2 cannot say, or would read otherwise, is refused by its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

import re2

MOST_MEMORY_BYTES = 1 << 20
"""Of one compiled expression: up to some 18,000 steps, which take 0.2 s at worst for the longest URL."""
MOST_REPEATS = 1000
"""In `{n}`; re2 has no more."""


class PatternError(ValueError):
    """The expression cannot be used. The message goes on behind the expression: what is wrong, and what to write."""


class Pattern:
    """A compiled expression; picklable, and safe in threads. Raises PatternError."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._compiled = re2.compile(_as_re2_reads_it(text), _options())
        except re2.error as error:
            raise PatternError(_complaint(error.args[0].decode("latin-1"))) from None

    def search(self, text: str) -> bool:
        """Whether the expression matches anywhere in an ASCII text."""
        return self._compiled.search(text.encode("ascii", "replace")) is not None

    def fullmatch(self, text: str) -> bool:
        """Whether it matches an ASCII text from end to end."""
        return self._compiled.fullmatch(text.encode("ascii", "replace")) is not None

    def __reduce__(self) -> tuple[Callable[[str], Pattern], tuple[str]]:
        return _again, (self.text,)


@lru_cache(maxsize=64)
def _again(text: str) -> Pattern:
    """A pattern comes to a worker with every page."""
    return Pattern(text)


def join(expressions: Sequence[str]) -> list[Pattern]:
    """Patterns of which one matches where one of the expressions does: one for all, unless it would be too large."""
    alone = [Pattern(text) for text in expressions]
    try:
        return [Pattern("|".join(f"(?:{text})" for text in expressions))] if len(alone) > 1 else alone
    except PatternError:
        return alone


def _options() -> re2.Options:
    options = re2.Options()
    options.max_mem = MOST_MEMORY_BYTES
    options.log_errors = False  # else they are printed to stderr
    options.never_capture = True  # only whether it matches is asked
    options.encoding = re2.Options.Encoding.LATIN1  # `.` is one step then, not eight
    return options


_TOKEN = re.compile(
    r"(?P<octal>\\0[0-7]?|\\[0-7]{3})|\\(?P<reference>[1-9][0-9]?)|\\(?P<escape>.)"
    r"|(?P<set>\[\^?\]?(?:[^]\\]|\\.)*+\])"
    r"|(?P<possessive>(?:[*+?]|\{(?:[0-9]+,?|,)[0-9]*\})\+)"
    r"|\{(?P<least>[0-9]*)(?P<comma>,?)(?P<most>[0-9]*)\}"
    r"|(?P<group>\(\?(?:<?[=!]|[>(#]|P=))",
    re.DOTALL,
)
_GROUPS = {
    "(?=": ("a lookahead", "match what follows as well, or give two patterns"),
    "(?!": ("a lookahead", "include what you want and exclude what you do not"),
    "(?<=": ("a lookbehind", "match what stands before as well"),
    "(?<!": ("a lookbehind", "include what you want and exclude what you do not"),
    "(?>": ("an atomic group", "write (?: instead"),
    "(?(": ("a condition", "give two patterns"),
    "(?P=": ("a backreference", "write out the text that comes again"),
    "(?#": ("a comment", "leave it out"),
}
_ESCAPES = frozenset("AbBdDsSwWZzafnrtvx")
"""Letters behind a backslash that mean the same to `re` and re2; Z and z are the end of the text."""


def _as_re2_reads_it(text: str) -> bytes:
    """Raises PatternError. No URL holds a character beyond ASCII, so any such character stands for all."""
    return re.sub("[^\0-\xff]", "\xff", _TOKEN.sub(_token, text)).encode("latin-1")


def _token(match: re.Match[str]) -> str:
    """A part of an expression that the two might read differently."""
    if group := match["group"]:
        raise _unsaid(*_GROUPS[group], group)
    if match["reference"]:
        raise _unsaid(*_GROUPS["(?P="], match[0])
    if match["possessive"]:
        raise _unsaid("a possessive repeat", "leave out the last +", match[0])
    if (escape := match["escape"]) and escape.isascii() and escape.isalpha():
        if escape not in _ESCAPES:
            raise PatternError(f"holds an escape, {match[0]}, that has no meaning here")
        return match[0].replace("Z", "z")
    if (match["set"] or "").find("[:", 1) > 0:
        raise PatternError(f"holds a set in a set, {match['set']}: write out its letters, or \\[ for a bracket")
    return _repeat(match) if match["comma"] is not None else match[0]


def _repeat(match: re.Match[str]) -> str:
    if any(len(number) > 9 or int(number or 0) > MOST_REPEATS for number in (match["least"], match["most"])):
        raise PatternError(f"repeats too often, {match[0]}: {MOST_REPEATS} times is the most")
    return f"{{0,{match['most']}}}" if match["comma"] and not match["least"] else match[0]


def _unsaid(name: str, instead: str, text: str) -> PatternError:
    return PatternError(f"holds {name}, {text}, which some URLs would make slow without bound: {instead}")


def _complaint(error: str) -> str:
    if error.startswith("pattern too large"):
        return "is too large: give several smaller patterns"
    if error.startswith("invalid repetition size"):
        return f"repeats too often, {error.rpartition(' ')[2]}: {MOST_REPEATS} times is the most, all told"
    return f"is not a regular expression: {error}"
