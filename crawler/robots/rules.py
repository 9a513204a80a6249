"""Decides whether a robots.txt lets one crawler fetch a path (RFC 9309 2.2.2), in bounded time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ..dataclass import dataclass
from ..model import Statement, Url
from ..standing import RobotsVerdict
from .patterns import END, NO_PATTERNS, Patterns

MAX_WORK_NS = 1_000_000
"""Time that rules with `*` may cost for one URL, estimated as the worst case from their lengths and the URL's.

4,231 real files had 575 such rules at most; for a path of 200 characters all of these are checked.
"""
_RULE_NS, _STAR_NS, _PLACE_NS, _CHARACTER_NS = 500, 150, 4, 0.25
"""Cost of a rule, of each `*` in it, of each place in the path where a part is searched, and of each character of that
part at each place. Measured at 2.5 GHz with the parts that take longest to find."""

_STARS = re.compile(r"\*{2,}")
_OWN_PATH = "/robots.txt"
"""Always allowed (RFC 9309 2.2.2)."""


class Rule(NamedTuple):
    """One allow or disallow line: its text before the first `*` is `head`, and `rest` begins with that `*`."""

    head: str
    is_allow: bool
    rest: str
    line: int
    """Line number, counted from 1. A rule that is stated twice has the number of the first."""
    once_ns: int = 0
    """Worst-case cost of matching a path that begins with `head`, without `place_ns`."""
    place_ns: float = 0.0
    """Further cost for each character of the path after `head`."""
    length: int = 0
    """Characters of the rule as it was written; 0: those of `head` and `rest`."""

    @property
    def rank(self) -> tuple[int, bool]:
        """Returns the rank of the rule. Of all rules that match, the one with the highest rank decides."""
        return self.length or len(self.head) + len(self.rest), self.is_allow

    def __str__(self) -> str:
        return f"{'Allow' if self.is_allow else 'Disallow'}: {self.head}{self.rest}"


class Placed(NamedTuple):
    """The statements of one line, and the pattern of the paths that it is about."""

    kind: str
    rule: Rule
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """The rules of one robots.txt for one crawler: small and picklable. Without rules everything is allowed."""

    allowed: Patterns = NO_PATTERNS
    """Allow rules without `*`."""
    forbidden: Patterns = NO_PATTERNS
    """Disallow rules without `*`, and the beginnings of those with `*` that are too many to check one by one."""
    wild: tuple[Rule, ...] = ()
    """Rules with `*`, the highest rank first."""
    is_open: bool = True
    """Whether nothing is forbidden."""
    delay_s: float | None = None
    sitemaps: tuple[str, ...] = ()
    source: int = 0
    """The number of the request that brought the file, in the audit of requests; 0: it is not recorded."""
    preferences: tuple[Placed, ...] = ()
    """Lines about the use of content, the longest pattern first."""

    @property
    def size(self) -> int:
        """Returns the approximate size in memory, in bytes."""
        texts = len(self.allowed.text) + len(self.forbidden.text) + sum(map(len, self.sitemaps))
        wild = sum(len(rule.head) + len(rule.rest) for rule in self.wild)
        said = sum(600 + len(one.rule.head) + len(one.rule.rest) for one in self.preferences)
        return 1000 + texts + said + wild + 16 * (len(self.allowed) + len(self.forbidden)) + 200 * len(self.wild)

    def allows(self, url: Url) -> bool:
        """Whether the URL may be fetched. The longest matching pattern decides, allow wins a tie, no match allows.

        See RFC 9309 2.2.2.
        """
        if self.is_open:
            return True
        rule = self._decide(url.path)
        return rule is None or rule.is_allow or url.path == _OWN_PATH

    def verdict(self, url: Url) -> RobotsVerdict:
        """Returns the answer of `allows` with the rule that decided."""
        rule = self._decide(url.path) if url.path != _OWN_PATH else None
        return RobotsVerdict(rule.is_allow, rule.line, str(rule)) if rule else RobotsVerdict(True)

    def statements(self, url: Url) -> tuple[Statement, ...]:
        """Returns what the file says about the use of the content at a URL (docs/usage.md)."""
        return find_statements(self.preferences, url.path) if self.preferences else ()

    def _decide(self, path: str) -> Rule | None:
        written = meant = path
        if _TWO_SPELLINGS.search(path):
            written = escape_path(path)
            meant = unescape_octets(written)
        allowing, forbidding = self.allowed.find(written + END), self.forbidden.find(meant + END)
        best = (0, False)
        if allowing >= 0:
            best = (self.allowed.ranks[allowing], True)
        if forbidding >= 0:
            best = max(best, (self.forbidden.ranks[forbidding], False))
        if self.wild and (rule := self._wild(written, meant, best)):
            return rule
        if not best[0]:
            return None
        return _literal(self.allowed, allowing, True) if best[1] else _literal(self.forbidden, forbidding, False)

    def _wild(self, written: str, meant: str, best: tuple[int, bool]) -> Rule | None:
        """Returns the rule with `*` that decides, if its rank is higher than `best`.

        Once MAX_WORK_NS are used up, each remaining disallow rule forbids everything that begins with its `head`. So
        it may forbid more than the file says, but never less.
        """
        left: float = MAX_WORK_NS
        for rule in self.wild:
            if best[0] and rule.rank <= best:
                return None
            subject = written if rule.is_allow else meant
            if not subject.startswith(rule.head):
                continue
            left -= rule.once_ns + rule.place_ns * (len(subject) - len(rule.head))
            if left < 0:
                if not rule.is_allow:
                    return rule
            elif fits(rule.rest, subject, len(rule.head)):
                return rule
        return None


ALLOW_ALL = RobotsRules()


def find_statements(lines: Sequence[Placed], path: str) -> tuple[Statement, ...]:
    """Returns the statements of the longest pattern of each kind that the path fits; those of equal ones add up.

    Once MAX_WORK_NS are used up, a pattern that begins like the path counts as one that fits.
    """
    if not lines:
        return ()
    subject, left = unescape_octets(escape_path(path)), float(MAX_WORK_NS)
    longest: dict[str, int] = {}
    found: list[Statement] = []
    for kind, rule, statements in lines:
        if rule.rank[0] < longest.get(kind, 0) or not _begins(subject, rule):
            continue
        left -= rule.once_ns + rule.place_ns * (len(subject) - len(rule.head))
        if left < 0 or not rule.rest or fits(rule.rest, subject, len(rule.head)):
            longest[kind] = rule.rank[0]
            found += statements
    return tuple(found)


def _begins(subject: str, rule: Rule) -> bool:
    if not rule.rest and rule.head.endswith("$"):
        return subject == rule.head[:-1]
    return subject.startswith(rule.head)


def _literal(patterns: Patterns, place: int, is_allow: bool) -> Rule:
    return Rule(patterns[place].replace(END, "$"), is_allow, "", patterns.lines[place])


def make_wild_rule(head: str, is_allow: bool, rest: str, line: int) -> Rule:
    """Makes a rule with `*` and estimates its cost. Several `*` in a row mean one."""
    length, rest = len(head) + len(rest), _STARS.sub("*", rest)
    longest = max(map(len, rest.split("*")))
    once_ns = _RULE_NS + _STAR_NS * rest.count("*")
    return Rule(head, is_allow, rest, line, once_ns, _PLACE_NS + _CHARACTER_NS * longest, length)


def fits(rest: str, path: str, at: int) -> bool:
    """Whether the path matches `rest` from `at` on: `*` matches any characters, and a final `$` the end.

    The leftmost match of each part is always good enough, so each part is searched only once.
    """
    is_anchored = rest.endswith("$")
    parts = rest.removesuffix("$").split("*")
    last = parts.pop() if is_anchored else ""
    for part in parts:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return not is_anchored or (path.endswith(last) and len(path) - len(last) >= at)


_LOWER = re.compile("%(?:[a-f][0-9A-Fa-f]|[0-9A-F][a-f])")
"""Percent-encodings that are not in upper case."""
_UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_PLAIN = {f"%{ord(char):02X}": char for char in _UNRESERVED}
_NEEDLESS = re.compile("%(?:2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])")
"""Unreserved characters (RFC 3986 2.3), percent-encoded."""
_BEYOND_ASCII = {octet: f"%{octet:02X}" for octet in range(0x80, 0x100)}
_ENCODED_IN_URLS = "".join(map(chr, range(0x21))) + "\x7f\"<>^`{}'"
"""Characters that URLs have percent-encoded in the path or in the query (WHATWG URL)."""
_TWO_SPELLINGS = re.compile(rf"[%*${re.escape(_ENCODED_IN_URLS)}]")
"""Characters of a URL that a rule may write otherwise."""
_TO_ENCODE = re.compile(rf"[*${re.escape(_ENCODED_IN_URLS)}]")
_TO_ENCODE_IN_RULES = re.compile(rf"[{re.escape(_ENCODED_IN_URLS)}]|\$(?!\Z)")
"""Not `*`, and not `$` at the end: these are special in rules."""


def escape_path(path: str) -> str:
    """Returns a canonical path with its query, spelt so that it equals `escape_pattern` of the same characters."""
    return _upper(_TO_ENCODE.sub(_encode, path))


def escape_pattern(value: bytes) -> str:
    """Returns the pattern of a rule as ASCII, percent-encoded as URLs are, so that equal paths compare equal.

    `*`, and `$` at the end, keep their special meaning. `%2A` and `%24` are the characters (RFC 9309 2.2.3).
    """
    text = value.decode("latin-1")
    if not value.isascii():
        text = text.translate(_BEYOND_ASCII)
    return _upper(_TO_ENCODE_IN_RULES.sub(_encode, text))


def unescape_octets(text: str) -> str:
    """Returns an escaped text with its unreserved characters (RFC 3986 2.3) decoded."""
    return _NEEDLESS.sub(lambda match: _PLAIN[match[0]], text) if "%" in text else text


def _encode(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"


def _upper(text: str) -> str:
    """Returns the text with its percent-encodings in upper case."""
    return _LOWER.sub(lambda match: match[0].upper(), text) if "%" in text else text
