"""Colours words by their meaning, on terminals that want it: green is good, yellow is slow or waits, red has failed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple, TextIO

from crawler.runtime.late_patterns import compile_late


class Tone(StrEnum):
    """The meaning of a word, by the name of its colour."""

    GOOD = "green"
    WAITING = "yellow"
    BAD = "red"


class Span(NamedTuple):
    """A part of a line that has a colour."""

    begin: int
    end: int
    tone: Tone


_CODES = {Tone.GOOD: 32, Tone.WAITING: 33, Tone.BAD: 31}
_WORDS = {
    Tone.GOOD: (
        r"^finished|^nothing is due|\b(?:fetched|unchanged) [\d,]+"
        r"|^a crawl would fetch it|^this crawl has not met it; it would fetch it"
        r"|^this crawl will (?:fetch it|read it again)|^this crawl is done with it: (?:fetched|unchanged|redirected)"
        r"|^(?:scope|robots) +(?:inside|allowed)"
    ),
    Tone.WAITING: (
        r"^(?:page|time|size) limit reached|^stopped(?: at once)?|^nothing left to do|[\d,]+ waiting to retry"
        r"|\b(?:parked|deferred) [\d,]+|[\d,]+ URLs? parked|^ +(?:soft outage|blocked by|trap)\b"
        r"|^this crawl will try it again|\brests [^:]+ each time"
        r"|^it is parked[^:]*|^this crawl is done with it: (?:duplicate|excluded)"
    ),
    Tone.BAD: (
        r"^nothing could be crawled|\bfailed [\d,]+|[\d,]+ URLs? failed|\bfailed at [\d,]+ pages?|^crawl: "
        r"|^(?:a|this) crawl would not fetch it|^this crawl is done with it: failed"
        r"|^(?:scope|robots) +(?:outside|disallowed)"
    ),
}
_MEANT = compile_late("|".join(f"(?P<{tone.name}>{words})" for tone, words in _WORDS.items()))


def wants_colour(file: TextIO, env: Mapping[str, str] | None = None) -> bool:
    """Returns whether text for this file may have colours.

    NO_COLOR forbids it (no-color.org), CLICOLOR_FORCE asks for it on pipes too; else it is for terminals, and neither
    where TERM is `dumb` nor where CLICOLOR is 0.
    """
    env = os.environ if env is None else env
    if env.get("NO_COLOR"):
        return False
    if env.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return env.get("TERM") != "dumb" and env.get("CLICOLOR") != "0" and file.isatty()


def find_spans(line: str) -> Iterator[Span]:
    """Yields the parts of a line of ours whose words have a meaning."""
    for match in _MEANT.finditer(line):
        if match.lastgroup:
            yield Span(*match.span(), Tone[match.lastgroup])


def tint(line: str, file: TextIO) -> str:
    """Returns a line whose words have colours, if the file may have any. The line is harmless text already."""
    if not wants_colour(file):
        return line
    done, parts = 0, []
    for begin, end, tone in find_spans(line):
        parts += [line[done:begin], f"\x1b[{_CODES[tone]}m{line[begin:end]}\x1b[0m"]
        done = end
    return "".join([*parts, line[done:]])
