"""Reads robots.txt (RFC 9309) once more, plainly and slowly, to check what the crawl's own reader allowed.

It shares no code with `crawler.robots`. It reads leniently where that one does (docs/conformance.md): misspelt fields,
a missing colon, CR alone as line end. `tests/proving/test_robots_reader.py` compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

MOST_BYTES = 500 << 10
MOST_LINE = 2083 * 8 - 1
_DISALLOW = ("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw")
_AGENT = ("user-agent", "useragent", "user agent")
_NAMES = (("agent", _AGENT), ("disallow", _DISALLOW), ("allow", ("allow",)), ("delay", ("crawl-delay",)))
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_ANYONE = re.compile(r"\*(?:[ \t\n\r\x0b\x0c]|\Z)")
_WORD = re.compile(r"[^ \t\n\r\x0b\x0c]+")
_BLANK = " \t\n\r\x0b\x0c"
_SHORTEST = len("allow:/")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


class Line(NamedTuple):
    """A line that allows or forbids."""

    pattern: str
    is_allow: bool
    number: int


class Group(NamedTuple):
    """All that a robots.txt says to one crawler."""

    lines: tuple[Line, ...] = ()
    delay_s: float | None = None

    def find(self, path: str) -> Line | None:
        """Returns the line that decides about a path with its query: the longest that matches, allow before disallow.

        None: no line matches, so the path is allowed.
        """
        if path == "/robots.txt":
            return None
        spelt = _spell(path, is_pattern=False)
        meant = _decode_unreserved(spelt)
        fitting = [one for one in self.lines if _fits(one.pattern, spelt if one.is_allow else meant)]
        return max(fitting, key=lambda one: (len(one.pattern), one.is_allow), default=None)


def read_robots(body: bytes, agent: str) -> Group:
    """Returns what the file says to the crawler with this product token. Takes time as the file is long."""
    ours: list[tuple[str, str, int]] = []
    anyones: list[tuple[str, str, int]] = []
    is_named, names, is_naming = False, set[str](), False
    for number, field, value in _fields(body[:MOST_BYTES]):
        if field == "agent":
            names = names if is_naming else set()
            is_naming = True
            name = _token(value)
            if agent and name == agent.lower():
                names.add("ours")
                is_named = True
            elif _ANYONE.match(value):
                names.add("anyones")
        else:
            is_naming = False
            ours += [(field, value, number)] if "ours" in names else []
            anyones += [(field, value, number)] if "anyones" in names else []
    return _make_group(ours if is_named else anyones)


def _make_group(said: list[tuple[str, str, int]]) -> Group:
    lines: list[Line] = []
    delays = [value for field, value, _ in said if field == "delay"]
    for field, value, number in said:
        if field == "delay" or not value:
            continue
        pattern = _spell(value, is_pattern=True)
        if field == "allow":
            lines.append(Line(pattern, True, number))
            folder, slash, page = pattern.rpartition("/")
            if slash and page.startswith("index.htm"):
                lines.append(Line(f"{folder}/$", True, number))
        else:
            lines.append(Line(_decode_unreserved(pattern), False, number))
    return Group(tuple(lines), next((delay for one in delays if (delay := _delay(one)) is not None), None))


def _fields(body: bytes) -> Iterator[tuple[int, str, str]]:
    """Yields number, field and value of each line that matters; texts have one character for each byte."""
    for mark in (b"\xef\xbb\xbf", b"\xef\xbb", b"\xef"):
        if body.startswith(mark):
            body = body[len(mark) :]
            break
    for number, raw in enumerate(re.split(rb"\r\n|\r|\n", body), 1):
        if len(raw) < _SHORTEST:
            continue
        text = raw[:MOST_LINE].decode("latin-1").split("#", 1)[0].split("\0", 1)[0]
        name, colon, value = text.partition(":")
        if not colon:
            words = _WORD.findall(text)
            name, value = words if len(words) == 2 else ("", "")
        if field := _field(name.strip(_BLANK).lower()):
            yield number, field, value.strip(_BLANK)


def _field(name: str) -> str:
    for field, names in (
        ("agent", _AGENT),
        ("disallow", _DISALLOW),
        ("allow", ("allow",)),
        ("delay", ("crawl-delay",)),
    ):
        if name.startswith(names):
            return field
    return ""


def _token(value: str) -> str:
    found = re.match(r"[A-Za-z_-]+", value)
    return found[0].lower() if found else ""


def _delay(value: str) -> float | None:
    try:
        delay_s = float(value)
    except ValueError:
        return None
    return delay_s if 0 <= delay_s < float("inf") else None


def _spell(text: str, *, is_pattern: bool) -> str:
    """Returns a path or a pattern in one spelling: octets beyond ASCII and odd characters percent-encoded."""
    special = "*" if is_pattern else ""
    spelt = []
    for place, char in enumerate(text):
        is_end = is_pattern and char == "$" and place == len(text) - 1
        is_odd = ord(char) <= 0x20 or ord(char) >= 0x7F or char in "\"<>^`{}'$*"
        spelt.append(f"%{ord(char):02X}" if is_odd and char not in special and not is_end else char)
    return _ESCAPED.sub(lambda found: found[0].upper(), "".join(spelt))


def _decode_unreserved(text: str) -> str:
    def decode(found: re.Match[str]) -> str:
        char = chr(int(found[1], 16))
        return char if _UNRESERVED.fullmatch(char) else found[0]

    return _ESCAPED.sub(decode, text)


def _fits(pattern: str, path: str) -> bool:
    """Whether a path begins with what the pattern describes: `*` is any text, `$` at the end is the end of the path."""
    is_anchored, parts = pattern.endswith("$"), _split(pattern)
    if is_anchored and len(parts) == 1:
        return path == parts[0]
    if not path.startswith(parts[0]):
        return False
    at, last = len(parts[0]), parts[-1] if is_anchored else ""
    for part in parts[1:-1] if is_anchored else parts[1:]:
        at = path.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return not is_anchored or (path.endswith(last) and len(path) - len(last) >= at)


@lru_cache(4096)
def _split(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.removesuffix("$").split("*"))
