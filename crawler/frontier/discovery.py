"""Which links and requests are new, and how they become rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import methodcaller

import numpy as np

from .. import urls
from ..model import Outcome, Request, Url
from .change import Change, Family
from .order import Entry, rank
from .seen import U64, Fingerprints

SAME_DEPTH = "sitemap"
"""Links of a page of this kind are no further from the seed than the page itself."""
MOST_NAMES = 10_000
"""References to URLs that were never queued that we remember; one that is forgotten is stored again."""


class Discovery:
    """The exact set of all URLs ever queued, and the rows that new ones get."""

    def __init__(self, key: bytes, in_depth_order: bool, seen: Fingerprints, names: int = 0) -> None:
        self.key = key
        self._in_depth_order = in_depth_order
        self._seen = seen
        self._names: dict[Url, int] = {}
        self._last_name = -names

    def __len__(self) -> int:
        return len(self._seen)

    def follow(self, visits: Sequence[tuple[Outcome, Entry]], change: Change) -> None:
        """Add what the visits found: the links of their pages, then what else they name."""
        paged = [(outcome, parent) for outcome, parent in visits if outcome.page and outcome.page.news.fingerprints]
        if paged:
            self._follow_links(paged, change)
        for outcome, parent in visits:
            if outcome.found:
                self.add(outcome.found, change, parent)

    def add(self, requests: Sequence[Request], change: Change, parent: Entry | None = None) -> int:
        """Add what was never seen; how many that were."""
        fingerprints = np.array([urls.fingerprint(request.url.text, self.key) for request in requests], np.uint64)
        fresh = np.flatnonzero(self._seen.add_many(fingerprints))
        groups: dict[tuple[object, ...], list[int]] = {}
        for i in fresh.tolist():
            groups.setdefault(_kinship(requests[i]), []).append(i)
        first = len(self._seen) - len(fresh) + 1
        for group in groups.values():
            change.families.append(self._family(first, [requests[i] for i in group], change, parent))
            first += len(group)
        change.fingerprints += _packed(fingerprints, groups.values())
        return len(fresh)

    def _follow_links(self, visits: Sequence[tuple[Outcome, Entry]], change: Change) -> None:
        """One look into the set for all pages; Python touches only the pages that have news, and of these the news."""
        news = [outcome.page.news for outcome, _ in visits if outcome.page]
        fingerprints = np.frombuffer(b"".join(links.fingerprints for links in news), "<u8")
        fresh = np.flatnonzero(self._seen.add_many(fingerprints))
        row = len(self._seen) - len(fresh) + 1
        ends = np.cumsum([len(links) for links in news])
        parts = np.searchsorted(fresh, ends).tolist()
        begun = start = 0
        for (outcome, parent), links, end, done in zip(visits, news, ends.tolist(), parts, strict=True):
            if done > begun:
                found = fresh[begun:done]
                chosen = (found - start).tolist()
                texts, said = _chosen(links.split(), chosen), memoryview(links.priorities).cast("b")
                groups = _by_priority(texts, [said[i] for i in chosen]) if said else _by_site(texts)
                for (site, priority), places in groups:
                    family = self._page_family(row, site, priority, outcome, parent)
                    family.texts = texts if places is None else [texts[i] for i in places]
                    change.families.append(family)
                    change.fingerprints += fingerprints[found if places is None else found[places]].tobytes()
                    row += len(family)
            begun, start = done, end

    def _page_family(self, row: int, site: str, priority: int, outcome: Outcome, parent: Entry) -> Family:
        """Links of a page to one site, still without them."""
        above = parent.request
        is_deeper = outcome.page is not None and outcome.page.kind != SAME_DEPTH
        depth = above.depth + is_deeper
        like = Request(above.url, depth, above.url, above.origin, above.anchor, priority=priority)
        ranked = rank(like.priority, like.depth, self._in_depth_order)
        return Family(row, site, ranked, like, parent.row, parent.seed or parent.row, parent.root or parent.row, [])

    def _family(self, first: int, requests: Sequence[Request], change: Change, parent: Entry | None) -> Family:
        like = requests[0]
        return Family(
            first,
            like.url.site,
            rank(like.priority, like.depth, self._in_depth_order),
            like,
            self._row(like.via, parent, change),
            self._row(like.seed if like.seed != like.url else None, parent, change),
            self._row(like.root if like.root != like.url else None, parent, change),
            [request.url.text for request in requests],
        )

    def _row(self, url: Url | None, parent: Entry | None, change: Change) -> int:
        """The row that stands for a reference."""
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
        return self._named(url, change)

    def _named(self, url: Url, change: Change) -> int:
        if row := self._names.get(url):
            return row
        if len(self._names) >= MOST_NAMES:
            self._names.clear()
        self._last_name -= 1
        self._names[url] = self._last_name
        change.names.append((self._last_name, url.text))
        return self._last_name


def _chosen(texts: list[str], places: list[int]) -> list[str]:
    return texts if len(texts) == len(places) else [texts[i] for i in places]


def _by_site(texts: Sequence[str]) -> Iterable[tuple[tuple[str, int], list[int] | None]]:
    """Each site, with the priority of a link, and where its URLs stand; None: everywhere."""
    first = texts[0][: texts[0].index("/", 8) + 1]
    if all(map(methodcaller("startswith", first), texts)):
        return [((first[:-1], 0), None)]
    return _by_priority(texts, [0] * len(texts))


def _by_priority(texts: Sequence[str], priorities: Sequence[int]) -> Iterable[tuple[tuple[str, int], list[int]]]:
    """Each site and priority, and where their URLs stand."""
    groups: dict[tuple[str, int], list[int]] = {}
    for i, (text, priority) in enumerate(zip(texts, priorities, strict=True)):
        groups.setdefault((text[: text.index("/", 8)], priority), []).append(i)
    return groups.items()


def _kinship(request: Request) -> tuple[object, ...]:
    return (
        request.url.site, request.depth, request.priority, request.redirects, request.via, request.seed, request.root
    )  # fmt: skip


def _packed(fingerprints: U64, order: Iterable[Sequence[int]]) -> bytes:
    rows = [i for group in order for i in group]
    return fingerprints[rows].astype("<u8").tobytes()
