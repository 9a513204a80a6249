"""Finds which links and requests are new, turns them into rows, and finds shorter ways to known URLs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import methodcaller
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import urls
from ..model import Links, Outcome, Request, Url
from .change import Change, Name, RequestGroup, ShorterWay
from .depths import Depths
from .extras import bare, extra_of, has_extra
from .fingerprints import U64, Fingerprints
from .order import Entry, key, rank_of

SAME_DEPTH = "sitemap"
"""The kind of page whose links are no further from the seed than the page itself."""
MOST_NAMES = 10_000
"""Most references to never queued URLs that are remembered; a forgotten one is stored again."""


Leads: TypeAlias = Literal["in", "beyond", "requisites"]


class FoundLinks(NamedTuple):
    """Links that a visit found, to be queued or to be parked under one pattern."""

    outcome: Outcome
    parent: Entry
    links: Links
    pattern: str = ""
    leads: Leads = "in"
    """Where they lead: to pages in reach, one hop further beyond it, or to what the page needs to be shown."""


class Discovery:
    """The exact set of all URLs ever queued, which gives new ones their rows."""

    def __init__(
        self,
        key: bytes,
        in_depth_order: bool,
        seen: Fingerprints,
        names: int = 0,
        depths: Depths | None = None,
        base: int = 0,
    ) -> None:
        """With `depths`, `seen` must carry rows. Rows count from `base` on."""
        self.key = key
        self._base = base
        self.depths = depths
        self._in_depth_order = in_depth_order
        self._seen = seen
        self._names: dict[Url, int] = {}
        self._last_name = -base - names

    def __len__(self) -> int:
        return len(self._seen)

    def __contains__(self, url: Url) -> bool:
        return urls.fingerprint(url.text, self.key) in self._seen

    def fingerprints(self, requests: Sequence[Request]) -> U64:
        return np.array([urls.fingerprint(request.identity, self.key) for request in requests], np.uint64)

    def follow(
        self, harvests: Sequence[FoundLinks], visits: Sequence[tuple[Outcome, Entry]], change: Change
    ) -> list[ShorterWay]:
        """Adds the links of the visits' pages, then the other URLs that they found. Returns the shorter ways."""
        paged = [harvest for harvest in harvests if harvest.links.fingerprints]
        nearer = self._follow_links(paged, change) if paged else []
        for outcome, parent in visits:
            if outcome.found:
                nearer += self.add(outcome.found, change, parent).nearer
        return nearer

    def add(self, requests: Sequence[Request], change: Change, parent: Entry | None = None) -> Added:
        """Adds the requests that were never seen; returns their number, the known ones and the shorter ways."""
        fingerprints = self.fingerprints(requests)
        is_fresh = self._see(fingerprints)
        groups: dict[tuple[object, ...], list[int]] = {}
        for i in np.flatnonzero(is_fresh).tolist():
            groups.setdefault(_family_key(requests[i]), []).append(i)
        number, start = int(is_fresh.sum()), len(change.families)
        first = self._base + len(self._seen) - number + 1
        for group in groups.values():
            alike = [requests[i] for i in group]
            change.families.append(family := self._family(first, alike, change, parent))
            if family.have_extras:
                change.extras += [extra_of(one, row) for row, one in enumerate(alike, first) if has_extra(one)]
            first += len(group)
        packed = _pack_fingerprints(fingerprints, groups.values())
        change.fingerprints += packed
        self._learn(change.families[start:], packed)
        known = np.flatnonzero(~is_fresh)
        return Added(number, fingerprints[known], self._nearer_requests(requests, fingerprints, known, parent, change))

    def _see(self, fingerprints: U64) -> NDArray[np.bool_]:
        """Adds to the set and returns which were new. Their rows are set later, for they are given by groups."""
        return self._seen.add_many(fingerprints, np.zeros(len(fingerprints), np.uint64) if self.depths else None)

    def _learn(self, families: Sequence[RequestGroup], fingerprints: bytes) -> None:
        """Stores the rows of new URLs in the set, and how far away they are."""
        depths = self.depths
        if depths is None or not families:
            return
        prints = np.frombuffer(fingerprints, "<u8")
        first = families[0].first
        self._seen.set_values(prints, np.arange(first, first + len(prints), dtype=np.uint64))
        for family in families:
            depths.learn(family.first, len(family), depths.distance_of(family.like))

    def _follow_links(self, harvests: Sequence[FoundLinks], change: Change) -> list[ShorterWay]:
        """Looks into the set once for all pages. Python handles only the pages with news, and of these the news."""
        fingerprints = np.frombuffer(b"".join(harvest.links.fingerprints for harvest in harvests), "<u8")
        is_fresh = self._see(fingerprints)
        fresh = np.flatnonzero(is_fresh)
        row = self._base + len(self._seen) - len(fresh) + 1
        ends = np.cumsum([len(harvest.links) for harvest in harvests])
        parts = np.searchsorted(fresh, ends).tolist()
        begun = start = 0
        old, packed = len(change.families), []
        for harvest, end, done in zip(harvests, ends.tolist(), parts, strict=True):
            if done > begun:
                found = fresh[begun:done]
                chosen = (found - start).tolist()
                links = harvest.links
                texts, said = _choose(links.split(), chosen), memoryview(links.priorities).cast("b")
                groups = _group_by_priority(texts, [said[i] for i in chosen]) if said else _group_by_site(texts)
                for (site, priority), places in groups:
                    family = self._page_family(row, site, priority, harvest)
                    family.texts = texts if places is None else [texts[i] for i in places]
                    change.families.append(family)
                    packed.append(fingerprints[found if places is None else found[places]].tobytes())
                    row += len(family)
            begun, start = done, end
        change.fingerprints += b"".join(packed)
        self._learn(change.families[old:], b"".join(packed))
        return self._nearer_links(harvests, fingerprints, np.flatnonzero(~is_fresh), ends)

    # -- shorter ways ------------------------------------------------------------------------------------------------

    def _nearer_links(
        self, harvests: Sequence[FoundLinks], fingerprints: U64, known: NDArray[np.intp], ends: NDArray[np.int64]
    ) -> list[ShorterWay]:
        depths = self.depths
        if depths is None or not len(known):
            return []
        likes = [self._page_family(0, "", 0, harvest) for harvest in harvests]
        pages = np.searchsorted(ends, known, side="right")
        distances = np.array([depths.distance_of(family.like) for family in likes])[pages]
        rows = self._seen.values_of(fingerprints[known])
        found = []
        for i in depths.nearer(rows, distances).tolist():
            row, page = int(rows[i]), int(pages[i])
            if depths.approach(row, int(distances[i])):
                start = int(ends[page - 1]) if page else 0
                family, text = likes[page], harvests[page].links.split()[int(known[i]) - start]
                found.append(ShorterWay(row, replace(family.like, url=Url(text)), family.via, family.seed, family.root))
        return found

    def _nearer_requests(
        self,
        requests: Sequence[Request],
        fingerprints: U64,
        known: NDArray[np.intp],
        parent: Entry | None,
        change: Change,
    ) -> list[ShorterWay]:
        if self.depths is None:
            return []
        rows = self._seen.values_of(fingerprints[known]).tolist()
        found = []
        for i, row in zip(known.tolist(), rows, strict=True):
            if self.depths.approach(row, self.depths.distance_of(requests[i])):
                family = self._family(0, [requests[i]], change, parent)
                found.append(ShorterWay(row, requests[i], family.via, family.seed, family.root))
        return found

    def entry(self, way: ShorterWay, *, is_reread: bool) -> Entry:
        """Returns the request of a known URL on its shorter way."""
        request = replace(way.request, is_reread=is_reread)
        ranked = rank_of(request, self._in_depth_order)
        return bare(Entry(key(ranked, way.row), request, way.seed, way.root, has_extra=True))

    # -- families ----------------------------------------------------------------------------------------------------

    def _page_family(self, row: int, site: str, priority: int, harvest: FoundLinks) -> RequestGroup:
        """Returns a family for the links of a page to one site, still without URLs."""
        outcome, parent = harvest.outcome, harvest.parent
        above = parent.request
        is_needed = harvest.leads == "requisites"
        is_deeper = outcome.page is not None and outcome.page.kind != SAME_DEPTH and not is_needed
        depth = above.depth + is_deeper
        like = Request(
            above.url, depth, above.url, above.origin, above.anchor, priority=priority,
            extra_hop=above.extra_hop + 1 if harvest.leads == "beyond" else 0,
            requisite=above.requisite + 1 if is_needed else 0,
        )  # fmt: skip
        ranked = rank_of(like, self._in_depth_order)
        rows = parent.row, parent.seed or parent.row, parent.root or parent.row
        return RequestGroup(row, site, ranked, like, *rows, [], harvest.pattern)

    def _family(self, first: int, requests: Sequence[Request], change: Change, parent: Entry | None) -> RequestGroup:
        like, have_extras = requests[0], [has_extra(request) for request in requests]
        return RequestGroup(
            first,
            like.url.site,
            rank_of(like, self._in_depth_order),
            like,
            self._row(like.via, parent, change),
            self._row(like.seed if like.seed != like.url else None, parent, change),
            self._row(like.root if like.root != like.url else None, parent, change),
            [request.url.text for request in requests],
            have_extras=have_extras if any(have_extras) else (),
        )

    def _row(self, url: Url | None, parent: Entry | None, change: Change) -> int:
        """Returns the row that stands for a referenced URL."""
        if url is None:
            return 0
        if parent:
            above = parent.request
            if url == above.url:
                return parent.row
            if url == above.seed and parent.seed:
                return parent.seed
            if url == above.root and parent.root:
                return parent.root
        return self._name_row(url, change)

    def _name_row(self, url: Url, change: Change) -> int:
        if row := self._names.get(url):
            return row
        if len(self._names) >= MOST_NAMES:
            self._names.clear()
        self._last_name -= 1
        self._names[url] = self._last_name
        change.names.append(Name(self._last_name, url.text))
        return self._last_name


class Added(NamedTuple):
    """The result of adding requests."""

    number: int
    """Number of new requests."""
    known: U64
    """The fingerprints of the known ones."""
    nearer: list[ShorterWay]


def _choose(texts: list[str], places: list[int]) -> list[str]:
    return texts if len(texts) == len(places) else [texts[i] for i in places]


def _group_by_site(texts: Sequence[str]) -> Iterable[tuple[tuple[str, int], list[int] | None]]:
    """Returns each site, with the priority of its links, and the indices of its URLs; None: all."""
    first = texts[0][: texts[0].index("/", 8) + 1]
    if all(map(methodcaller("startswith", first), texts)):
        return [((first[:-1], 0), None)]
    return _group_by_priority(texts, [0] * len(texts))


def _group_by_priority(texts: Sequence[str], priorities: Sequence[int]) -> Iterable[tuple[tuple[str, int], list[int]]]:
    """Returns each site and priority, with the indices of their URLs."""
    groups: dict[tuple[str, int], list[int]] = {}
    for i, (text, priority) in enumerate(zip(texts, priorities, strict=True)):
        groups.setdefault((text[: text.index("/", 8)], priority), []).append(i)
    return groups.items()


def _family_key(request: Request) -> tuple[object, ...]:
    return (
        request.url.site, request.depth, request.priority, request.redirects, request.via, request.seed, request.root,
        request.way,
    )  # fmt: skip


def _pack_fingerprints(fingerprints: U64, order: Iterable[Sequence[int]]) -> bytes:
    rows = [i for group in order for i in group]
    return fingerprints[rows].astype("<u8").tobytes()
