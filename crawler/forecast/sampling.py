"""Estimates how large a site is, from its sitemaps and a sample of its pages.

The pages are those that a crawl visits first. Where a sitemap lists URLs, the links of the sample tell which part of
the site it lists: Petersen (1896) and Lincoln (1930) took the size of a stock from two such lists. Without one, the
size follows from how many new URLs the pages brought, as it does while a crawl runs.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from ..dataclass import dataclass
from .draws import Draws, N
from .growth import Mark, foresee_left

LEAST_LINKS = 12
"""Different URLs that links must name before they tell how much of a site its sitemaps list."""
ON_MANY = 0.3
"""URLs that more than this share of the pages link to are its navigation, and stand in any list."""


LEAST_PAGES = 30
"""Pages that a sample has at least where no sitemap helps: the first ones of a site lead to more than others do."""


class PageSeen(NamedTuple):
    """One URL of the sample."""

    url: str
    links: frozenset[str]
    """The URLs of its site that it leads to and that a crawl would visit."""
    is_page: bool = True
    """Whether it brought a page; else it failed, redirected, or brought what another one brought before."""
    size: int = 0
    """The bytes of its body."""
    answer_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The part of one site that was looked at."""

    pages: Sequence[PageSeen]
    """In the order in which they were visited."""
    start: Collection[str]
    """The URLs that were known without any of them: seeds."""
    listed: Collection[str] = ()
    """The URLs that its sitemaps list and that a crawl would visit."""

    @property
    def known(self) -> set[str]:
        """Returns all URLs that are known."""
        return {*self.start, *self.listed, *(link for page in self.pages for link in page.links)}


def foresee_size(sample: Sample, dice: random.Random) -> Draws | None:
    """Returns draws of how many URLs of the site a crawl would visit. None: nothing can be said but the known ones."""
    visited = {page.url for page in sample.pages}
    known = sample.known
    if known <= visited:
        return [float(len(known))] * N
    if sample.listed and (draws := _by_lists(sample, len(known), dice)) is not None:
        return draws
    if len(sample.pages) < LEAST_PAGES:
        return None
    left = foresee_left(_growth(sample), len(known - visited), dice)
    return None if left is None else [len(visited) + one for one in left]


def _growth(sample: Sample) -> list[Mark]:
    """Returns how many URLs were known after each page."""
    found = {*sample.start, *sample.listed}
    marks = [Mark(0.0, 0, len(found))]
    for number, page in enumerate(sample.pages, 1):
        found |= page.links
        marks.append(Mark(0.0, number, len(found)))
    return marks


def _by_lists(sample: Sample, known: int, dice: random.Random) -> Draws | None:
    """Returns draws by which part of the linked URLs the sitemaps list, by Jeffreys' prior; None: too few links."""
    counted = Counter(link for page in sample.pages for link in page.links)
    most = max(1.0, ON_MANY * len(sample.pages))
    linked = {link for link, number in counted.items() if number <= most}
    listed = set(sample.listed)
    if len(linked) < LEAST_LINKS:
        return None
    both = len(linked & listed)
    is_whole = both == len(linked)
    draws = []
    for n in range(N):
        if is_whole and n % 2:
            draws.append(float(known))
            continue
        share = dice.betavariate(both + 0.5, len(linked) - both + 0.5)
        draws.append(max(float(known), len(listed) / share))
    return draws
