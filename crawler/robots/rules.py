"""Reads a robots.txt (RFC 9309), and says whether it lets one crawler ask for a path."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from ..model import Url

MAX_BYTES = 500 << 10
"""RFC 9309 2.5: what must be read at least, and all we read."""


class Rule(NamedTuple):
    """One allow or disallow line: a literal `head`, and what follows its first `*` or `$` in `rest`."""

    head: str
    is_allow: bool
    rest: str


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """One robots.txt as it concerns one crawler: small, picklable. Without rules all is allowed."""

    rules: tuple[Rule, ...] = ()
    """The longest pattern first, allow before disallow: the first that matches decides."""
    heads: tuple[str, ...] = ()
    """Those of all rules, each once: a path that begins with none of them is allowed, and most do not."""
    delay_s: float | None = None
    sitemaps: tuple[str, ...] = ()

    def allows(self, url: Url) -> bool:
        """RFC 9309 2.2.2: the longest pattern that matches decides, allow wins a tie, no match allows."""
        if not self.rules:
            return True
        path = url.path
        written, meant = (path, path) if "%" not in path else (escaped(path), unescaped(escaped(path)))
        if not (written.startswith(self.heads) or meant.startswith(self.heads)):
            return True
        for head, is_allow, rest in self.rules:
            subject = written if is_allow else meant
            if subject.startswith(head) and (not rest or _fits(rest, subject, len(head))):
                return is_allow or path == "/robots.txt"
        return True


ALLOW_ALL = RobotsRules()


def product_token(user_agent: str) -> str:
    """The name a robots.txt calls us by (RFC 9309 2.2.1): letters, `_` and `-`, in lower case.

    That of the first product; for `Mozilla/5.0 (compatible; name/1.0 ...)`, the name it is compatible with.
    """
    match = re.match(r"Mozilla/\S*\s*\(compatible;\s*([A-Za-z_-]+)", user_agent)
    return match[1].lower() if match else _token(user_agent.encode("latin-1", "replace"))


_MAX_LINE = 2083 * 8
"""Bytes; the rest of a longer line is not read. As Google's parser has it."""
_UTF8_BOM = b"\xef\xbb\xbf"
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

    rules: dict[tuple[str, bool], None] = field(default_factory=dict)
    delay_s: float | None = None
    is_named: bool = False

    def add(self, kind: str, value: bytes) -> None:
        if kind == "delay":
            self.delay_s = _delay(value) if self.delay_s is None else self.delay_s
        elif kind == "allow" and value:
            pattern = escaped(value)
            self.rules[pattern, True] = None
            if pattern.endswith("/index.html"):  # whoever allows the index page means the folder's own URL too
                self.rules[pattern.removesuffix("index.html") + "$", True] = None
        elif value:
            # Percent-encoded letters are decoded to forbid (RFC 9309 2.2.2), never to allow: Google's parser does not.
            self.rules[unescaped(escaped(value)), False] = None


def parse_rules(body: bytes, agent: str) -> RobotsRules:
    """What robots.txt says to the crawler with product token `agent` (lower case). Never raises.

    Standard: RFC 9309, with the leniency of Google's parser: misspelt fields, a missing colon, lines cut at 16 KiB,
    CR alone as line end. Crawl-delay belongs to its group, as allow and disallow do; other fields belong to none.
    """
    ours, anyones = _Group(), _Group()
    named: list[_Group] = []
    is_naming = False
    sitemaps: list[str] = []
    for kind, value in _lines(body[:MAX_BYTES]):
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
                group.add(kind, value)
    group = ours if ours.is_named else anyones
    return _compact(group, sitemaps)


def _compact(group: _Group, sitemaps: list[str]) -> RobotsRules:
    if all(is_allow for _, is_allow in group.rules):
        return RobotsRules((), (), group.delay_s, tuple(sitemaps))  # nothing is forbidden
    ordered = sorted(group.rules, key=lambda rule: (-len(rule[0]), not rule[1]))
    rules = tuple(_rule(pattern, is_allow) for pattern, is_allow in ordered)
    heads = tuple(dict.fromkeys(rule.head for rule in rules))
    return RobotsRules(rules, heads, group.delay_s, tuple(sitemaps))


def _rule(pattern: str, is_allow: bool) -> Rule:
    """`*` is special anywhere, `$` at the end alone (RFC 9309 2.2.3)."""
    at = pattern.find("*")
    if at < 0:
        at = len(pattern) - pattern.endswith("$")
    return Rule(pattern[:at], is_allow, pattern[at:])


def _lines(body: bytes) -> list[tuple[str, bytes]]:
    """The lines that say something we know: field and value."""
    found = []
    for line in body.removeprefix(_UTF8_BOM).splitlines():
        name, value = _split(line[:_MAX_LINE].partition(b"#")[0])
        kind = _FIELDS.get(name) or (_kind(name) if name else "")
        if kind:
            found.append((kind, value))
    return found


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
