"""Whether the pages of a URL pattern still bring anything new, and what follows: go on, go last, or be parked.

A page is *news* if it differs from the earlier pages of its pattern in more than numbers and the words of its own URL.
A pattern without news is *suspect*: its links go behind all others. It is *cut* once nothing vouches for it either: its
pages are copies of others, or are found on suspect pages and on each other alone, as the months of a calendar are.
What a list or a sitemap names, which brings news itself, is never cut for looking alike.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from ..model import Disposition, Links, Outcome, Page, Request, Trap, Url
from .pattern import Pattern, Standing
from .shapes import Shapes

Mode: TypeAlias = Literal["park", "warn", "off"]

MOST_PATTERNS = 20_000
"""Patterns that are remembered, 6 kB each at most: the one met longest ago is forgotten for a new one."""
ODD = 64
"""Pages. Patterns that have no more are also judged together, site by site: a trap may be of all sorts."""
SUNK = 100
"""The priority of links of a suspect pattern: behind whatever a sitemap puts last."""
FIRST_PROBE = 32
"""URLs asked for in vain before one of a cut pattern is visited all the same; then twice as many, and so on."""
STEP = 16
"""Pages between two notes of a pattern that does well: it is no loss to learn them again."""


class Stored(NamedTuple):
    """A pattern as a store keeps it."""

    name: str
    standing: int
    fetched: int
    news: int
    parked: int
    windows: str
    """Two numbers in hexadecimal, and examples of what is parked."""


class Sifted(NamedTuple):
    """The links of a page, sorted by what is known of their patterns."""

    links: Links
    """To be queued; those of suspect patterns go last."""
    parked: Sequence[tuple[str, Links]] = ()
    """By pattern: to be parked."""


class Novelty:
    """Folds outcomes into what it knows of their patterns, and judges by it. Decides, and never waits."""

    def __init__(self, mode: Mode = "park", stored: Iterable[Stored] = (), most: int = MOST_PATTERNS) -> None:
        """`most` patterns are remembered."""
        self._most = most
        self._parks = mode == "park"
        self._shapes = Shapes()
        self._patterns: dict[str, Pattern] = {}
        """The one met longest ago first."""
        self._troubled: Counter[str] = Counter()
        """By site, how many of its patterns are not in good standing."""
        self._changed: dict[str, Pattern] = {}
        self._recovered: list[str] = []
        self._traps: tuple[Trap, ...] | None = ()
        for one in stored:
            self._restore(one)

    def __len__(self) -> int:
        """Patterns that are remembered."""
        return len(self._patterns)

    # -- what is found out -------------------------------------------------------------------------------------------

    def fold(self, outcome: Outcome) -> list[Trap]:
        """Learn from a settled visit; the traps it made known.

        What someone asked for by name is no sample of what links lead to, nor is a revisit.
        """
        page, request = outcome.page, outcome.request
        if page is None or request.visit > 1 or request.url == request.anchor or page.kind == "sitemap":
            return []
        name = self._shapes.pattern(request.url.text)
        pattern = self._pattern(name)
        is_odd = pattern.fetched < ODD
        traps = self._count(pattern, outcome, page)
        return traps + self._count(self._pattern(_odd(_site(name))), outcome, page) if is_odd else traps

    @property
    def traps(self) -> tuple[Trap, ...]:
        """The patterns that are cut, or would be, those that cost most first."""
        if self._traps is None:
            cut = [pattern.trap for pattern in self._patterns.values() if pattern.standing is Standing.CUT]
            self._traps = tuple(sorted(cut, key=lambda trap: (-trap.fetched - trap.parked, trap.pattern)))
        return self._traps

    def take_changed(self) -> list[Stored]:
        """What a store should know since the last call."""
        changed, self._changed = self._changed, {}
        return [_stored(pattern) for pattern in changed.values()]

    # -- what follows from it ----------------------------------------------------------------------------------------

    def trap(self, text: str) -> Trap | None:
        """The trap a canonical URL leads into, or None."""
        pattern = self._judged(text)
        return pattern.trap if pattern and pattern.standing is Standing.CUT else None

    def refuses(self, request: Request) -> Trap | None:
        """The trap for which a request is to be parked, or None. Lets one through now and then, to see.

        What someone asked for by name, and what was worth a visit before, passes. Whoever parks the request says so
        to `park`.
        """
        if not (self._parks and self._troubled) or request.url == request.anchor or request.visit > 1:
            return None
        pattern = self._judged(request.url.text)
        if pattern is None or pattern.standing is not Standing.CUT:
            return None
        pattern.asked += 1
        if pattern.asked >= FIRST_PROBE and not pattern.asked & (pattern.asked - 1):
            return None
        return pattern.trap

    def sift(self, links: Links, via: Url) -> Sifted:
        """Tell the links of a page into traps from the others; those of suspect patterns are told to go last.

        Whoever parks those that are new says so to `park`.
        """
        if not (self._parks and self._troubled):
            return Sifted(links)
        if not self._troubled[_site(self._shapes.pattern(via.text, learns=False))]:
            return Sifted(links)
        said = memoryview(links.priorities).cast("b")
        kept, priorities, parked = [], array("b"), dict[str, list[int]]()
        for i, text in enumerate(links.split()):
            pattern = self._judged(text)
            if pattern and pattern.standing is Standing.CUT:
                parked.setdefault(pattern.name, []).append(i)
                continue
            kept.append(i)
            priorities.append(SUNK if pattern and not pattern.is_good else said[i] if said else 0)
        waiting = [(name, _chosen(links, those, array("b", bytes(len(those))))) for name, those in parked.items()]
        return Sifted(_chosen(links, kept, priorities), waiting)

    # -- what is parked ----------------------------------------------------------------------------------------------

    def park(self, name: str, text: str) -> None:
        """One URL more waits under the pattern."""
        pattern = self._patterns.get(name) or self._pattern(name)
        pattern.park(text)
        self._change(pattern)

    def unpark(self, name: str, number: int) -> None:
        """So many URLs of the pattern do not wait any more."""
        if pattern := self._patterns.get(name):
            pattern.parked = max(0, pattern.parked - number)
            pattern.examples = pattern.examples if pattern.parked else ()
            self._change(pattern)
            self._traps = None

    def trust(self, name: str) -> None:
        """Somebody says that the pattern is no trap: it is never parked again."""
        pattern = self._patterns.get(name) or self._pattern(name)
        if not pattern.is_good:
            self._troubled[pattern.site] -= 1
            self._troubled += Counter()
        pattern.standing = Standing.TRUSTED
        self._change(pattern)
        self._traps = None

    def take_recovered(self) -> list[str]:
        """The patterns that were parked and have brought something new since the last call."""
        recovered, self._recovered = self._recovered, []
        return recovered

    # -- patterns ----------------------------------------------------------------------------------------------------

    def _pattern(self, name: str) -> Pattern:
        """Known or new, and met last from now on."""
        pattern = self._patterns.pop(name, None) or Pattern(name, _site(name))
        if len(self._patterns) >= self._most:
            self._forget(next(iter(self._patterns)))
        self._patterns[name] = pattern
        return pattern

    def _forget(self, name: str) -> None:
        pattern = self._patterns.pop(name)
        if not pattern.is_good:
            self._troubled[pattern.site] -= 1
            self._traps = None

    def _judged(self, text: str) -> Pattern | None:
        """What a URL is judged by: its own pattern, or all that is odd on its site."""
        name = self._shapes.pattern(text, learns=False)
        pattern = self._patterns.get(name)
        if pattern is None or (pattern.is_good and pattern.fetched <= ODD):
            return self._patterns.get(_odd(_site(name)))
        return pattern

    def _count(self, pattern: Pattern, outcome: Outcome, page: Page) -> list[Trap]:
        is_copy = outcome.disposition is Disposition.DUPLICATE or not page.length
        is_news = not is_copy and pattern.is_news(page)
        is_sound = is_news or (not is_copy and self._vouches(outcome.request.via, pattern))
        was_good, was_cut = pattern.is_good, pattern.standing is Standing.CUT
        has_turned = pattern.count(is_news, is_sound)
        if has_turned:
            self._troubled[pattern.site] += was_good - pattern.is_good
            self._troubled += Counter()  # none without trouble
            if was_cut:
                self._recovered.append(pattern.name)
        if not pattern.is_good or has_turned or not pattern.fetched % STEP:
            self._change(pattern)
        return [pattern.trap] if has_turned and pattern.standing is Standing.CUT else []

    def _vouches(self, via: Url | None, pattern: Pattern) -> bool:
        """Whether the page that led to a page of `pattern` is of another one, in good standing."""
        if via is None:
            return True
        name = self._shapes.pattern(via.text, learns=False)
        above = self._patterns.get(name)
        if above is None:  # a seed, a sitemap, or one of a kind
            return True
        if above is pattern or (pattern.name == _odd(_site(name)) and above.fetched <= ODD):
            return False
        return above.is_good

    def _change(self, pattern: Pattern) -> None:
        self._changed[pattern.name] = pattern
        if not pattern.is_good:
            self._traps = None

    def _restore(self, stored: Stored) -> None:
        pattern = Pattern(stored.name, _site(stored.name))
        pattern.standing = Standing(stored.standing)
        pattern.fetched, pattern.news, pattern.parked = stored.fetched, stored.news, stored.parked
        news, sound, *examples = stored.windows.split()
        pattern.news_window, pattern.sound_window, pattern.examples = int(news, 16), int(sound, 16), tuple(examples)
        self._patterns[stored.name] = pattern
        if stored.name != _odd(pattern.site):
            self._shapes.relearn(stored.name)
        if not pattern.is_good:
            self._troubled[pattern.site] += 1
            self._traps = None


def _stored(pattern: Pattern) -> Stored:
    windows = " ".join([f"{pattern.news_window:x}", f"{pattern.sound_window:x}", *pattern.examples])
    return Stored(pattern.name, pattern.standing, pattern.fetched, pattern.news, pattern.parked, windows)


def _site(name: str) -> str:
    """Of a pattern: `https://example.org` or `https://*.example.org`."""
    return name[: name.index("/", 8)]


def _odd(site: str) -> str:
    """The pattern that all URLs of a site belong to whose own has few pages."""
    return f"{site}/**"


def _chosen(links: Links, kept: list[int], priorities: array[int]) -> Links:
    """Some of the links, with these priorities."""
    if not kept:
        return Links()
    texts = links.split()
    fingerprints = np.frombuffer(links.fingerprints, "<u8")[kept].tobytes()
    modified = np.frombuffer(links.modified, "<u4")[kept].tobytes() if links.modified else b""
    said = priorities.tobytes() if any(priorities) else b""
    return Links("\n".join([texts[i] for i in kept]), fingerprints, said, modified)
