"""Which URLs belong to this crawl: how far from its root, and what the user's patterns say. Pure and picklable.

A pattern is `re:` and a regular expression, searched anywhere in the URL, or a glob, which must match whole: `*` stands
for anything, slashes too, `?` for one character. A glob is measured from where its beginning says:

    /private/*            from the path on, on any host
    example.org/docs/*    from the host on, http or https; `example.org` alone is the whole host
    https://example.org/* the whole URL
    *.pdf                 the whole URL
"""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import quote

from . import urls
from .errors import ConfigError
from .model import Reason, Request, Url

Reach: TypeAlias = Literal["page", "prefix", "host", "domain", "any"]
Judge: TypeAlias = Callable[[str], Reason | None]
"""Canonical text -> why not, or None."""
_Test: TypeAlias = Callable[[str], object]
"""A compiled pattern: canonical text -> something true if it matches."""


class Ruling(NamedTuple):
    """What scope says of one request, and which of its rules said it."""

    reason: Reason | None
    """Why not; None: it belongs to the crawl."""
    rule: Literal["root", "depth", "reach", "exclude", "include", "trap"]
    """`root`: someone asked for it. `include` lets in by a pattern, and keeps out where none matches."""
    pattern: str = ""
    """The one that matched, as it was written."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The rules of one crawl; a `Bounds`. Raises ConfigError for a pattern that cannot be read."""

    reach: Reach = "host"
    max_depth: int | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_repeats: int = 3
    """How often one path segment may occur before the URL counts as a trap."""
    _includes: tuple[_Test, ...] = field(init=False, repr=False, compare=False)
    _excludes: tuple[_Test, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_includes", _compile(self.include, "scope.include"))
        object.__setattr__(self, "_excludes", _compile(self.exclude, "scope.exclude"))

    def reject(self, request: Request) -> Reason | None:
        """Why this request is not to be visited, or None. A root passes all but `exclude`: someone asked for it."""
        if request.url == request.anchor:
            return Reason.OUT_OF_SCOPE if self._is_excluded(request.url.text) else None
        return self.judge(request.anchor, request.depth)(request.url.text)

    def explain(self, request: Request) -> Ruling:
        """`reject`, with the rule that decided."""
        text, reason = request.url.text, self.reject(request)
        is_root = request.url == request.anchor
        if reason is Reason.DEPTH_LIMIT:
            return Ruling(reason, "depth")
        if reason is Reason.TRAP:
            return Ruling(reason, "trap")
        if reason is not None and not (is_root or _REACHES[self.reach](request.anchor)(text)):
            return Ruling(reason, "reach")
        if pattern := _matching(self.exclude, self._excludes, text):
            return Ruling(reason, "exclude", pattern)
        if is_root:
            return Ruling(reason, "root")
        return Ruling(reason, "include" if self.include else "reach", _matching(self.include, self._includes, text))

    def judge(self, anchor: Url, depth: int) -> Judge:
        """For links that lie `depth` hops out and descend from root `anchor`."""
        if self.max_depth is not None and depth > self.max_depth:
            return lambda text: Reason.DEPTH_LIMIT
        within = _REACHES[self.reach](anchor)
        patterned = bool(self.include or self.exclude)
        # A segment that occurs more than n times needs n + 1 slashes, after the two of the scheme.
        plain_slashes = 2 + self.max_repeats

        def verdict(text: str) -> Reason | None:
            if not within(text) or (patterned and not self._is_wanted(text)):
                return Reason.OUT_OF_SCOPE
            return Reason.TRAP if text.count("/") > plain_slashes and self._repeats(text) else None

        return verdict

    def _is_wanted(self, text: str) -> bool:
        if self._is_excluded(text):
            return False
        return not self.include or any(test(text) for test in self._includes)

    def _is_excluded(self, text: str) -> bool:
        return any(test(text) for test in self._excludes)

    def _repeats(self, text: str) -> bool:
        """Whether one segment of the path comes back too often: /a/b/a/b/a/b/a/ is a server that says yes to all."""
        segments = text.partition("?")[0].split("/")[3:]
        return max(Counter(segments).values(), default=0) > self.max_repeats


def _matching(patterns: tuple[str, ...], tests: tuple[_Test, ...], text: str) -> str:
    """The first pattern that matches, or an empty string."""
    return next((pattern for pattern, test in zip(patterns, tests, strict=True) if test(text)), "")


def _page(anchor: Url) -> Callable[[str], bool]:
    root = anchor.text
    return lambda text: text == root


def _prefix(anchor: Url) -> Callable[[str], bool]:
    folder = anchor.path.partition("?")[0].rpartition("/")[0]
    return _below(f"{urls.host_port(anchor)}{folder}/")


def _host(anchor: Url) -> Callable[[str], bool]:
    return _below(f"{urls.host_port(anchor)}/")


def _below(place: str) -> Callable[[str], bool]:
    places = (f"https://{place}", f"http://{place}")
    return lambda text: text.startswith(places)


def _domain(anchor: Url) -> Callable[[str], bool]:
    domain, near = urls.registered_domain(anchor), _host(anchor)
    return lambda text: near(text) or urls.registered(urls.bare_host(urls.authority(text))) == domain


def _any(anchor: Url) -> Callable[[str], bool]:
    return lambda text: True


_REACHES: dict[Reach, Callable[[Url], Callable[[str], bool]]] = {
    "page": _page,
    "prefix": _prefix,
    "host": _host,
    "domain": _domain,
    "any": _any,
}


def _compile(patterns: tuple[str, ...], key: str) -> tuple[_Test, ...]:
    return tuple(_test(pattern, key) for pattern in patterns)


def _test(pattern: str, key: str) -> _Test:
    if not pattern.startswith("re:"):
        return re.compile(_glob(pattern)).match
    try:
        return re.compile(pattern.removeprefix("re:")).search
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigError(f"{key}: {pattern!r} is not a regular expression: {error}") from error


def _glob(glob: str) -> str:
    """A glob as a regular expression for `match`; fnmatch writes one that does not backtrack without end."""
    # Canonical URLs are ASCII; square brackets mean nothing in our globs, but something in fnmatch's.
    plain = "".join(char if char.isascii() else quote(char) for char in glob).replace("[", "[[]")
    if plain.startswith("*") or "://" in plain:
        return fnmatch.translate(plain)
    if plain.startswith("/"):
        return "https?://[^/]*" + fnmatch.translate(plain)
    return "https?://" + fnmatch.translate(plain if "/" in plain else f"{plain}/*")
