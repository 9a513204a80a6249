"""Links become canonical URLs, and of those only the news travels: in scope, and not reported lately (DESIGN 6.14).

What is returned as news must reach the frontier, for it is not reported again. So it is marked last, when nothing can
fail any more; and what was not returned is never marked, for another root or another depth may let it in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .. import urls
from ..canonical import Policy
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


class Memory:
    """What one worker remembers of one run: how hrefs resolve, and which URLs it reported."""

    def __init__(self, size_bytes: int = MAX_REMEMBERED) -> None:
        self._size = self._room = size_bytes
        self._shelves: dict[str, dict[str, str]] = {}
        """By what the answers depend on, nothing, an origin or a folder: href as written -> canonical, or ""."""
        self._reported: set[str] = set()

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

    def news(self, found: list[str], document: Document, depth: int, job: Job) -> list[str]:
        """Those of `found` that belong to the crawl, `depth` hops out, and were not reported lately."""
        if job.max_depth is not None and depth > job.max_depth:
            return []
        reported, own = self._reported, document.url.text
        fresh = [text for text in found if text not in reported and text != own]
        if not fresh:
            return fresh
        verdict = job.bounds.judge(document.anchor or document.url, depth)
        return [text for text in fresh if verdict(text) is None]

    def mark(self, news: list[str]) -> None:
        """Remember as reported."""
        self._reported.update(news)
        self._room -= sum(map(len, news)) + _ENTRY * len(news)

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
