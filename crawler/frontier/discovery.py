"""Which links and requests are new, and how they become rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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
        self._key = key
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
        fingerprints = np.array([urls.fingerprint(request.url.text, self._key) for request in requests], np.uint64)
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
        packed = b"".join(outcome.page.news.fingerprints for outcome, _ in visits if outcome.page)
        fingerprints = np.frombuffer(packed, "<u8")
        fresh = np.flatnonzero(self._seen.add_many(fingerprints))
        row = len(self._seen) - len(fresh) + 1
        new, taken, start = fresh.tolist(), 0, 0
        for outcome, parent in visits:
            stop = start + (len(outcome.page.news) if outcome.page else 0)
            begun = taken
            while taken < len(new) and new[taken] < stop:
                taken += 1
            if taken > begun:
                links = _by_site(outcome, [i - start for i in new[begun:taken]])
                change.families += self._page_families(row, outcome, parent, links)
                order = [[start + i for i in found] for found, _ in links.values()]
                change.fingerprints += _packed(fingerprints, order)
                row += taken - begun
            start = stop

    def _page_families(
        self, row: int, outcome: Outcome, parent: Entry, links: Mapping[str, tuple[list[int], list[str]]]
    ) -> Iterable[Family]:
        above, deeper = parent.request, outcome.page is not None and outcome.page.kind != SAME_DEPTH
        depth = above.depth + deeper
        like = Request(above.url, depth, above.url, above.origin, above.anchor)
        ranked = rank(like.priority, depth, self._in_depth_order)
        seed, root = parent.seed or parent.row, parent.root or parent.row
        for site, (_, texts) in links.items():
            yield Family(row, site, ranked, like, parent.row, seed, root, texts)
            row += len(texts)

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


def _by_site(outcome: Outcome, positions: Iterable[int]) -> dict[str, tuple[list[int], list[str]]]:
    """The page's links at `positions`, grouped by site."""
    texts = outcome.page.news.split() if outcome.page else []
    groups: dict[str, tuple[list[int], list[str]]] = {}
    for i in positions:
        text = texts[i]
        found, group = groups.setdefault(text[: text.index("/", 8)], ([], []))
        found.append(i)
        group.append(text)
    return groups


def _kinship(request: Request) -> tuple[object, ...]:
    return (
        request.url.site, request.depth, request.priority, request.redirects, request.via, request.seed, request.root
    )  # fmt: skip


def _packed(fingerprints: U64, order: Iterable[Sequence[int]]) -> bytes:
    rows = [i for group in order for i in group]
    return fingerprints[rows].astype("<u8").tobytes()


