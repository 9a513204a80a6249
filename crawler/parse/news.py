"""Resolves links to canonical URLs, and picks the news: those in scope that were not reported lately (DESIGN 6.14).

News must reach the frontier, because a link is reported again only when it is found nearer to a seed. So links are
marked as reported last, when nothing can fail any more. Links that are not returned are never marked, because another
root or another depth may let them in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from .. import urls
from ..model import LeftOut
from ..protocols import Bounds
from ..urls.canonical import Policy
from .job import Document, ParseJob

MAX_REMEMBERED = 16 << 20
"""Approximate bytes that one run may keep in one worker. When they are used up, it forgets everything."""
MAX_RUNS = 4
"""Runs that a worker remembers at a time. The oldest is forgotten."""
_ENTRY = 200
"""Bytes that a short string takes in a dictionary, in addition to its characters."""
_JOINER = 2000
"""Bytes that a joiner of one folder takes, with the parsed URL that it began with."""
_LONG = 500
"""Characters. Longer hrefs are not remembered, because pages hardly repeat them."""
_LOCAL = frozenset({"", "?", "#", *map(chr, range(0x21))})
"""First characters of hrefs that depend on more than the base's folder, or may do so once they are stripped."""
_ABSOLUTE = ("http://", "https://")


class ResolvedLinks(NamedTuple):
    """The URLs that the hrefs of a page lead to."""

    texts: list[str]
    """Distinct canonical URLs, in order of first appearance."""
    too_long: int
    """Number of hrefs that were left out because their URLs are too long."""


class News(NamedTuple):
    """The links of a page that are reported."""

    texts: list[str]
    """URLs in scope that were not reported before, or only at a greater depth."""
    left_out: int = 0
    """Bits of LeftOut for the rules that kept links out."""
    outside: dict[str, list[str]] = {}  # noqa: RUF012 - nobody changes it
    """Places out of reach, each with its links that were not reported before, or only at a greater depth."""
    beyond: list[str] = []  # noqa: RUF012
    """URLs out of reach that are followed as extra hops, likewise."""
    requisites: list[str] = []  # noqa: RUF012
    """URLs that the document needs to be shown, likewise."""


NO_NEWS = News([])
_REACH, _DEPTH, _BEYOND = int(LeftOut.REACH), int(LeftOut.DEPTH), int(LeftOut.BEYOND)
_OUTSIDE = 1 << 20
"""Links out of reach count as deeper than any page in reach."""
_REQUISITES = 1 << 21
_NEVER = 1 << 22


class _Shelves(NamedTuple):
    """The URLs of hrefs that were resolved before, as far as they hold for one page."""

    absolute: dict[str, str]
    rooted: dict[str, str]
    relative: dict[str, str]
    once: dict[str, str]
    """Those that only this page needs."""
    join: Callable[[str], str]
    """Resolves hrefs of plain characters (`urls.make_joiner`), which are not worth a place on a shelf."""


class Memory:
    """The memory of one worker for one run: resolved hrefs, and the URLs that it reported."""

    def __init__(self, size_bytes: int = MAX_REMEMBERED) -> None:
        self._size = self._room = size_bytes
        self._shelves: dict[str, dict[str, str]] = {}
        """Canonical URLs by href as written ("" if it leads nowhere): a shelf for each origin, each folder, and one for
        absolute hrefs."""
        self._joiners: dict[str, Callable[[str], str]] = {}
        """For each folder, the function that joins plain hrefs to it."""
        self._reported: dict[str, int] = {}
        """URLs in scope, with the least depth at which each was reported."""
        self._outside: dict[str, int] = {}
        """URLs out of reach, with the least depth at which each was reported."""
        self._bounds: Bounds | None = None
        self._failed: set[str] = set()
        """Names of parse functions that failed on a page."""

    def resolve(self, hrefs: Iterable[str], base: str, policy: Policy | None = None) -> ResolvedLinks:
        """Returns the URLs that `hrefs` lead to. The policy must be the same for a whole run."""
        self._make_room()
        texts = self._resolve_each(hrefs, base, policy)
        found = dict.fromkeys(texts.values())
        if "" not in found:
            return ResolvedLinks(list(found), 0)
        del found[""]
        nowhere = {_without_fragment(href) for href, text in texts.items() if not text}
        return ResolvedLinks(list(found), sum(urls.is_too_long(href, base, policy) for href in nowhere))

    def targets(self, hrefs: list[str], base: str, policy: Policy | None = None) -> list[str]:
        """Returns the URL of each href, in their order; empty: it leads nowhere. The policy is as for `resolve`."""
        texts = self._resolve_each(hrefs, base, policy) if hrefs else {}
        return [texts[href] for href in hrefs]

    def _resolve_each(self, hrefs: Iterable[str], base: str, policy: Policy | None) -> dict[str, str]:
        """Returns the URL of each distinct href; empty: it leads nowhere. It runs for each link, so it calls little."""
        absolute, rooted, relative, once, join = self._shelves_of(base, policy)
        resolve: Callable[[str], str] | None = None
        texts = dict.fromkeys(hrefs, "")
        for href in texts:
            bare = _without_fragment(href) if "#" in href else href
            first = bare[:1]
            if first == "/":
                shelf = rooted
            elif first == "h" and bare.startswith(_ABSOLUTE):
                shelf = absolute
            elif first in _LOCAL:
                shelf = once
            elif joined := join(bare):
                texts[href] = joined
                continue
            else:
                shelf = relative
            text = shelf.get(bare)
            if text is None:
                resolve = resolve or urls.make_resolver(base, policy)
                text = (shelf is not absolute and join(bare)) or resolve(bare)
                self._keep(shelf, bare, text)
            texts[href] = text
        return texts

    def news(self, found: list[str], document: Document, depth: int, job: ParseJob) -> News:
        """Returns the news among `found` at `depth` hops, and the rules that kept the others out of the crawl."""
        own = document.url.text
        if document.extra_hop or document.requisite:
            return self._news_beyond(found, document, job)
        if job.max_depth is not None and depth > job.max_depth and not job.extra_hops:
            return News([], _DEPTH) if any(text != own for text in found) else NO_NEWS
        bounds, reported, known_outside = self._bounds_of(job), self._reported, self._outside
        sieve = bounds.sieve(document.anchor or document.url, depth, document.url)
        beyond = depth + 1
        fresh: list[str] = []
        outside: dict[str, list[str]] = {}
        left_out = 0
        leaving: list[str] = []
        for text in [text for text in found if reported.get(text, beyond) > depth and text != own]:
            bit = sieve(text)
            if not bit:
                fresh.append(text)
                continue
            left_out |= bit
            leaving.append(text)
            if bit == _REACH and known_outside.get(text, beyond) > depth and (place := bounds.place(text)):
                outside.setdefault(place, []).append(text)
        if not job.extra_hops or not left_out & (_REACH | _DEPTH):
            return News(fresh, left_out, outside)
        return self._step_out(News(fresh, left_out, outside), leaving, document, job)

    def _step_out(self, news: News, leaving: list[str], document: Document, job: ParseJob) -> News:
        """Returns the news with those links out of reach that are followed as extra hops."""
        bounds = self._bounds_of(job)
        reaches = bounds.reaches(document.anchor or document.url)
        found = self._news_beyond([text for text in leaving if not reaches(text)], document, job)
        left_out = news.left_out & ~_REACH if job.extra_hops else news.left_out
        return news._replace(left_out=left_out | found.left_out, beyond=found.beyond)

    def _news_beyond(self, found: list[str], document: Document, job: ParseJob) -> News:
        """Returns the news among the links out of reach of a document that may be out of reach itself."""
        if document.requisite or not found:
            return NO_NEWS
        bounds, hop, own = self._bounds_of(job), document.extra_hop + 1, document.url.text
        if document.extra_hop:
            reaches = bounds.reaches(document.anchor or document.url)
            found = [text for text in found if text != own and not reaches(text)]
        if hop > job.extra_hops:
            return News([], _REACH) if found else NO_NEWS
        sieve, far = bounds.sieve_beyond(document.url), _OUTSIDE + hop
        bits = [(text, sieve(text)) for text in found]
        fresh = [text for text, bit in bits if not bit and self._reported.get(text, _NEVER) > far]
        left_out = _BEYOND if any(not bit for _, bit in bits) else 0
        for _, bit in bits:
            left_out |= bit
        return News([], left_out, beyond=fresh)

    def requisites(self, found: list[str], document: Document, job: ParseJob) -> tuple[list[str], int]:
        """Returns the news among what a document needs to be shown, and bits of LeftOut for what is kept out."""
        sieve, own = self._bounds_of(job).sieve_beyond(document.url), document.url.text
        far = _REQUISITES + document.requisite + 1
        bits = {text: sieve(text) for text in found if text != own}
        left_out = 0
        for bit in bits.values():
            left_out |= bit
        return [text for text, bit in bits.items() if not bit and self._reported.get(text, _NEVER) > far], left_out

    def mark(self, news: News, depth: int, document: Document | None = None) -> None:
        """Remembers these links as reported: those in reach at this depth."""
        outside = ((links, self._outside, depth) for links in news.outside.values())
        hop, step = (document.extra_hop, document.requisite) if document else (0, 0)
        beyond = news.beyond, self._reported, _OUTSIDE + hop + 1
        needed = news.requisites, self._reported, _REQUISITES + step + 1
        for texts, known, far in ((news.texts, self._reported, depth), *outside, beyond, needed):
            known.update(dict.fromkeys(texts, far))
            self._room -= sum(map(len, texts)) + _ENTRY * len(texts)

    def has_reported(self, text: str, depth: int) -> bool:
        """Whether the URL was reported at this depth or at a lesser one."""
        return self._reported.get(text, depth + 1) <= depth

    def is_first_error(self, parser: str) -> bool:
        """Whether the parse function of that name did not fail here before. Notes that it has now."""
        is_first = parser not in self._failed
        self._failed.add(parser)
        return is_first

    def _bounds_of(self, job: ParseJob) -> Bounds:
        """Returns the bounds that came with the run's first document, because these cache their answers."""
        if self._bounds is None or self._bounds != job.bounds:
            self._bounds = job.bounds
        return self._bounds

    def _keep(self, shelf: dict[str, str], href: str, text: str) -> None:
        if len(href) <= _LONG:
            shelf[href] = text
            self._room -= len(href) + len(text) + _ENTRY

    def _shelves_of(self, base: str, policy: Policy | None) -> _Shelves:
        absolute, once = self._shelf(""), dict[str, str]()
        if not base.startswith(_ABSOLUTE):
            return _Shelves(absolute, once, once, once, _join_nothing)
        origin = base[: base.index("/", 8)]
        folder = base.partition("?")[0].partition("#")[0].rpartition("/")[0] + "/"
        join = self._joiners.get(folder)
        if join is None:
            join = self._joiners[folder] = urls.make_joiner(urls.make_resolver(base, policy))
            self._room -= _JOINER
        return _Shelves(absolute, self._shelf(origin), self._shelf(folder), once, join)

    def _shelf(self, place: str) -> dict[str, str]:
        shelf = self._shelves.get(place)
        if shelf is None:
            shelf = self._shelves[place] = {}
            self._room -= len(place) + _ENTRY
        return shelf

    def _make_room(self) -> None:
        if self._room < 0:
            self._shelves.clear()
            self._joiners.clear()
            self._reported.clear()
            self._outside.clear()
            self._room = self._size


def _join_nothing(href: str) -> str:
    return ""


def _without_fragment(href: str) -> str:
    """Returns the href without its fragment. White space before the fragment would be stripped, so such hrefs stay."""
    head = href.partition("#")[0]
    return href if head and head[-1] <= " " else head


def memory_of(run: bytes) -> Memory:
    """Returns this process's memory of a run."""
    memory = _memories.get(run)
    if memory is None:
        for oldest in list(_memories)[: 1 - MAX_RUNS]:
            _memories.pop(oldest, None)
        memory = _memories.setdefault(run, Memory())
    return memory


# This is the only mutable state in a module of ours: nothing in a worker process could own it, and it outlives every
# call. Runs do not share entries. Losing it costs only time, because the frontier's exact set decides what is new.
_memories: dict[bytes, Memory] = {}
