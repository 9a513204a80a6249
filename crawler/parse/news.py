"""Links become canonical URLs, and of those only the news travels: in scope, and not reported lately (DESIGN 6.14).

What is returned as news must reach the frontier, for it is reported again only when it is found nearer to a seed. So it
is marked last, when nothing can fail any more; and what was not returned is never marked, for another root or another
depth may let it in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .. import urls
from ..model import LeftOut
from ..protocols import Bounds
from ..urls.canonical import Policy
from .job import Document, Job

MAX_REMEMBERED = 16 << 20
"""Bytes, roughly, that one run may keep in one worker. When they are used up it forgets all and starts over."""
MAX_RUNS = 4
"""Runs that a worker remembers at a time; the oldest is forgotten."""
_ENTRY = 200
"""Bytes that a short string costs in a dictionary, beside its characters."""
_LONG = 500
"""Characters; longer hrefs are not worth remembering: hardly anyone repeats them."""
_LOCAL = frozenset({"", "?", "#", *map(chr, range(0x21))})
"""How hrefs begin that depend on more of the base than its folder, or may do so once they are stripped."""
_ABSOLUTE = ("http://", "https://")


class Found(NamedTuple):
    """What the hrefs of a page lead to."""

    texts: list[str]
    """Distinct canonical URLs, in order of first appearance."""
    too_long: int
    """Hrefs that were left out because their URLs would be too long."""


class News(NamedTuple):
    """What of a page's links is worth telling."""

    texts: list[str]
    """In scope, and not reported before, or only at a greater depth."""
    left_out: int = 0
    """Bits of LeftOut: the rules that kept links out."""
    outside: dict[str, list[str]] = {}  # noqa: RUF012 - nobody changes it
    """Places out of reach, with the links to each that were not reported before, or only at a greater depth."""


NO_NEWS = News([])
_REACH = int(LeftOut.REACH)


class Memory:
    """What one worker remembers of one run: how hrefs resolve, and which URLs it reported."""

    def __init__(self, size_bytes: int = MAX_REMEMBERED) -> None:
        self._size = self._room = size_bytes
        self._shelves: dict[str, dict[str, str]] = {}
        """By what the answers depend on, nothing, an origin or a folder: href as written -> canonical, or ""."""
        self._reported: dict[str, int] = {}
        """URLs in scope, and the least depth that each was reported at."""
        self._outside: dict[str, int] = {}
        """URLs out of reach, likewise."""
        self._bounds: Bounds | None = None

    def resolve(self, hrefs: Iterable[str], base: str, policy: Policy | None = None) -> Found:
        """What `hrefs` lead to. One policy a run."""
        self._make_room()
        absolute, rooted, relative, once = self._shelves_of(base)
        resolve = urls.resolver(base, policy)
        found: dict[str, None] = {}
        nowhere: list[str] = []
        for href in hrefs:
            if "#" in href:
                href = _without_fragment(href)  # noqa: PLW2901 - many hrefs of a page differ in nothing else
            first = href[:1]
            if first == "/":
                shelf = rooted
            elif first == "h" and href.startswith(_ABSOLUTE):
                shelf = absolute
            else:
                shelf = once if first in _LOCAL else relative
            text = shelf.get(href)
            if text is None:
                text = resolve(href)
                if len(href) <= _LONG:
                    shelf[href] = text
                    self._room -= len(href) + len(text) + _ENTRY
            if text:
                found[text] = None
            else:
                nowhere.append(href)
        return Found(list(found), sum(urls.is_too_long(href, base, policy) for href in dict.fromkeys(nowhere)))

    def news(self, found: list[str], document: Document, depth: int, job: Job) -> News:
        """What of `found` is news `depth` hops out, and what kept the rest out of the crawl."""
        own = document.url.text
        if job.max_depth is not None and depth > job.max_depth:
            return News([], int(LeftOut.DEPTH)) if any(text != own for text in found) else NO_NEWS
        bounds, reported, known_outside = self._bounds_of(job), self._reported, self._outside
        sieve = bounds.sieve(document.anchor or document.url, depth, document.url)
        beyond = depth + 1
        fresh: list[str] = []
        outside: dict[str, list[str]] = {}
        left_out = 0
        for text in [text for text in found if reported.get(text, beyond) > depth and text != own]:
            bit = sieve(text)
            if not bit:
                fresh.append(text)
                continue
            left_out |= bit
            if bit == _REACH and known_outside.get(text, beyond) > depth and (place := bounds.place(text)):
                outside.setdefault(place, []).append(text)
        return News(fresh, left_out, outside)

    def mark(self, news: News, depth: int) -> None:
        """Remember as reported at that depth."""
        outside = ((links, self._outside) for links in news.outside.values())
        for texts, known in ((news.texts, self._reported), *outside):
            known.update(dict.fromkeys(texts, depth))
            self._room -= sum(map(len, texts)) + _ENTRY * len(texts)

    def _bounds_of(self, job: Job) -> Bounds:
        """Those of the run, which remember what they were asked; as they came with its first document."""
        if self._bounds is None or self._bounds != job.bounds:
            self._bounds = job.bounds
        return self._bounds

    def _shelves_of(self, base: str) -> tuple[dict[str, str], dict[str, str], dict[str, str], dict[str, str]]:
        """What answers absolute, rooted and relative hrefs, and those that are not worth keeping beyond this page."""
        absolute, once = self._shelf(""), dict[str, str]()
        if not base.startswith(_ABSOLUTE):
            return absolute, once, once, once
        origin = base[: base.index("/", 8)]
        folder = base.partition("?")[0].partition("#")[0].rpartition("/")[0] + "/"
        return absolute, self._shelf(origin), self._shelf(folder), once

    def _shelf(self, place: str) -> dict[str, str]:
        shelf = self._shelves.get(place)
        if shelf is None:
            shelf = self._shelves[place] = {}
            self._room -= len(place) + _ENTRY
        return shelf

    def _make_room(self) -> None:
        if self._room < 0:
            self._shelves.clear()
            self._reported.clear()
            self._outside.clear()
            self._room = self._size


def _without_fragment(href: str) -> str:
    """What leads to the same place. White space before the fragment would be stripped once it stood at the end."""
    head = href[: href.index("#")]
    return href if head and head[-1] <= " " else head


def memory_of(run: bytes) -> Memory:
    """What this process remembers of that run."""
    memory = _memories.get(run)
    if memory is None:
        for oldest in list(_memories)[: 1 - MAX_RUNS]:
            _memories.pop(oldest, None)
        memory = _memories.setdefault(run, Memory())
    return memory


# The one mutable state that a module of ours keeps: a worker process has no owner to hold it, and outlives every call.
# Runs never meet in it, and losing it costs time alone: the frontier's exact set decides what is new.
_memories: dict[bytes, Memory] = {}
