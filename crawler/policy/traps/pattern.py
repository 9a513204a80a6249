"""Keeps the record of one URL pattern: its latest pages, and its standing by these."""

from __future__ import annotations

from array import array
from enum import IntEnum

from ...model import Page
from ...standing import Trap
from .recent import Ring, Sieve
from .series import Series

SHORT, LONG = 32, 128
"""Pages that a suspicion rests on, and pages that a verdict rests on."""
SHORT_NEWS, LONG_NEWS = 1, 1
"""Most pages among these that may have been news all the same."""
RECOVERED = 4
"""Pages of news among the latest SHORT pages that clear a suspect."""
MANY = 128
"""Pages of a pattern that are compared before others may be brief."""
REMEMBERED = 512
"""Pages whose letters are remembered: a calendar of days has some hundred different texts."""
FEW = 2
"""Most buckets of `Page.numbers` in which two pages differ that differ in one figure, as a count of visitors."""
AHEAD = 8
"""Pages with a date more than a year ahead after which a pattern is taken for a calendar."""
_32 = 0xFFFFFFFF
_NIBBLES = 0x1111111111111111
_ALL = (1 << LONG) - 1
_LATEST = (1 << SHORT) - 1
_TRIAL = _LATEST << (LONG - SHORT)
"""A window that needs SHORT pages to turn against its pattern."""


class Standing(IntEnum):
    """The standing of a pattern; stored by number."""

    GOOD = 0
    SUSPECT = 1
    PARKED = 2
    """Its URLs are parked."""
    TRUSTED = 3
    """A person said that it is no trap."""


GOOD = (Standing.GOOD, Standing.TRUSTED)
"""The standings of patterns whose URLs go on."""


class Pattern:
    """Counts the pages of a pattern since the crawl began.

    The two windows hold one bit a page, the latest in the lowest.
    """

    __slots__ = (
        "_memory", "_sources", "asked", "compared", "earlier_news", "examples", "fetched", "is_invited", "name", "news",
        "news_window", "parked", "series", "site", "sound_window", "standing",
    )  # fmt: skip

    def __init__(self, name: str, site: str, *, is_instance: bool = False) -> None:
        """An instance is one of many narrow patterns inside a wider one, as one book of a library."""
        self.name: str = name
        self.site: str = site
        self.standing: Standing = Standing.GOOD
        self.fetched: int = 0
        self.compared: int = 0
        """Pages that were compared with earlier ones in this run; the others were brief."""
        self.news: int = 0
        self.earlier_news: int = 0
        """Pages of news in earlier runs."""
        self.parked: int = 0
        """URLs that wait under it."""
        self.examples: tuple[str, ...] = ()
        """Two of the URLs that wait."""
        self.asked: int = 0
        """URLs that were refused or probed since it was parked."""
        self.news_window: int = _ALL
        """One bit a page: it was news."""
        self.sound_window: int = _ALL
        """One bit a page: it was news, or something vouched for it."""
        self.is_invited: bool = False
        """Whether a page of another pattern named one of its pages."""
        self.series: Series = Series(1) if is_instance else Series()
        self._sources: Ring | None = None
        """For the pattern of all odd URLs of a site: the pages that were news, by hashes of their URLs."""
        self._memory: Memory | None = None

    @property
    def trap(self) -> Trap:
        return Trap(self.name, self.fetched, self.news, self.parked, self.examples)

    @property
    def is_good(self) -> bool:
        return self.standing in GOOD

    @property
    def is_spotless(self) -> bool:
        """Whether all the latest pages were news, and sound."""
        return self.news_window == _ALL == self.sound_window

    @property
    def is_well_known(self) -> bool:
        """Whether so many of its pages were compared, the latest of them all news, that some speak for the rest."""
        return self.compared >= MANY and self.is_good and self.news_window & _LATEST == _LATEST

    def is_news(self, page: Page) -> bool:
        """Returns whether a page is like none of the earlier ones, and remembers it. A brief page is taken for news."""
        if page.is_brief:
            return True
        if self._memory is None:
            self._memory = Memory()
        self.compared += 1
        return self._memory.is_news(page)

    def note_source(self, text: str) -> None:
        """Notes a page that was news: where all is judged together, it vouches for its links."""
        if self._sources is None:
            self._sources = Ring(REMEMBERED)
        self._sources.add(hash(text) & _32)

    def has_source(self, text: str) -> bool:
        """Returns whether `note_source` was given this URL lately."""
        return self._sources is not None and self._sources.find(hash(text) & _32) >= 0

    def count(self, is_news: bool, is_sound: bool, *, is_finite: bool = False) -> bool:
        """Counts one page; returns whether the standing changed.

        For a parked pattern `is_finite` counts as much as news.
        """
        self.fetched += 1
        self.news += is_news
        if is_news and is_sound and self.is_spotless and self.standing is Standing.GOOD:
            return False
        self.news_window = (self.news_window << 1 | is_news) & _ALL
        self.sound_window = (self.sound_window << 1 | is_sound) & _ALL
        before = self.standing
        self.standing = self._judged(is_news or is_finite)
        if (
            self.standing is not Standing.PARKED and before is Standing.PARKED
        ):  # a probe found something, so it gets a new trial
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
    """Remembers the pages of a pattern, in 12 kB at most."""

    __slots__ = ("_ahead", "_figures", "_gists", "_media", "_numbers")

    def __init__(self) -> None:
        self._ahead = 0
        self._gists = Ring(REMEMBERED)
        self._numbers = array("Q")
        """The figures of the latest page of each gist, by the gist's place in the ring."""
        self._figures = Sieve()
        self._media = Sieve()

    def is_news(self, page: Page) -> bool:
        """Returns whether a page has other letters than the earlier ones, or two other figures, or other pictures.

        A file that is not read for text, and is no copy, is news: it leads nowhere.
        """
        shows_news = self._has_new_media(page)
        return self._has_new_text(page) or shows_news or page.kind == "other"

    def _has_new_text(self, page: Page) -> bool:
        gist = page.gist & _32
        place = self._gists.find(gist)
        is_fresh = self._figures.add(hash((gist, page.numbers))) if page.numbers else False
        if place < 0:
            place = self._gists.add(gist)
            self._numbers[place : place + 1] = array("Q", (page.numbers,))
            return True
        apart = _count_differences(self._numbers[place], page.numbers)
        self._numbers[place] = page.numbers
        return is_fresh and apart > FEW

    def _has_new_media(self, page: Page) -> bool:
        """Returns whether a page has pictures or documents that no earlier one had.

        A calendar's pictures of days do not count.
        """
        self._ahead += page.is_ahead
        if not page.media:
            return False
        fresh = [one for one in memoryview(page.media).cast("I") if self._media.add(one // 2)]
        return any(not one & 1 for one in fresh) if self._ahead >= AHEAD else bool(fresh)


def _count_differences(one: int, other: int) -> int:
    """Returns how many groups of four bits differ."""
    bits = one ^ other
    bits |= bits >> 2
    return ((bits | bits >> 1) & _NIBBLES).bit_count()
