"""One URL pattern's record: what its latest pages were like, and how it stands by that."""

from __future__ import annotations

from array import array
from enum import IntEnum

from ..model import Page, Trap

SHORT, LONG = 32, 128
"""Pages that a suspicion rests on, and those that a verdict rests on."""
SHORT_NEWS, LONG_NEWS = 1, 1
"""Pages among them that may have been news all the same."""
RECOVERED = 4
"""Pieces of news among the latest SHORT pages that clear a suspect."""
REMEMBERED = 512
"""Pages whose letters are remembered: a calendar of days has some hundred wordings."""
FEW = 10
"""Bits of `Page.numbers` in which pages differ that hold five other numbers: a date, and those beside it."""
EXAMPLES = 2
_GIST = 4
"""Bytes kept of a gist."""
_ALL = (1 << LONG) - 1
_LATEST = (1 << SHORT) - 1
_TRIAL = _LATEST << (LONG - SHORT)
"""A window that takes SHORT pages to turn against its pattern."""


class Standing(IntEnum):
    """Stored by number."""

    GOOD = 0
    SUSPECT = 1
    CUT = 2
    """Its URLs are parked."""
    TRUSTED = 3
    """Somebody said that it is no trap."""


class Pattern:
    """Counts since the crawl began; the two windows hold one bit a page, the latest in the lowest."""

    __slots__ = (
        "_gists", "_numbers", "_turn", "asked", "examples", "fetched", "name", "news", "news_window", "parked", "site",
        "sound_window", "standing",
    )  # fmt: skip

    def __init__(self, name: str, site: str) -> None:
        self.name = name
        self.site = site
        self.standing = Standing.GOOD
        self.fetched = 0
        self.news = 0
        self.parked = 0
        """URLs that wait."""
        self.examples: tuple[str, ...] = ()
        """Two of these."""
        self.asked = 0
        """URLs that were to be visited since it was cut."""
        self.news_window = _ALL
        """Which pages were news."""
        self.sound_window = _ALL
        """Which were news, or had something to vouch for them."""
        self._gists = bytearray()
        self._numbers = array("Q")
        self._turn = 0

    @property
    def trap(self) -> Trap:
        return Trap(self.name, self.fetched, self.news, self.parked, self.examples)

    @property
    def is_good(self) -> bool:
        return self.standing in (Standing.GOOD, Standing.TRUSTED)

    def is_news(self, page: Page) -> bool:
        """Whether a page differs from the earlier ones in more than a few numbers; it is remembered."""
        gist = (page.gist & 0xFFFFFFFF).to_bytes(_GIST, "little")
        place = self._find(gist)
        if place < 0:
            self._remember(gist, page.numbers)
            return True
        apart = (self._numbers[place] ^ page.numbers).bit_count()
        self._numbers[place] = page.numbers
        return apart > FEW

    def park(self, text: str) -> None:
        """One URL more that waits."""
        self.parked += 1
        if len(self.examples) < EXAMPLES:
            self.examples += (text,)

    def count(self, is_news: bool, is_sound: bool) -> bool:
        """One page more; whether its standing is another now."""
        self.fetched += 1
        self.news += is_news
        self.news_window = (self.news_window << 1 | is_news) & _ALL
        self.sound_window = (self.sound_window << 1 | is_sound) & _ALL
        before = self.standing
        self.standing = self._judged(is_news)
        if self.standing is not Standing.CUT and before is Standing.CUT:  # a probe found something: it is tried anew
            self.sound_window = _TRIAL
        return self.standing is not before

    def _judged(self, is_news: bool) -> Standing:
        if self.standing is Standing.TRUSTED:
            return Standing.TRUSTED
        if self.standing is Standing.CUT:
            return Standing.SUSPECT if is_news else Standing.CUT
        if self.sound_window.bit_count() <= LONG_NEWS:
            return Standing.CUT
        lately = (self.news_window & _LATEST).bit_count()
        if lately <= SHORT_NEWS:
            return Standing.SUSPECT
        return Standing.GOOD if lately >= RECOVERED else self.standing

    def _find(self, gist: bytes) -> int:
        at = self._gists.find(gist)
        while at >= 0 and at % _GIST:  # it straddles two others
            at = self._gists.find(gist, at + 1)
        return at // _GIST if at >= 0 else -1

    def _remember(self, gist: bytes, numbers: int) -> None:
        """In the place of the oldest, once there is no room."""
        if len(self._numbers) < REMEMBERED:
            self._gists += gist
            self._numbers.append(numbers)
            return
        self._gists[_GIST * self._turn : _GIST * (self._turn + 1)] = gist
        self._numbers[self._turn] = numbers
        self._turn = (self._turn + 1) % REMEMBERED
