"""Reads a robots.txt (RFC 9309), and says whether it lets one crawler ask for a path."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ..model import Url

MAX_BYTES = 500 << 10
"""RFC 9309 2.5: what must be read at least, and all we read."""
MAX_WILD = 1000
"""Rules with `*` that are looked at for one URL, on the event loop: 8 ms at worst. 4,231 real files had 575 at most."""

_OWN_PATH = "/robots.txt"
"""Always allowed (RFC 9309 2.2.2)."""


class Rule(NamedTuple):
    """One allow or disallow line: a literal `head`, and what follows its first `*` or `$` in `rest`."""

    head: str
    is_allow: bool
    rest: str
    line: int
    """Counted from 1; that of the first, where the same rule is stated twice."""

    def __str__(self) -> str:
        return f"{'Allow' if self.is_allow else 'Disallow'}: {self.head}{self.rest}"


class Verdict(NamedTuple):
    """Whether a URL may be fetched, and what decided."""

    allowed: bool
    line: int = 0
    """Of robots.txt, counted from 1; 0: no rule matched."""
    rule: str = ""
    """That line as we read it: `Disallow: /private/`."""


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """One robots.txt as it concerns one crawler: small, picklable. Without rules all is allowed."""

    rules: tuple[Rule, ...] = ()
    """The longest pattern first, allow before disallow: the first that matches decides."""
    heads: tuple[str, ...] = ()
    """Those of all rules, each once: a path that begins with none of them is allowed, and most do not.
    None at all: nothing is forbidden."""
    delay_s: float | None = None
    sitemaps: tuple[str, ...] = ()

    def allows(self, url: Url) -> bool:
        """RFC 9309 2.2.2: the longest pattern that matches decides, allow wins a tie, no match allows."""
        rule = self._deciding(url.path) if self.heads else None
        return rule is None or rule.is_allow or url.path == _OWN_PATH

    def verdict(self, url: Url) -> Verdict:
        """What `allows` says, and why."""
        rule = self._deciding(url.path) if url.path != _OWN_PATH else None
        return Verdict(rule.is_allow, rule.line, str(rule)) if rule else Verdict(True)

    def _deciding(self, path: str) -> Rule | None:
        written, meant = (path, path) if "%" not in path else (escaped(path), unescaped(escaped(path)))
        if self.heads and not (written.startswith(self.heads) or meant.startswith(self.heads)):
            return None
        for rule in self.rules:
            subject = written if rule.is_allow else meant
            if subject.startswith(rule.head) and (not rule.rest or _fits(rule.rest, subject, len(rule.head))):
                return rule
        return None


ALLOW_ALL = RobotsRules()


def product_token(user_agent: str) -> str:
    """The name a robots.txt calls us by (RFC 9309 2.2.1): letters, `_` and `-`, in lower case.

    That of the first product; for `Mozilla/5.0 (compatible; name/1.0 ...)`, the name it is compatible with.
    """
    match = re.match(r"Mozilla/\S*\s*\(compatible;\s*([A-Za-z_-]+)", user_agent)
    return match[1].lower() if match else _token(user_agent.encode("latin-1", "replace"))


_MAX_LINE = 2083 * 8 - 1
"""Bytes; the rest of a longer line is not read. As Google's parser has it."""
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
}
"""Fields we know, common misspellings among them; what begins with one counts for it."""


@dataclass(slots=True)
class _Group:
    """What is said to one kind of crawler, over the whole file."""

    rules: dict[tuple[str, bool], int] = field(default_factory=dict)
    """The line each rule stands on first."""
    delay_s: float | None = None
    is_named: bool = False

    def add(self, kind: str, value: bytes, line: int) -> None:
        if kind == "delay":
            self.delay_s = _delay(value) if self.delay_s is None else self.delay_s
        elif kind == "allow" and value:
            pattern = escaped(value)
            self.rules.setdefault((pattern, True), line)
            folder, slash, page = pattern.rpartition("/")
            if slash and page.startswith("index.htm"):  # whoever allows the index page means the folder's own URL too
                self.rules.setdefault((f"{folder}/$", True), line)
        elif value:
            # Percent-encoded letters are decoded to forbid (RFC 9309 2.2.2), never to allow: Google's parser does not.
            self.rules.setdefault((unescaped(escaped(value)), False), line)


def parse(body: bytes, agent: str) -> RobotsRules:
    """What robots.txt says to the crawler with product token `agent`, in any case. Never raises.

    Standard: RFC 9309, with the leniency of Google's parser: misspelt fields, a missing colon, lines cut at 16 KiB,
    CR alone as line end. Crawl-delay belongs to its group, as allow and disallow do; other fields belong to none.
    """
    agent = agent.lower()
    ours, anyones = _Group(), _Group()
    named: list[_Group] = []
    is_naming = False
    sitemaps: list[str] = []
    for line, kind, value in _lines(body[:MAX_BYTES]):
        if kind == "sitemap":
            sitemaps.append(value.decode("utf-8", "replace"))
        elif kind == "agent":
            if not is_naming:
                named, is_naming = [], True
            group = anyones if _is_anyone(value) else ours if agent and _token(value) == agent else None
            if group:
                group.is_named = True
                named.append(group)
        else:
            is_naming = False
            for group in named:
                group.add(kind, value, line)
    group = ours if ours.is_named else anyones
    return _compact(group, sitemaps)


def _compact(group: _Group, sitemaps: list[str]) -> RobotsRules:
    ordered = sorted(group.rules, key=lambda rule: (-len(rule[0]), not rule[1]))
    rules = tuple(_bounded(_rule(pattern, is_allow, group.rules[pattern, is_allow]) for pattern, is_allow in ordered))
    forbids = not all(rule.is_allow for rule in rules)
    heads = tuple(dict.fromkeys(rule.head for rule in rules)) if forbids else ()
    return RobotsRules(rules, heads, group.delay_s, tuple(sitemaps))


def _bounded(rules: Iterable[Rule]) -> Iterator[Rule]:
    """The same, but for wildcards beyond MAX_WILD: what they forbid is forbidden from the first wildcard on."""
    wild = 0
    for rule in rules:
        wild += "*" in rule.rest
        if wild <= MAX_WILD or "*" not in rule.rest:
            yield rule
        elif not rule.is_allow:
            yield rule._replace(rest="")


def _rule(pattern: str, is_allow: bool, line: int) -> Rule:
    """`*` is special anywhere, `$` at the end alone (RFC 9309 2.2.3)."""
    at = pattern.find("*")
    if at < 0:
        at = len(pattern) - pattern.endswith("$")
    return Rule(pattern[:at], is_allow, pattern[at:], line)


def _lines(body: bytes) -> list[tuple[int, str, bytes]]:
    """The lines that say something we know: number, field and value."""
    found = []
    for number, line in enumerate(_without_mark(body).splitlines(), 1):
        name, value = _split(line[:_MAX_LINE].partition(b"#")[0].partition(b"\0")[0])
        kind = _FIELDS.get(name) or (_kind(name) if name else "")
        if kind:
            found.append((number, kind, value))
    return found


def _without_mark(body: bytes) -> bytes:
    """Without the byte order mark, or what is left of it at the beginning."""
    return next((body.removeprefix(mark) for mark in _UTF8_MARKS if body.startswith(mark)), body)


def _kind(name: bytes) -> str:
    return next((kind for known, kind in _FIELDS.items() if name.startswith(known)), "")


def _split(line: bytes) -> tuple[bytes, bytes]:
    """Field name in lower case, and value. Of a line without a colon, two words are taken for them."""
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


_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def escaped(text: bytes | str) -> str:
    """ASCII: other bytes percent-encoded, and percent-encodings in upper case, so that equal paths compare equal."""
    if isinstance(text, bytes):
        text = "".join(f"%{ord(char):02X}" if char > "\x7f" else char for char in text.decode("latin-1"))
    return _ESCAPE.sub(lambda match: match[0].upper(), text) if "%" in text else text


def unescaped(text: str) -> str:
    """`escaped` text with unreserved characters (RFC 3986 2.3) as themselves."""
    return _ESCAPE.sub(_plain, text) if "%" in text else text


def _plain(match: re.Match[str]) -> str:
    char = chr(int(match[0][1:], 16))
    return char if char in _UNRESERVED else match[0]


def _fits(rest: str, path: str, at: int) -> bool:
    """Whether the path goes on from `at` as `rest` has it: `*` is any characters, `$` at the end is the end.

    The leftmost place is always as good as any other, so this is linear in the path's length.
    """
    is_anchored = rest.endswith("$")
    parts = rest.removesuffix("$").split("*")
    last = parts.pop() if is_anchored else ""
    for part in parts:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    if not is_anchored:
        return True
    return path.endswith(last) and len(path) - len(last) >= at if parts else path[at:] == last
