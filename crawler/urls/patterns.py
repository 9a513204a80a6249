"""Matches patterns of users: regular expressions with `re2`, in time linear in the text, and globs.

Strangers choose the texts, so no expression may backtrack (docs/scope.md). An expression means the same as in Python's
`re`. Syntax that re2 lacks, or would read otherwise, is refused by its name.

A pattern is `re:` and a regular expression, searched anywhere in the URL, or a glob. A glob must match whole: `*`
stands for anything, slashes too, `?` for one character. The beginning of a glob says what it is compared with:

    /private/*            from the path on, on any host
    example.org/docs/*    from the host on, http or https; `example.org` alone is the whole host
    https://example.org/* the whole URL
    *.pdf                 the whole URL
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import quote

import re2

MOST_MEMORY_BYTES = 1 << 20
"""Memory of one compiled expression: up to some 18,000 steps, which take 0.2 s at worst for the longest URL."""
MOST_REPEATS = 1000
"""Largest `n` in `{n}`; re2 allows no more."""
REGEX = "re:"
"""Begins a pattern that is a regular expression. All others are globs."""
Test: TypeAlias = Callable[[str], object]
"""A compiled pattern: canonical text -> a true value if it matches."""


class PatternError(ValueError):
    """Raised for an expression that cannot be used.

    The message continues after the expression: what is wrong, and what to write.
    """


class Pattern:
    """A compiled expression; picklable, and safe in threads. The constructor raises PatternError."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str) -> None:
        self.text: str = text
        try:
            self._compiled = re2.compile(_rewrite_for_re2(text), _options())
        except re2.error as error:
            raise PatternError(_explain_error(error.args[0].decode("latin-1"))) from None

    def search(self, text: str) -> bool:
        """Returns whether the expression matches anywhere in an ASCII text."""
        return self._compiled.search(text.encode("ascii", "replace")) is not None

    def fullmatch(self, text: str) -> bool:
        """Returns whether the expression matches an ASCII text from end to end."""
        return self._compiled.fullmatch(text.encode("ascii", "replace")) is not None

    def __reduce__(self) -> tuple[Callable[[str], Pattern], tuple[str]]:
        return _compile_once, (self.text,)


class TextPattern:
    """A compiled expression for texts of any characters; safe in threads. The constructor raises PatternError.

    The classes of letters, such as `\\w`, are those of ASCII.
    """

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str) -> None:
        self.text: str = text
        self._compiled = _compile_for_text(text, captures=False)

    def search(self, text: str) -> bool:
        """Returns whether the expression matches anywhere in a text."""
        return self._compiled.search(text.encode("utf-8", "replace")) is not None


class Finder:
    """A compiled expression that takes parts out of texts, like a TextPattern. The constructor raises PatternError."""

    __slots__ = ("_compiled", "_group", "text")

    def __init__(self, text: str) -> None:
        self.text: str = text
        self._compiled = _compile_for_text(text, captures=True)
        self._group = min(self._compiled.groups, 1)

    def find(self, text: str) -> Iterator[str]:
        """Yields the first group of each match, or all of the match where the expression has no group."""
        for match in self._compiled.finditer(text.encode("utf-8", "replace")):
            part = match.group(self._group)
            if part is not None:
                yield part.decode("utf-8", "replace")


def _compile_for_text(text: str, *, captures: bool) -> re2._Regexp[bytes]:
    rewritten = _TOKEN.sub(_rewrite_token, text).encode("utf-8", "replace")
    try:
        return re2.compile(rewritten, _options(re2.Options.Encoding.UTF8, captures=captures))
    except re2.error as error:
        raise PatternError(_explain_error(error.args[0].decode("utf-8", "replace"))) from None


@lru_cache(maxsize=64)
def _compile_once(text: str) -> Pattern:
    """Compiles a pickled pattern once: it comes to a worker with every page."""
    return Pattern(text)


def join(expressions: Sequence[str]) -> list[Pattern]:
    """Compiles expressions into one pattern that matches where any of them does.

    Returns one pattern for each where one for all would be too large. Raises PatternError.
    """
    alone = [Pattern(text) for text in expressions]
    try:
        return [Pattern("|".join(f"(?:{text})" for text in expressions))] if len(alone) > 1 else alone
    except PatternError:
        return alone


def compile_pattern(pattern: str) -> Test:
    """Returns a test of canonical URLs. Raises PatternError."""
    if pattern.startswith(REGEX):
        return Pattern(pattern.removeprefix(REGEX)).search
    return re.compile(_translate_glob(pattern)).match


def _translate_glob(glob: str) -> str:
    """Returns a glob as a regular expression for `match`; fnmatch writes one that does not backtrack without end."""
    # Canonical URLs are ASCII. Square brackets mean nothing in our globs, but something in fnmatch's.
    plain = "".join(map(_encode_in_glob, glob)).replace("[", "[[]")
    if plain.startswith("*") or "://" in plain:
        return _translate_encoded(plain)
    if plain.startswith("/"):
        return "https?://[^/]*" + _translate_encoded(plain)
    return "https?://" + _translate_encoded(plain if "/" in plain else f"{plain}/*")


def _encode_in_glob(char: str) -> str:
    """Percent-encodes a character that no canonical URL holds, as URLs do."""
    return char if char.isascii() and char not in '\x7f "<>' and char >= " " else quote(char, safe="")


def _translate_encoded(glob: str) -> str:
    """Translates a glob of which each character may stand in URLs, some of them percent-encoded."""
    return _EITHER.sub(lambda match: f"(?:{match[0]}|%{ord(match[0][-1]):02X})", fnmatch.translate(glob))


_EITHER = re.compile(r"\\[{}^]|[`']")
"""Characters that URLs have percent-encoded in the path or in the query alone, as fnmatch writes them."""


def _options(encoding: re2.Options.Encoding = re2.Options.Encoding.LATIN1, *, captures: bool = False) -> re2.Options:
    """Returns the bounds of an expression. In Latin-1 `.` is one step, in UTF-8 eight."""
    options = re2.Options()
    options.max_mem = MOST_MEMORY_BYTES
    options.log_errors = False  # else they are printed to stderr
    options.never_capture = not captures  # mostly, only whether it matches matters
    options.encoding = encoding
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
"""Letters behind a backslash that mean the same to `re` and re2. Z and z are the end of the text."""


def _rewrite_for_re2(text: str) -> bytes:
    """Rewrites an expression of `re` for re2. Raises PatternError.

    No URL holds a character beyond ASCII, so one such character stands for all.
    """
    return re.sub("[^\0-\xff]", "\xff", _TOKEN.sub(_rewrite_token, text)).encode("latin-1")


def _rewrite_token(match: re.Match[str]) -> str:
    """Rewrites a part of an expression that `re` and re2 might read differently, or refuses it."""
    if group := match["group"]:
        raise _refuse_syntax(*_GROUPS[group], group)
    if match["reference"]:
        raise _refuse_syntax(*_GROUPS["(?P="], match[0])
    if match["possessive"]:
        raise _refuse_syntax("a possessive repeat", "leave out the last +", match[0])
    if (escape := match["escape"]) and escape.isascii() and escape.isalpha():
        if escape not in _ESCAPES:
            raise PatternError(f"holds an escape, {match[0]}, that has no meaning here")
        return match[0].replace("Z", "z")
    if (match["set"] or "").find("[:", 1) > 0:
        raise PatternError(f"holds a set in a set, {match['set']}: write out its letters, or \\[ for a bracket")
    return _rewrite_repeat(match) if match["comma"] is not None else match[0]


def _rewrite_repeat(match: re.Match[str]) -> str:
    if any(len(number) > 9 or int(number or 0) > MOST_REPEATS for number in (match["least"], match["most"])):
        raise PatternError(f"repeats too often, {match[0]}: {MOST_REPEATS} times is the most")
    return f"{{0,{match['most']}}}" if match["comma"] and not match["least"] else match[0]


def _refuse_syntax(name: str, instead: str, text: str) -> PatternError:
    return PatternError(f"holds {name}, {text}, which some URLs would make slow without bound: {instead}")


def _explain_error(error: str) -> str:
    if error.startswith("pattern too large"):
        return "is too large: give several smaller patterns"
    if error.startswith("invalid repetition size"):
        return f"repeats too often, {error.rpartition(' ')[2]}: {MOST_REPEATS} times is the most in all"
    return f"is not a regular expression: {error}"
