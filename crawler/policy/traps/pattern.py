"""One URL pattern's record: what its latest pages were like, and how it stands by that."""

from __future__ import annotations

from array import array
from enum import IntEnum

from ...model import Page
from ...standing import Trap
from .recent import Ring, Sieve
from .series import Series

SHORT, LONG = 32, 128
"""Pages that a suspicion rests on, and those that a verdict rests on."""
SHORT_NEWS, LONG_NEWS = 1, 1
"""Pages among them that may have been news all the same."""
RECOVERED = 4
"""Pieces of news among the latest SHORT pages that clear a suspect."""
REMEMBERED = 512
"""Pages whose letters are remembered: a calendar of days has some hundred wordings."""
FEW = 2
"""Buckets of `Page.numbers` in which two pages differ, at most, that differ in one figure: a count of visitors."""
AHEAD = 8
"""Pages of a date more than a year ahead, by which a pattern is one of a calendar."""
_32 = 0xFFFFFFFF
_NIBBLES = 0x1111111111111111
_ALL = (1 << LONG) - 1
_LATEST = (1 << SHORT) - 1
_TRIAL = _LATEST << (LONG - SHORT)
"""A window that takes SHORT pages to turn against its pattern."""


class Standing(IntEnum):
    """Stored by number."""

    GOOD = 0
    SUSPECT = 1
    PARKED = 2
    """Its URLs are parked."""
    TRUSTED = 3
    """Somebody said that it is no trap."""


class Pattern:
    """Counts since the crawl began; the two windows hold one bit a page, the latest in the lowest."""

    __slots__ = (
        "_memory", "_sources", "asked", "earlier_news", "examples", "fetched", "is_invited", "name", "news",
        "news_window", "parked", "series", "site", "sound_window", "standing",
    )  # fmt: skip

    def __init__(self, name: str, site: str, *, is_instance: bool = False) -> None:
        """An instance is one of many that the URLs of a wider pattern belong to, as one book of a library."""
        self.name = name
        self.site = site
        self.standing = Standing.GOOD
        self.fetched = 0
        self.news = 0
        self.earlier_news = 0
        """Those of earlier runs."""
        self.parked = 0
        """URLs that wait."""
        self.examples: tuple[str, ...] = ()
        """Two of these."""
        self.asked = 0
        """URLs that were to be visited since it was parked."""
        self.news_window = _ALL
        """Which pages were news."""
        self.sound_window = _ALL
        """Which were news, or had something to vouch for them."""
        self.is_invited = False
        """A page of another pattern named one of its pages."""
        self.series = Series(1) if is_instance else Series()
        self._sources: Ring | None = None
        """Of what is judged together: the pages that were news, by their URLs."""
        self._memory: Memory | None = None

    @property
    def trap(self) -> Trap:
        return Trap(self.name, self.fetched, self.news, self.parked, self.examples)

    @property
    def is_good(self) -> bool:
        return self.standing in (Standing.GOOD, Standing.TRUSTED)

    def is_news(self, page: Page) -> bool:
        """Whether a page is like none of the earlier ones; it is remembered."""
        if self._memory is None:
            self._memory = Memory()
        return self._memory.is_news(page)

    def note_source(self, text: str) -> None:
        """A page was news: it vouches for what it names, where all is judged together."""
        if self._sources is None:
            self._sources = Ring(REMEMBERED)
        self._sources.add(hash(text) & _32)

    def has_source(self, text: str) -> bool:
        """Whether a page was noted lately."""
        return self._sources is not None and self._sources.find(hash(text) & _32) >= 0

    def count(self, is_news: bool, is_sound: bool, *, is_finite: bool = False) -> bool:
        """One page more; whether its standing is another now. Of a parked one, `is_finite` says as much as news."""
        self.fetched += 1
        self.news += is_news
        self.news_window = (self.news_window << 1 | is_news) & _ALL
        self.sound_window = (self.sound_window << 1 | is_sound) & _ALL
        before = self.standing
        self.standing = self._judged(is_news or is_finite)
        if (
            self.standing is not Standing.PARKED and before is Standing.PARKED
        ):  # a probe found something: it is tried anew
            self.sound_window = _TRIAL
        return self.standing is not before

    def _judged(self, tells: bool) -> Standing:
        if self.standing is Standing.TRUSTED:
            return Standing.TRUSTED
        if self.standing is Standing.PARKED:
            return Standing.SUSPECT if tells else Standing.PARKED
        if self.sound_window.bit_count() <= LONG_NEWS:
            return Standing.PARKED
        lately = (self.news_window & _LATEST).bit_count()
        if lately <= SHORT_NEWS:
            return Standing.SUSPECT
        return Standing.GOOD if lately >= RECOVERED else self.standing


class Memory:
    """What the pages of a pattern were like: 12 kB at most."""

    __slots__ = ("_ahead", "_figures", "_gists", "_media", "_numbers")

    def __init__(self) -> None:
        self._ahead = 0
        self._gists = Ring(REMEMBERED)
        self._numbers = array("Q")
        """By place of the gist: the figures that its latest page had."""
        self._figures = Sieve()
        self._media = Sieve()

    def is_news(self, page: Page) -> bool:
        """Whether a page has other letters than the earlier ones, or two other figures, or other pictures.

        A file that nobody reads for text, and that is no copy, is news: it leads nowhere.
        """
        shows_news = self._shows_news(page)
        return self._says_news(page) or shows_news or page.kind == "other"

    def _says_news(self, page: Page) -> bool:
        gist = page.gist & _32
        place = self._gists.find(gist)
        is_fresh = self._figures.add(hash((gist, page.numbers))) if page.numbers else False
        if place < 0:
            place = self._gists.add(gist)
            self._numbers[place : place + 1] = array("Q", (page.numbers,))
            return True
        apart = _apart(self._numbers[place], page.numbers)
        self._numbers[place] = page.numbers
        return is_fresh and apart > FEW

    def _shows_news(self, page: Page) -> bool:
        """Whether a page shows or offers what no earlier one did. A calendar's pictures of days are nothing new."""
        self._ahead += page.is_ahead
        if not page.media:
            return False
        fresh = [one for one in memoryview(page.media).cast("I") if self._media.add(one // 2)]
        return any(not one & 1 for one in fresh) if self._ahead >= AHEAD else bool(fresh)


def _apart(one: int, other: int) -> int:
    """Groups of four bits that differ."""
    bits = one ^ other
    bits |= bits >> 2
    return ((bits | bits >> 1) & _NIBBLES).bit_count()
