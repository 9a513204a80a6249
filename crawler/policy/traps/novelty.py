"""Decides whether a URL pattern still brings anything new, and so whether its URLs go on, go last or are parked.

A page is *news* if its letters, its figures or its pictures and documents differ from those of the earlier pages of its
pattern. A pattern without news is *suspect*: its links go behind all others. It is *parked* once nothing vouches for
its pages either: no list, no sitemap, no end that they name; the months of a calendar are found on each other alone. A
pattern is judged by its smallest part that has evidence: one book, not all books. See docs/traps.md.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Literal, NamedTuple, TypeAlias

from ...model import Disposition, Links, Outcome, Page, Request, Url
from ...standing import Trap
from .links import choose
from .pattern import GOOD, Pattern, Standing
from .shapes import Shapes

Mode: TypeAlias = Literal["park", "warn", "off"]

MOST_PATTERNS = 20_000
"""Most patterns that are remembered, 6 kB each at most. A new one replaces the one met longest ago."""
ODD = 64
"""Most pages of a pattern that is also judged together with others, site by site: a trap may be of all sorts."""
SUNK = 100
"""The priority of links of a suspect pattern: behind everything that a sitemap puts last."""
FIRST_PROBE = 32
"""URLs of a parked pattern that are refused before one is visited all the same; then twice as many, and so on."""
OWN = 32
"""Pages of one instance of a pattern (one book of many) after which it is judged by itself."""
LONGEST = 300
"""Most characters of a URL that may have an instance of its own."""
SIFTED_AT_ONCE = 64
"""Links that are sorted in one step, about a millisecond's work."""
STEP = 16
"""Pages between two records of a pattern that does well: these are easily learnt again."""
INVITED = "+"
_VARYING = re.compile(r"[#~*+?&]")
_LAST = re.compile(r"(?<![0-9])[0-9]++(?=[^0-9]*+\Z)")
_LITERAL = re.compile(r"[0-9=]")


class StoredPattern(NamedTuple):
    """A pattern as a store keeps it."""

    name: str
    standing: int
    fetched: int
    news: int
    parked: int
    windows: str
    """Two numbers in hexadecimal, `+` if it is invited, `=` and three numbers for each span, and examples of parked
    URLs."""


class SiftedLinks(NamedTuple):
    """The links of a page, sorted by what is known of their patterns."""

    links: Links
    """Links to queue; those of suspect patterns go last."""
    parked: Sequence[tuple[str, Links]] = ()
    """Links to park, by pattern."""


class SeenPage(NamedTuple):
    """One page that was read."""

    text: str
    page: Page
    is_copy: bool
    is_news: bool
    is_vouched: bool
    """Whether a page of another pattern, a sitemap or a person named it."""


class Novelty:
    """Learns from outcomes what their URL patterns bring, and judges by it. Decides, and never waits."""

    def __init__(self, mode: Mode, stored: Iterable[StoredPattern] = (), most: int = MOST_PATTERNS) -> None:
        """At most `most` patterns are remembered."""
        self._most = most
        self._parks = mode == "park"
        self._shapes = Shapes()
        self._patterns: dict[str, Pattern] = {}
        """Patterns by name, the one met longest ago first; so are the instances."""
        self._instances: dict[str, Pattern] = {}
        self._troubled: Counter[str] = Counter()
        """Site -> how many of its patterns are not in good standing."""
        self._changed: dict[str, Pattern] = {}
        self._recovered: list[str] = []
        self._traps: tuple[Trap, ...] | None = ()
        for one in stored:
            self._restore(one)

    @property
    def are_troubled(self) -> bool:
        """Whether any pattern is not in good standing, and requests may be refused for it."""
        return self._parks and bool(self._troubled)

    def __len__(self) -> int:
        """Returns how many patterns are remembered, instances included."""
        return len(self._patterns) + len(self._instances)

    # -- what is found out -------------------------------------------------------------------------------------------

    def fold(self, outcome: Outcome) -> list[Trap]:
        """Learns from a settled visit; returns the traps that it made known.

        Seeds are no sample of what links lead to, nor are revisits.
        """
        page, request = outcome.page, outcome.lease.request
        if page is None or request.visit > 1 or request.url == request.anchor or page.kind == "sitemap":
            return []
        text = request.url.text
        name = self._shapes.pattern(text)
        general = self._pattern(name)
        instance = None if general.standing is Standing.TRUSTED else self._instance(name, text)
        is_copy = outcome.disposition is Disposition.DUPLICATE or not page.length
        is_news = general.is_news(page) and not is_copy
        is_vouched = self._vouches(request.via, name)
        seen = SeenPage(text, page, is_copy, is_news, is_vouched)
        if instance:
            instance.is_invited |= is_vouched
            if instance.fetched >= OWN:
                return self._count(instance, seen)
            self._count(instance, seen)
        is_odd = general.fetched < ODD
        traps = self._count(general, seen)
        return traps + self._count_odd(self._pattern(_odd(_site(name))), request, seen) if is_odd else traps

    @property
    def traps(self) -> tuple[Trap, ...]:
        """The patterns that are parked, or would be; those that cost most first."""
        if self._traps is None:
            known = chain(self._patterns.values(), self._instances.values())
            parked = [pattern.trap for pattern in known if pattern.standing is Standing.PARKED]
            self._traps = tuple(sorted(parked, key=lambda trap: (-trap.fetched - trap.parked, trap.pattern)))
        return self._traps

    def earlier_news(self, text: str) -> int:
        """Returns how many pages of this URL's pattern were news in earlier runs; up to STEP may be missing."""
        pattern = self._patterns.get(self._shapes.pattern(text, learns=False))
        return pattern.earlier_news if pattern else 0

    def knows_well(self, text: str) -> bool:
        """Returns whether pages like this URL's need not all be compared: its pattern is large and brings only news."""
        name = self._shapes.pattern(text, learns=False)
        general = self._patterns.get(name)
        if general is None or not general.is_well_known:
            return False
        instance = self._instances.get(_instance_of(name, text))
        return instance is None or instance.fetched < OWN or instance.is_well_known

    def take_changed(self) -> list[StoredPattern]:
        """Returns the patterns that a store should write, since the last call."""
        changed, self._changed = self._changed, {}
        return [_stored(pattern) for pattern in changed.values()]

    # -- what follows from it ----------------------------------------------------------------------------------------

    def trap(self, text: str) -> Trap | None:
        """Returns the trap that a canonical URL leads into, or None."""
        pattern = self._judged(text)
        return pattern.trap if pattern and pattern.standing is Standing.PARKED else None

    def refuses(self, request: Request) -> Trap | None:
        """Returns the trap for which a request is to be parked, or None. Lets one through now and then, as a probe.

        Seeds pass, and URLs that were worth a visit before.
        """
        if not self.are_troubled or request.url == request.anchor or request.visit > 1:
            return None
        pattern = self._judged(request.url.text)
        if (
            pattern is None
            or pattern.standing is not Standing.PARKED
            or self._invites(request.via, pattern, request.url)
        ):
            return None
        pattern.asked += 1
        if pattern.asked >= FIRST_PROBE and not pattern.asked & (pattern.asked - 1):
            return None
        return pattern.trap

    def sift(self, links: Links, via: Url) -> SiftedLinks:
        """Returns the links of a page, those into traps apart; links of suspect patterns get the lowest priority."""
        sifting = self.sift_in_parts(links, via)
        while True:
            try:
                next(sifting)
            except StopIteration as done:
                sifted: SiftedLinks = done.value
                return sifted

    def sift_in_parts(self, links: Links, via: Url) -> Generator[None, None, SiftedLinks]:
        """Sifts as `sift` does, in steps of a few links, so that the caller can let others run."""
        if not self.are_troubled or not self._troubled[_site(self._shapes.pattern(via.text, learns=False))]:
            return SiftedLinks(links)
        said = memoryview(links.priorities).cast("b")
        kept, priorities, parked = [], array("b"), dict[str, list[int]]()
        for i, text in enumerate(links.split()):
            if i and not i % SIFTED_AT_ONCE:
                yield
            pattern = self._judged(text)
            if pattern and pattern.standing is Standing.PARKED and not self._invites(via, pattern, Url(text)):
                parked.setdefault(pattern.name, []).append(i)
                continue
            kept.append(i)
            priorities.append(SUNK if pattern and not pattern.is_good else said[i] if said else 0)
        waiting = [(name, choose(links, those, array("b", bytes(len(those))))) for name, those in parked.items()]
        return SiftedLinks(choose(links, kept, priorities), waiting)

    def is_parked(self, name: str) -> bool:
        pattern = self._instances.get(name) or self._patterns.get(name)
        return pattern is not None and pattern.standing is Standing.PARKED

    # -- what is parked ----------------------------------------------------------------------------------------------

    def trust(self, name: str) -> None:
        """Trusts a pattern that a person called no trap: it is never parked again."""
        pattern = self._named(name)
        if not pattern.is_good:
            self._troubled[pattern.site] -= 1
            self._troubled += Counter()
        pattern.standing = Standing.TRUSTED
        self._change(pattern)
        self._traps = None

    def take_recovered(self) -> list[str]:
        """Returns the patterns that were parked and have brought something new since the last call."""
        recovered, self._recovered = self._recovered, []
        return recovered

    # -- patterns ----------------------------------------------------------------------------------------------------

    def _pattern(self, name: str) -> Pattern:
        """Returns the pattern, new where it must be, and marks it as met last."""
        return self._met(self._patterns, name)

    def _instance(self, name: str, text: str) -> Pattern | None:
        """Returns the pattern in which only the URL's last number varies; None if only that varies anyway."""
        own = _instance_of(name, text)
        return self._met(self._instances, own) if own else None

    def _named(self, name: str) -> Pattern:
        return self._instances.get(name) or self._patterns.get(name) or self._pattern(name)

    def _met(self, known: dict[str, Pattern], name: str) -> Pattern:
        pattern = known.pop(name, None) or Pattern(name, _site(name), is_instance=known is self._instances)
        if len(known) >= self._most:
            self._forget(known.pop(next(iter(known))))
        known[name] = pattern
        return pattern

    def _forget(self, pattern: Pattern) -> None:
        if not pattern.is_good:
            self._troubled[pattern.site] -= 1
            self._traps = None

    def _judged(self, text: str) -> Pattern | None:
        """Returns the pattern that judges a URL: the smallest with evidence, or that of all odd URLs of its site."""
        name = self._shapes.pattern(text, learns=False)
        general = self._patterns.get(name)
        if general and general.standing is Standing.TRUSTED:
            return general
        instance = self._instances.get(_instance_of(name, text))
        if instance and (instance.fetched >= OWN or instance.is_invited):
            return instance
        if general is None or (general.is_good and general.fetched <= ODD):
            return self._patterns.get(_odd(_site(name)))
        return general

    def _count(self, pattern: Pattern, seen: SeenPage) -> list[Trap]:
        """Counts one page of a pattern; returns the trap if the page made it one."""
        series, page = pattern.series, seen.page
        is_finite = page.end[0] and series.names_end(page.end, pattern.fetched) and not seen.is_copy
        if seen.is_vouched and series.vouch(seen.text):
            self._change(pattern)
        if seen.is_copy:  # a copy is sound if it leads nowhere new
            is_sound = seen.is_vouched and not page.news
        else:
            is_sound = seen.is_news or seen.is_vouched or is_finite or series.holds(seen.text)
        before = pattern.standing
        if pattern.count(seen.is_news, is_sound, is_finite=bool(is_finite)):
            self._note_turn(pattern, before)
            return [pattern.trap] if pattern.standing is Standing.PARKED else []
        if before not in GOOD or not pattern.fetched % STEP:
            self._change(pattern)
        return []

    def _note_turn(self, pattern: Pattern, before: Standing) -> None:
        """Notes that a pattern has another standing than before."""
        self._troubled[pattern.site] += (before in GOOD) - pattern.is_good
        self._troubled += Counter()  # drops the sites at zero
        if before is Standing.PARKED:
            self._recovered.append(pattern.name)
        self._change(pattern)

    def _count_odd(self, odd: Pattern, request: Request, seen: SeenPage) -> list[Trap]:
        """Counts one page together with all pages of its site whose patterns have few."""
        is_news = odd.is_news(seen.page) and not seen.is_copy
        is_vouched = self._vouches_for_odd(request.via, odd)
        if is_news:
            odd.note_source(seen.text)
        elif seen.is_copy and not seen.page.news:  # a copy that leads nowhere
            return []
        return self._count(odd, seen._replace(is_news=is_news, is_vouched=is_vouched))

    def _vouches(self, via: Url | None, name: str) -> bool:
        """Returns whether the page that led to a page of pattern `name` has another pattern, in good standing."""
        if via is None:
            return True
        other = self._shapes.pattern(via.text, learns=False)
        above = self._patterns.get(other)
        if above is None:  # a seed, a sitemap, or one of a kind
            return True
        if other == name or not above.is_good:
            return False
        instance = self._instances.get(_instance_of(other, via.text))
        return instance is None or instance.is_good

    def _vouches_for_odd(self, via: Url | None, odd: Pattern) -> bool:
        """Returns whether the page that led here was news, or has a pattern with many pages and in good standing."""
        above = self._patterns.get(self._shapes.pattern(via.text, learns=False)) if via else None
        if via is None or above is None:
            return True
        return (above.is_good and above.fetched > ODD) or odd.has_source(via.text)

    def _invites(self, via: Url | None, pattern: Pattern, url: Url) -> bool:
        """Returns whether the page that named a URL of a parked pattern vouches for it."""
        if via is None:
            return False
        if pattern.name == _odd(pattern.site):
            return self._vouches_for_odd(via, pattern)
        return self._vouches(via, self._shapes.pattern(url.text, learns=False))

    def _change(self, pattern: Pattern) -> None:
        self._changed[pattern.name] = pattern
        if not pattern.is_good:
            self._traps = None

    def _restore(self, stored: StoredPattern) -> None:
        site = _site(stored.name)
        is_instance = _LITERAL.search(stored.name, len(site)) is not None
        pattern = Pattern(stored.name, site, is_instance=is_instance)
        pattern.standing = Standing(stored.standing)
        pattern.fetched, pattern.news, pattern.parked = stored.fetched, stored.news, stored.parked
        news, sound, *words = stored.windows.split()
        pattern.earlier_news = stored.news
        pattern.news_window, pattern.sound_window = int(news, 16), int(sound, 16)
        for word in words:
            if word[0] == "=":
                pattern.series.restore(word)
            elif word == INVITED:
                pattern.is_invited = True
        pattern.examples = tuple([word for word in words if word.startswith("http")])
        (self._instances if is_instance else self._patterns)[stored.name] = pattern
        if not is_instance and stored.name != _odd(pattern.site):
            self._shapes.relearn(stored.name)
        if not pattern.is_good:
            self._troubled[pattern.site] += 1
            self._traps = None


def _stored(pattern: Pattern) -> StoredPattern:
    words = [*([INVITED] if pattern.is_invited else []), *pattern.series.stored(), *pattern.examples]
    windows = " ".join([f"{pattern.news_window:x}", f"{pattern.sound_window:x}", *words])
    return StoredPattern(pattern.name, pattern.standing, pattern.fetched, pattern.news, pattern.parked, windows)


@lru_cache(1 << 11)
def _site(name: str) -> str:
    """Returns the site of a pattern: `https://example.org` or `https://*.example.org`."""
    return name[: name.index("/", 8)]


@lru_cache(1 << 10)
def _odd(site: str) -> str:
    """Returns the pattern of all URLs of a site whose own pattern has few pages."""
    return f"{site}/**"


@lru_cache(1 << 11)
def _instance_of(name: str, text: str) -> str:
    """Returns the URL with `#` for its last number; empty if no more than that varies in the pattern `name`."""
    last = _LAST.search(text, text.index("/", 8)) if len(text) <= LONGEST and _varies_much(name) else None
    return f"{text[: last.start()]}#{text[last.end() :]}" if last else ""


@lru_cache(1 << 12)
def _varies_much(name: str) -> bool:
    """Returns whether more than one part of a URL varies in this pattern."""
    return len(_VARYING.findall(name, len(_site(name)))) > 1
