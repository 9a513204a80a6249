"""Learns by their URLs which pages need rendering, and looks again now and then: plain functions, bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum

from ..policy.traps import Shapes

MOST = 4096
"""Patterns that are kept. The one that was met longest ago is forgotten first."""
SURE_AFTER = 4
"""Pages of one pattern that all needed rendering, or all did not gain by it, until that is believed of the others."""
AGAIN_EVERY = 16
"""One page in so many is judged by itself although its pattern is known."""


class Expectation(Enum):
    """The expectation of a page before it is read."""

    LOOK = "look"
    """Nothing: the page itself says whether it needs rendering."""
    RENDER = "render"
    """It needs rendering, as all pages like it did."""
    PLAIN = "plain"
    """It does not gain by rendering, as no page like it did."""


@dataclass(slots=True)
class _Learnt:
    score: int = 0
    """Pages in a row that needed rendering and gained by it; below 0, those that gained nothing."""
    met: int = 0


class Patterns:
    """Keeps facts that were learnt of the pages of one crawl."""

    def __init__(self) -> None:
        self._shapes = Shapes()
        self._known: OrderedDict[str, _Learnt] = OrderedDict()

    def expect(self, url: str) -> Expectation:
        """Returns what is expected of the page at a URL."""
        learnt = self._known.get(self._shapes.pattern(url))
        if learnt is None or abs(learnt.score) < SURE_AFTER:
            return Expectation.LOOK
        if learnt.met % AGAIN_EVERY == AGAIN_EVERY - 1:
            return Expectation.LOOK
        return Expectation.RENDER if learnt.score > 0 else Expectation.PLAIN

    def meet(self, url: str) -> None:
        """Counts a page at a URL, so that one in some is judged by itself."""
        learnt = self._known.get(self._shapes.pattern(url))
        if learnt is not None:
            learnt.met += 1

    def note(self, url: str, *, gained: bool) -> None:
        """Notes that a page was rendered because of what it looked like, and whether it had more to say then."""
        self._count(url, 1 if gained else -1)

    def note_plain(self, url: str) -> None:
        """Notes that a page was read as it came and needed no rendering."""
        pattern = self._shapes.pattern(url)
        learnt = self._known.get(pattern)
        if learnt is not None and learnt.score > 0:
            learnt.score = 0

    def _count(self, url: str, step: int) -> None:
        pattern = self._shapes.pattern(url)
        learnt = self._known.setdefault(pattern, _Learnt())
        self._known.move_to_end(pattern)
        learnt.score = step if learnt.score * step < 0 else max(-SURE_AFTER, min(SURE_AFTER, learnt.score + step))
        if len(self._known) > MOST:
            self._known.popitem(last=False)
