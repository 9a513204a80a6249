"""Says what robots.txt lets us fetch: asked for once per site while fresh, read as RFC 9309 has it."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from weakref import WeakValueDictionary

from . import urls
from .errors import FetchError, UrlError, VisitError
from .model import Reason, Request, Response, Url
from .parse.codings import decode
from .politeness import setback
from .protocols import Fetcher, Offloader, Rules

MAX_BYTES = 500 << 10
"""RFC 9309 2.5: what must be read at least, and all we read."""
MAX_REDIRECTS = 5
"""RFC 9309 2.3.1.2."""
MAX_SITES = 50_000
"""A few hundred bytes each; a site beyond is asked again."""
INLINE_BYTES = 8 << 10
"""0.3 ms of reading at most: cheaper than to hand over."""
UNREACHABLE_S = (2.0, 8.0, 60.0, 600.0)
"""How long a site that cannot be asked is left alone, by failures in a row. The first two end before a second and a
third attempt at a page come round; after that a dead host costs its pages no more time-outs."""

_HOST_REASONS = (Reason.BLOCKED_ADDRESS, Reason.BLOCKED_SCHEME, Reason.BAD_URL, Reason.DNS, Reason.CONNECT, Reason.TLS)


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """One robots.txt as it concerns one crawler: small, picklable. Without rules all is allowed."""

    ordered: tuple[tuple[str, bool], ...] = ()
    """Patterns and whether they allow, the longest first, allow before disallow: the first that matches decides."""
    delay_s: float | None = None
    sitemaps: tuple[str, ...] = ()
    _prefixes: tuple[str, ...] = field(init=False)
    _special: tuple[tuple[str, bool], ...] = field(init=False)

    def __post_init__(self) -> None:
        special = tuple(rule for rule in self.ordered if _is_special(rule[0]))
        object.__setattr__(self, "_special", special)
        object.__setattr__(self, "_prefixes", tuple(text for text, _ in self.ordered if not _is_special(text)))

    def allows(self, url: Url) -> bool:
        """RFC 9309 2.2.2: the longest pattern that matches decides, allow wins a tie, no match allows."""
        if not self.ordered:
            return True
        path = url.path
        if path == "/robots.txt":
            return True
        written, meant = (path, path) if "%" not in path else (escaped(path), unescaped(escaped(path)))
        may_match = written.startswith(self._prefixes) or meant.startswith(self._prefixes)
        for pattern, is_allow in self.ordered if may_match else self._special:
            if _matches(pattern, written if is_allow else meant):
                return is_allow
        return True


ALLOW_ALL = RobotsRules()


class IgnoreRobots:
    """Robots for a crawl whose owner may ignore robots.txt: all is allowed, nothing is asked."""

    async def rules(self, request: Request) -> tuple[Rules, bool]:
        return ALLOW_ALL, False


class RobotsCache:
    """Robots that asks each site once while its answer is fresh; callers who come meanwhile share that answer.

    200: its rules. 4xx, or more than five redirects: no rules. 429, 5xx and no answer at all: unreachable, which means
    nothing may be fetched (RFC 9309 2.3.1.4); 429 is among them since it says `not now` and not `not here`. A site
    once asked and unreachable later keeps its old rules.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        offloader: Offloader,
        user_agent: str,
        ttl_s: float = 86400.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetcher = fetcher
        self._offloader = offloader
        self._agent = product_token(user_agent)
        self._ttl_s = ttl_s
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def rules(self, request: Request) -> tuple[Rules, bool]:
        """The rules of the request's site, and whether that took a fetch just now.

        Raises FetchError: ROBOTS_UNREACHABLE, or what the host itself would answer any request with (DNS, CONNECT ...).
        """
        site = request.url.site
        known, is_asked = self._fresh(site), False
        if known is None:
            known, is_asked = await self._learnt(site)
        if known.rules is not None:
            return known.rules, is_asked
        error = known.error
        raise FetchError(error.reason, error.detail, transient=error.transient, retry_after_s=error.retry_after_s)

    async def _learnt(self, site: str) -> tuple[_Known, bool]:
        """One asks, the others wait for the turn and find the answer; if the one is cancelled, the next asks."""
        turn = self._turns.get(site)
        if turn is None:
            turn = self._turns[site] = asyncio.Lock()
        async with turn:
            known = self._fresh(site)
            if known is not None:
                return known, False
            known = await self._ask(site)
            self._remember(site, known)
            return known, True

    def _fresh(self, site: str) -> _Known | None:
        known = self._known.get(site)
        return known if known and known.until > self._clock() else None

    def _remember(self, site: str, known: _Known) -> None:
        self._known.pop(site, None)
        if len(self._known) >= MAX_SITES:
            del self._known[next(iter(self._known))]
        self._known[site] = known

    async def _ask(self, site: str) -> _Known:
        try:
            rules = await self._fetch(Url(f"{site}/robots.txt"))
        except FetchError as error:
            return self._unreachable(site, error)
        return _Known(self._clock() + self._ttl_s, rules, _NO_ERROR, 0)

    def _unreachable(self, site: str, error: FetchError) -> _Known:
        before = self._known.get(site)
        failures = before.failures if before else 0
        until = self._clock() + UNREACHABLE_S[min(failures, len(UNREACHABLE_S) - 1)]
        return _Known(until, before.rules if before else None, error.with_traceback(None), failures + 1)

    async def _fetch(self, url: Url) -> RobotsRules:
        """The rules at `url` or where it redirects to. Raises FetchError."""
        first = url
        for _ in range(MAX_REDIRECTS + 1):
            try:
                response = await self._fetcher.fetch(Request(url))
            except FetchError as error:
                if url is first and error.reason in _HOST_REASONS:
                    raise
                raise _unreachable(url, str(error), error.retry_after_s) from error
            if not 300 <= response.status < 400:
                return await self._read(response)
            target = _target(response)
            if target is None:
                return ALLOW_ALL
            url = target
        return ALLOW_ALL

    async def _read(self, response: Response) -> RobotsRules:
        if response.status == 429 or response.status >= 500:
            error = setback(response, time.time())
            raise _unreachable(response.url, f"HTTP {response.status}", error.retry_after_s if error else None)
        if response.status >= 400 or not response.body:
            return ALLOW_ALL
        body, coding = response.body, response.header("content-encoding")
        try:
            if not coding and len(body) <= INLINE_BYTES:
                return parse_rules(body, self._agent)
            return await self._offloader.run(_decoded_rules, body, coding, self._agent, size=len(body))
        except VisitError as error:
            raise _unreachable(response.url, str(error), None) from error


class _Known(NamedTuple):
    """What is known of a site: rules, or why there are none."""

    until: float
    rules: RobotsRules | None
    error: FetchError
    failures: int


_NO_ERROR = FetchError(Reason.ROBOTS_UNREACHABLE)


def _target(response: Response) -> Url | None:
    location = response.header("location")
    try:
        return urls.parse(location, response.url) if location else None
    except UrlError:
        return None


def _unreachable(url: Url, why: str, retry_after_s: float | None) -> FetchError:
    return FetchError(Reason.ROBOTS_UNREACHABLE, f"{url}: {why}", transient=True, retry_after_s=retry_after_s)


def product_token(user_agent: str) -> str:
    """The name a robots.txt calls us by (RFC 9309 2.2.1): letters, `_` and `-`, in lower case.

    That of the first product; for `Mozilla/5.0 (compatible; name/1.0 ...)`, the name it is compatible with.
    """
    match = re.match(r"Mozilla/\S*\s*\(compatible;\s*([A-Za-z_-]+)", user_agent) or re.match(
        "([A-Za-z_-]+)", user_agent
    )
    return match[1].lower() if match else ""


# --- reading a file -----------------------------------------------------------------------------------------------

_MAX_LINE = 2083 * 8
"""Bytes; the rest of a longer line is not read. As Google's parser has it."""
_UTF8_BOM = b"\xef\xbb\xbf"
_FIELDS = {
    "agent": (b"user-agent", b"useragent", b"user agent"),
    "disallow": (b"disallow", b"dissallow", b"dissalow", b"disalow", b"diasllow", b"disallaw"),
    "allow": (b"allow",),
    "sitemap": (b"sitemap", b"site-map"),
    "delay": (b"crawl-delay",),
}
"""Fields we know, by how they begin, common misspellings among them."""


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
    ordered = sorted(group.rules, key=lambda rule: (-len(rule[0]), not rule[1]))
    if not any(not is_allow for _, is_allow in ordered):
        ordered = []  # nothing is forbidden
    return RobotsRules(tuple(ordered), group.delay_s, tuple(sitemaps))


def _decoded_rules(body: bytes, coding: str, agent: str) -> RobotsRules:
    """For workers. Raises ParseError."""
    return parse_rules(decode(body, coding, 8 * MAX_BYTES), agent)


def _lines(body: bytes) -> list[tuple[str, bytes]]:
    """The lines that say something we know: field and value."""
    found = []
    for line in body.removeprefix(_UTF8_BOM).splitlines():
        name, value = _split(line[:_MAX_LINE].partition(b"#")[0])
        kind = next((kind for kind, starts in _FIELDS.items() if name.startswith(starts)), None)
        if kind:
            found.append((kind, value))
    return found


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


# --- matching a path ----------------------------------------------------------------------------------------------

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


def _is_special(pattern: str) -> bool:
    return "*" in pattern or pattern.endswith("$")


def _matches(pattern: str, path: str) -> bool:
    """RFC 9309 2.2.3: `*` is any characters, `$` at the end is the end; else a prefix. Linear in the path's length."""
    if "*" not in pattern:
        return path == pattern[:-1] if pattern.endswith("$") else path.startswith(pattern)
    is_anchored = pattern.endswith("$")
    first, *parts = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    last = parts.pop() if is_anchored else ""
    for part in parts:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return path.endswith(last) and len(path) - len(last) >= at if is_anchored else True
