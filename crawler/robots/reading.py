"""Reads the rules that a robots.txt (RFC 9309) has for one crawler, in linear time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import field

from ..dataclass import dataclass
from .patterns import END, pack
from .preferences import MAX_LINES, order, read_line
from .rules import Placed, RobotsRules, Rule, escape_pattern, make_wild_rule, unescape_octets

MAX_BYTES = 500 << 10
"""RFC 9309 2.5 requires at least this much to be read; we read no more."""
MAX_WILD = 1000
"""Rules with `*` that are checked one by one. 4,231 real files had 575 at most."""
MAX_SITEMAPS = 1000
"""Sitemaps named by one file. A site with more can name an index."""
MAX_SITEMAP_BYTES = 1 << 13
"""Bytes of one sitemap's URL: four times the limit of a URL, because it may be written in a longer form."""


def product_token(user_agent: str) -> str:
    """Returns the name that robots.txt uses for this user agent (RFC 9309 2.2.1): letters, `_` and `-`, in lower case.

    This is the name of the first product, or `name` in `Mozilla/5.0 (compatible; name/1.0 ...)`.
    """
    match = re.match(r"Mozilla/\S*\s*\(compatible;\s*([A-Za-z_-]+)", user_agent)
    return match[1].lower() if match else _token(user_agent.encode("latin-1", "replace"))


_MAX_LINE = 2083 * 8 - 1
"""Bytes of a line that are read, as in Google's parser."""
_UTF8_MARKS = (b"\xef\xbb\xbf", b"\xef\xbb", b"\xef")
_FIELDS = {
    b"user-agent": "agent",
    b"useragent": "agent",
    b"user agent": "agent",
    b"disallow": "disallow",
    b"dissallow": "disallow",
    b"dissalow": "disallow",
    b"disalow": "disallow",
    b"diasllow": "disallow",
    b"disallaw": "disallow",
    b"allow": "allow",
    b"sitemap": "sitemap",
    b"site-map": "sitemap",
    b"crawl-delay": "delay",
    b"content-signal": "content-signal",
    b"content-usage": "content-usage",
}
"""Known fields with common misspellings. A longer name that begins with one counts as that one."""


_NAMES = tuple(_FIELDS)
_PREFERENCES = frozenset({"content-signal", "content-usage"})
"""Fields about the use of content. They belong to a group, but do not end the list of names that it begins with."""
_LEAST = len("allow:/")
"""Bytes of the shortest line that can matter."""


@dataclass(slots=True, eq=False)
class _Group:
    """The rules for one kind of crawler, from the whole file."""

    rules: dict[tuple[str, bool], int] = field(default_factory=dict)
    """Rules, each with the first line that states it."""
    delay_s: float | None = None
    is_named: bool = False
    preferences: list[Placed] = field(default_factory=list)

    def add(self, kind: str, value: bytes, line: int) -> None:
        if kind in _PREFERENCES:
            if len(self.preferences) < MAX_LINES and (said := read_line(kind, value, line)):
                self.preferences.append(said)
        elif kind == "delay":
            self.delay_s = _delay(value) if self.delay_s is None else self.delay_s
        elif kind == "allow" and value:
            pattern = escape_pattern(value)
            self.rules.setdefault((pattern, True), line)
            folder, slash, page = pattern.rpartition("/")
            if slash and page.startswith("index.htm"):  # allowing an index page allows the folder's own URL too
                self.rules.setdefault((f"{folder}/$", True), line)
        elif value:
            # Percent-encoded letters are decoded in disallow rules (RFC 9309 2.2.2), but not in allow rules, because
            # Google's parser does not decode them.
            self.rules.setdefault((unescape_octets(escape_pattern(value)), False), line)


def parse(body: bytes, agent: str) -> RobotsRules:
    """Returns the rules for the crawler with product token `agent`; its case does not matter. Never raises.

    Follows RFC 9309 and the leniency of Google's parser: misspelt fields, a missing colon, lines cut at 16 KiB, and CR
    alone as line end. Crawl-delay belongs to its group, as allow and disallow do; other fields belong to no group.
    """
    agent = agent.lower()
    ours, anyones = _Group(), _Group()
    named: set[_Group] = set()
    heard: set[_Group] = set()
    """The groups that a preference belongs to: one ends a list of names, as a rule does, but for preferences alone."""
    is_naming = is_hearing = False
    sitemaps: list[str] = []
    for line, kind, value in _lines(body[:MAX_BYTES]):
        if kind == "sitemap":
            if len(sitemaps) < MAX_SITEMAPS and len(value) <= MAX_SITEMAP_BYTES:
                sitemaps.append(value.decode("utf-8", "replace"))
        elif kind == "agent":
            named = named if is_naming else set()
            heard = heard if is_hearing else set()
            is_naming = is_hearing = True
            group = anyones if _is_anyone(value) else ours if agent and _token(value) == agent else None
            if group:
                group.is_named = True
                named.add(group)
                heard.add(group)
        elif kind in _PREFERENCES:
            is_hearing = False
            for group in heard:
                group.add(kind, value, line)
        else:
            is_naming = is_hearing = False
            for group in named:
                group.add(kind, value, line)
    group = ours if ours.is_named else anyones
    return _compact(group, sitemaps)


def _compact(group: _Group, sitemaps: list[str]) -> RobotsRules:
    starred: list[Rule] = []
    plain: dict[bool, dict[str, tuple[int, int]]] = {True: {}, False: {}}
    for (pattern, is_allow), line in group.rules.items():
        head, star, _ = pattern.partition("*")
        if star:
            starred.append(make_wild_rule(head, is_allow, pattern[len(head) :], line))
        else:  # `$` is special at the end alone (RFC 9309 2.2.3)
            text = pattern[:-1] + END if pattern.endswith("$") else pattern
            plain[is_allow][text] = line, len(pattern)
    starred.sort(key=lambda rule: rule.rank, reverse=True)
    forbidden = plain[False]
    for rule in starred[MAX_WILD:]:  # each of these forbids everything that begins with its text before the first `*`
        length = rule.rank[0]
        if not rule.is_allow and forbidden.get(rule.head, (0, 0))[1] < length:
            forbidden[rule.head] = rule.line, length
    is_open = all(is_allow for _, is_allow in group.rules)
    return RobotsRules(
        pack(plain[True]),
        pack(forbidden),
        tuple(starred[:MAX_WILD]),
        is_open,
        group.delay_s,
        tuple(sitemaps),
        preferences=order(group.preferences),
    )


def _lines(body: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Yields number, field and value of each line with a known field."""
    for number, line in enumerate(_without_mark(body).splitlines(), 1):
        if len(line) < _LEAST:
            continue
        name, value = _split(line[:_MAX_LINE].partition(b"#")[0].partition(b"\0")[0])
        kind = _FIELDS.get(name) or (_kind(name) if name.startswith(_NAMES) else "")
        if kind:
            yield number, kind, value


def _without_mark(body: bytes) -> bytes:
    """Returns the body without its byte order mark, whole or partial."""
    return next((body.removeprefix(mark) for mark in _UTF8_MARKS if body.startswith(mark)), body)


def _kind(name: bytes) -> str:
    return next((kind for known, kind in _FIELDS.items() if name.startswith(known)), "")


def _split(line: bytes) -> tuple[bytes, bytes]:
    """Returns the field name in lower case, and the value. In a line without a colon two words are taken for them."""
    name, colon, value = line.partition(b":")
    if not colon:
        words = line.split()
        name, value = words if len(words) == 2 else (b"", b"")
    return name.strip().lower(), value.strip()


def _is_anyone(value: bytes) -> bool:
    return value.split(None, 1)[:1] == [b"*"]


def _token(value: bytes) -> str:
    match = re.match(rb"[A-Za-z_-]+", value)
    return match[0].decode().lower() if match else ""


def _delay(value: bytes) -> float | None:
    try:
        delay_s = float(value)
    except ValueError:
        return None
    return delay_s if math.isfinite(delay_s) and delay_s >= 0 else None
