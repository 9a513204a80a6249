"""Decides which URLs belong to a crawl, by the reach of its seeds and the user's patterns. Pure and picklable.

A link belongs to the crawl if the reach of any seed admits it. The places that the seeds admit stand in a table, which
grows while seeds come in and which workers read (crawler/policy/admitted.py).

Patterns are those of `crawler/urls/patterns.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field, replace
from functools import lru_cache
from itertools import accumulate
from typing import Literal, NamedTuple, TypeAlias

from .. import urls
from ..dataclass import dataclass
from ..errors import ConfigError
from ..model import LeftOut, Reason, Request, Url
from ..urls.patterns import REGEX, PatternError, Test, compile_pattern, join
from .admitted import Admitted

Reach: TypeAlias = Literal["page", "prefix", "host", "domain", "any"]
Judge: TypeAlias = Callable[[str], Reason | None]
"""Canonical text -> the reason why it does not belong, or None."""
Sieve: TypeAlias = Callable[[str], int]
"""Canonical text -> the bit of LeftOut that keeps it out, or 0."""
_NUMBER = re.compile(r"[\d.:_T-]*")
"""Matches a segment of a path that is a number, a date, or empty."""


class Ruling(NamedTuple):
    """The decision of scope on one request, and the rule that decided."""

    reason: Reason | None
    """The reason why it does not belong; None: it belongs to the crawl."""
    rule: Literal["root", "depth", "reach", "exclude", "include", "trap", "requisite", "extra-hop"]
    """`root`: someone asked for it. `include` lets in by a pattern, and keeps out where none matches. `requisite`: a
    page needs it to be shown. `extra-hop`: it lies so many hops out of the reach."""
    pattern: str = ""
    """The pattern that matched, as it was written."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The rules of one crawl; a `Bounds`. Raises ConfigError for a pattern that cannot be read."""

    reach: Reach
    max_depth: int | None
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    max_repeats: int
    """Most repeats in a row of a group of path segments; a link that adds one more counts as a trap."""
    extra_hops: int = 0
    """Most hops out of the reach."""
    requisites: bool = False
    """Whether pages get what they need to be shown, whatever its host."""
    admitted: Admitted | None = None
    """The places that the seeds admit under this reach; None: a link is measured from its own root alone."""
    _includes: tuple[Test, ...] = field(init=False, repr=False, compare=False)
    _excludes: tuple[Test, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("include", "exclude"):
            patterns = getattr(self, name)
            check_patterns(name, patterns)
            object.__setattr__(self, f"_{name}s", _compile_patterns(patterns))

    def reject(self, request: Request) -> Reason | None:
        """Returns why a request is not to be visited, or None.

        A root passes all but `exclude`: someone asked for it.
        """
        if request.url == request.anchor:
            return Reason.OUT_OF_SCOPE if self._is_excluded(request.url.text) else None
        if request.way:
            return self._explain_beyond(request).reason
        return _REASONS[self._bit_of(request)]

    def step_out(self, request: Request) -> Request:
        """Returns the request as an extra hop, if it leaves the reach and such a hop is left; else as it is."""
        if request.way or not self.extra_hops or self._bit_of(request) != _REACH:
            return request
        return replace(request, extra_hop=1)

    def explain(self, request: Request) -> Ruling:
        """Returns the answer of `reject` with the rule that decided."""
        text = request.url.text
        if request.url == request.anchor:
            pattern = _find_match(self.exclude, text)
            return Ruling(Reason.OUT_OF_SCOPE, "exclude", pattern) if pattern else Ruling(None, "root")
        if request.way:
            return self._explain_beyond(request)
        bit = self._bit_of(request)
        if bit == _DEPTH:
            return Ruling(Reason.DEPTH_LIMIT, "depth")
        if bit == _REPEATS:
            return Ruling(Reason.TRAP, "trap")
        if bit == _REACH:
            return Ruling(Reason.OUT_OF_SCOPE, "reach")
        if pattern := _find_match(self.exclude, text):
            return Ruling(Reason.OUT_OF_SCOPE, "exclude", pattern)
        pattern = _find_match(self.include, text)
        return Ruling(_REASONS[bit], "include" if self.include else "reach", pattern)

    def judge(self, anchor: Url, depth: int) -> Judge:
        """Returns a judge of links that lie `depth` hops out and descend from root `anchor`."""
        sieve = self.sieve(anchor, depth)
        return lambda text: _REASONS[sieve(text)]

    def sieve(self, anchor: Url, depth: int, page: Url | None = None) -> Sieve:
        """Returns a sieve of links that lie `depth` hops out, descend from root `anchor` and stand on `page`."""
        if self.max_depth is not None and depth > self.max_depth:
            return lambda text: _DEPTH
        near, far = _near(anchor, self.reach, self.admitted), _FAR[self.reach](anchor, self.admitted)
        patterned = bool(self.include or self.exclude)
        grows = _growth_test(page.text, self.max_repeats) if page else _never_grows

        def bit(text: str) -> int:
            if not (text.startswith(near) or far(text)):
                return _REACH
            if patterned and not self._is_wanted(text):
                return _PATTERNS
            return _REPEATS if grows(text) else 0

        return bit

    def reaches(self, anchor: Url) -> Callable[[str], bool]:
        """Returns a test of links that descend from root `anchor`: whether the reach admits them."""
        near, far = _near(anchor, self.reach, self.admitted), _FAR[self.reach](anchor, self.admitted)
        return lambda text: text.startswith(near) or far(text)

    def sieve_beyond(self, page: Url) -> Sieve:
        """Returns a sieve of links on `page` that lie outside the reach, and of requisites: depth does not count."""
        grows = _growth_test(page.text, self.max_repeats)

        def bit(text: str) -> int:
            if self._is_excluded(text):
                return _PATTERNS
            return _REPEATS if grows(text) else 0

        return bit

    def place(self, text: str) -> str:
        """Returns the place of a link out of reach: a new seed there may let it in. Empty: none could."""
        return place(text, self.reach)

    def _explain_beyond(self, request: Request) -> Ruling:
        """Returns the ruling on an extra hop or a requisite."""
        text, is_needed = request.url.text, bool(request.requisite)
        rule: Literal["requisite", "extra-hop"] = "requisite" if is_needed else "extra-hop"
        if pattern := _find_match(self.exclude, text):
            return Ruling(Reason.OUT_OF_SCOPE, "exclude", pattern)
        is_followed = self.requisites if is_needed else request.extra_hop <= self.extra_hops
        return Ruling(None if is_followed else Reason.OUT_OF_SCOPE, rule)

    def _is_wanted(self, text: str) -> bool:
        if self._is_excluded(text):
            return False
        return not self.include or _is_any(self._includes, text)

    def _is_excluded(self, text: str) -> bool:
        return _is_any(self._excludes, text)

    def _bit_of(self, request: Request) -> int:
        """Returns the bit that `sieve` gives for this request, at a third of what it costs to make a sieve."""
        text, anchor = request.url.text, request.anchor
        if self.max_depth is not None and request.depth > self.max_depth:
            return _DEPTH
        is_near = text.startswith(_near(anchor, self.reach, self.admitted))
        if not is_near and not _FAR[self.reach](anchor, self.admitted)(text):
            return _REACH
        if (self.include or self.exclude) and not self._is_wanted(text):
            return _PATTERNS
        via = request.via
        if via is None or via.text.count("/") < 2 + self.max_repeats:
            return 0
        return _REPEATS if _growth_test(via.text, self.max_repeats)(text) else 0


def _is_any(tests: tuple[Test, ...], text: str) -> bool:
    for test in tests:  # noqa: SIM110 - asked of every link, and `any` costs three times as much
        if test(text):
            return True
    return False


def _find_match(patterns: tuple[str, ...], text: str) -> str:
    """Returns the first pattern that matches, or an empty string."""
    return next((pattern for pattern in patterns if _compile_pattern(pattern)(text)), "")


def _growth_test(page: str, most: int) -> Callable[[str], bool]:
    """Returns a test of the page's links: whether one adds to what the page's path repeats already.

    A server that says yes to everything makes such links: /a/b/a/b/a/b/ leads to /a/b/a/b/a/b/a/b/. A group repeats in
    a row more than `most` times, in the page's own URL once less. Numbers and the empty segments of doubled slashes are
    no such groups: dates and shards look like that.
    """
    if page.count("/") < 2 + most:
        return _never_grows
    own = page.partition("?")[0].split("/")
    if len(own) < 3 + most:
        return _never_grows
    common = "/".join(own[: 3 + most])
    words = list[int]()
    """For each segment, how many up to it are not numbers; filled for the first link that needs it."""

    def grows(text: str) -> bool:
        if not text.startswith(common):
            return False
        link = text.partition("?")[0].split("/")
        parted = next((n for n, pair in enumerate(zip(own, link, strict=False)) if pair[0] != pair[1]), len(own))
        if parted >= len(link):
            return False
        if not words:
            words.extend(accumulate(not _NUMBER.fullmatch(segment) for segment in own))
        return any(
            link[parted - period] == link[parted]
            and words[parted - 1] > words[parted - period - 1]
            and _adds(own, link, parted, period, most)
            for period in range(1, (parted - 3) // most + 1)
        )

    return grows


def _never_grows(text: str) -> bool:
    return False


def _adds(own: list[str], link: list[str], parted: int, period: int, most: int) -> bool:
    """Returns whether the link repeats a group of `period` segments more often than its page.

    `parted` is the first segment where the two differ.
    """
    start = parted - period
    while start > 3 and link[start - 1] == link[start - 1 + period]:
        start -= 1
    times, before = ((_end(path, parted, period) - start) // period for path in (link, own))
    return before >= most and times > before and parted - start >= period * most


def _end(path: list[str], at: int, period: int) -> int:
    """Returns the place where the path ceases to repeat itself."""
    while at < len(path) and path[at] == path[at - period]:
        at += 1
    return at


def place(text: str, reach: Reach) -> str:
    """Returns what a link has in common with the seeds that could admit it: the host, or the registered domain.

    Empty for `page` and `any`, where a new seed admits no other links than before.
    """
    if reach in ("page", "any"):
        return ""
    authority = urls.authority(text)
    return urls.registered_domain_of_host(urls.bare_host(authority)) if reach == "domain" else authority


def places(root: Url, reach: Reach, seed: Url | None = None) -> tuple[str, ...]:
    """Returns what a root adds to `Scope.admitted`: its place, and for `prefix` the folder that its seed named."""
    found = place(root.text, reach)
    if not found:
        return ()
    return (found, found + _folder(seed or root)) if reach == "prefix" else (found,)


def is_within(url: Url, reach: Reach, admitted: Admitted) -> bool:
    """Returns whether a table of that reach admits the URL; for `page` it never does."""
    return bool(_near(url, reach, admitted))


def is_moved(target: Url, seed: Url) -> bool:
    """Returns whether a seed that redirects to `target` has moved to another owner, a different registered domain.

    A name with `www.` is its owner's in any case: not every network's domains are registered ones.
    """
    new, old = urls.host(target).removeprefix("www."), urls.host(seed).removeprefix("www.")
    return new != old and urls.registered_domain_of_host(new) != urls.registered_domain_of_host(old)


def _folder(url: Url) -> str:
    """Returns the path of a URL up to the last slash."""
    return url.path.partition("?")[0].rpartition("/")[0] + "/"


def _near(anchor: Url, reach: Reach, admitted: Admitted | None) -> tuple[str, ...]:
    """Returns beginnings of URLs that surely belong to the crawl; none where the root's own place does not."""
    if reach == "any":
        return ("",)
    if reach == "page":
        return ()
    folder, common, beginnings = _beginnings(anchor.text, reach)
    if admitted is not None:
        is_in = admitted.holds_above(folder) if reach == "prefix" else admitted.holds(common)
        if not is_in:
            return ()
    return beginnings


@lru_cache(1 << 10)
def _beginnings(root: str, reach: Reach) -> tuple[str, str, tuple[str, ...]]:
    """Returns the folder of a root without its scheme, its place, and the beginnings of URLs in that folder."""
    host = urls.authority(root)
    folder = f"{host}{_folder(Url(root))}" if reach == "prefix" else f"{host}/"
    return folder, place(root, reach), (f"https://{folder}", f"http://{folder}")


def _far_page(anchor: Url, admitted: Admitted | None) -> Callable[[str], bool]:
    return anchor.text.__eq__


def _far_folder(anchor: Url, admitted: Admitted | None) -> Callable[[str], bool]:
    if admitted is None:
        return _is_never_far
    holds, holds_above = admitted.holds, admitted.holds_above

    def is_in(text: str) -> bool:
        path = text if "?" not in text else text[: text.index("?")]
        return holds(urls.authority(text)) and holds_above(path[path.index("/") + 2 : path.rindex("/") + 1])

    return is_in


def _far_host(anchor: Url, admitted: Admitted | None) -> Callable[[str], bool]:
    if admitted is None:
        return _is_never_far
    holds, authority = admitted.holds, urls.authority
    return lambda text: holds(authority(text))


def _far_domain(anchor: Url, admitted: Admitted | None) -> Callable[[str], bool]:
    own = urls.registered_domain(anchor)
    if admitted is None:
        return lambda text: place(text, "domain") == own
    holds = admitted.holds
    return lambda text: holds(place(text, "domain"))


def _is_never_far(text: str) -> bool:
    return False


_FAR: dict[Reach, Callable[[Url, Admitted | None], Callable[[str], bool]]] = {
    "page": _far_page,
    "prefix": _far_folder,
    "host": _far_host,
    "domain": _far_domain,
    "any": lambda anchor, admitted: _is_never_far,
}
_REACH, _PATTERNS, _DEPTH, _REPEATS = map(
    int, (LeftOut.REACH, LeftOut.PATTERNS, LeftOut.DEPTH, LeftOut.REPEATS)
)  # fmt: skip
_REASONS = {
    0: None,
    _REACH: Reason.OUT_OF_SCOPE,
    _PATTERNS: Reason.OUT_OF_SCOPE,
    _DEPTH: Reason.DEPTH_LIMIT,
    _REPEATS: Reason.TRAP,
}


def check_patterns(name: str, patterns: tuple[str, ...]) -> None:
    """Raises ConfigError for a pattern of the setting `name` (`include`, `exclude`) that cannot be read."""
    for pattern in patterns:
        _compile_pattern(pattern, f"scope.{name}")


def _compile_patterns(patterns: tuple[str, ...]) -> tuple[Test, ...]:
    """Returns tests; one is true where a pattern matches. Regular expressions are joined into one where possible."""
    expressions = [pattern.removeprefix(REGEX) for pattern in patterns if pattern.startswith(REGEX)]
    globs = [pattern for pattern in patterns if not pattern.startswith(REGEX)]
    return (*map(_compile_pattern, globs), *(joined.search for joined in join(expressions)))


def _compile_pattern(pattern: str, key: str = "") -> Test:
    try:
        return compile_pattern(pattern)
    except PatternError as error:
        raise ConfigError(f"{key}: {pattern!r} {error}") from error
