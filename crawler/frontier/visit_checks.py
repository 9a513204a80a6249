"""Keeps requests and links from being fetched: those into traps, and those of sites that gave all their pages."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

from ..model import Bar, Disposition, Lease, Outcome, Page, Reason, Url
from ..policy.traps import Novelty, SiftedLinks, StoredPattern
from ..standing import Trap
from .caps import Caps
from .discovery import SAME_DEPTH, FoundLinks
from .order import Entry
from .terms import Terms

log = logging.getLogger(__name__)

Visits = Sequence[tuple[Outcome, Entry]]
MOST_AT_ONCE = 128
"""Links of a page that are judged in one turn of the loop, in two milliseconds."""
_READ = (Disposition.FETCHED, Disposition.DUPLICATE, Disposition.UNCHANGED)


class VisitChecks:
    """Learns from each settled visit, and judges each request before its visit."""

    def __init__(self, terms: Terms, patterns: Sequence[StoredPattern], pages: Mapping[str, int]) -> None:
        """Takes stored URL patterns, and the number of fetched pages by site where these are bounded."""
        self._caps = Caps(terms.pages_per_site, terms.pages_per_domain, pages, terms.page_limits)
        self._ahead: dict[int, SiftedLinks] = {}
        """Links that were sifted ahead, by lease."""
        self._novelty = None if terms.traps == "off" else Novelty(terms.traps, patterns)

    def bar(self, lease: Lease) -> Bar | None:
        """Returns why a lease that is out is not to be fetched, or None: its page counts as under way until `end`."""
        if lease.request.is_reread or lease.request.requisite:  # that is no page, and leads to none
            return None
        is_judged = lease.request.method == "GET"  # no pattern of URLs tells forms apart
        novelty = self._novelty
        if is_judged and novelty is not None and novelty.are_troubled and (trap := novelty.refuses(lease.request)):
            detail = f"{trap.news} of {trap.fetched} pages like {trap.pattern} were new"
            return Bar(Reason.TRAP, detail, trap.pattern)
        return self._caps.take(lease.token, lease.request) if self._caps.are_bounds else None

    def knows_well(self, url: Url) -> bool:
        """Returns whether pages like this URL's need not all be compared with earlier ones."""
        return self._novelty is None or self._novelty.knows_well(url.text)

    def end(self, token: int, outcome: Outcome | None) -> None:
        """Ends a lease, with its outcome if it was settled."""
        if self._caps.are_bounds:
            self._caps.end(token, outcome)

    def sift(self, visits: Visits) -> tuple[list[FoundLinks], list[StoredPattern]]:
        """Returns the links of the visits, those into traps apart, and the pattern rows to store."""
        pages = [(outcome, entry, outcome.page) for outcome, entry in visits if outcome.page]
        others = [
            FoundLinks(o, entry, page.beyond, leads="beyond") for o, entry, page in pages if page.beyond.fingerprints
        ]
        others += [FoundLinks(o, entry, page.requisites, leads="requisites") for o, entry, page in pages
                   if page.requisites.fingerprints]  # fmt: skip
        novelty = self._novelty
        if novelty is None:
            return [*(FoundLinks(outcome, entry, page.news) for outcome, entry, page in pages), *others], []
        for outcome, _, _ in pages:
            for trap in novelty.fold(outcome) if _is_sample(outcome) else ():
                log.warning("%s looks like a trap: %d of %d pages were new", trap.pattern, trap.news, trap.fetched)
        harvests = []
        for outcome, entry, page in pages:
            if not page.news.fingerprints or page.kind == SAME_DEPTH:  # the owner of a sitemap vouches for its URLs
                harvests.append(FoundLinks(outcome, entry, page.news))
                continue
            links, parked = self._sift_page(novelty, outcome, page)
            harvests.append(FoundLinks(outcome, entry, links))
            harvests += [FoundLinks(outcome, entry, waiting, pattern) for pattern, waiting in parked]
        return harvests + others, novelty.take_changed()

    def sift_ahead(self, outcomes: Sequence[Outcome]) -> Iterator[None]:
        """Judges the links of pages with many, before they are settled; the caller lets others run at each step."""
        for outcome in outcomes:
            page = outcome.page
            is_long = page is not None and len(page.news.fingerprints) > 8 * MOST_AT_ONCE
            if is_long and self._novelty and page and page.kind != SAME_DEPTH:
                sifted = yield from self._novelty.sift_in_parts(page.news, outcome.url)
                self._ahead[outcome.lease.token] = sifted

    def _sift_page(self, novelty: Novelty, outcome: Outcome, page: Page) -> SiftedLinks:
        """Returns the links as sifted ahead, or sifted now if a pattern is parked no longer."""
        ahead = self._ahead.pop(outcome.lease.token, None)
        if ahead and all(novelty.is_parked(name) for name, _ in ahead.parked):
            return ahead
        return novelty.sift(page.news, outcome.url)

    def take_recovered(self) -> list[str]:
        """Returns the patterns that were parked and have brought something new since the last call."""
        return self._novelty.take_recovered() if self._novelty else []

    def trust(self, pattern: str) -> None:
        """Trusts a pattern that a person called no trap."""
        if self._novelty:
            self._novelty.trust(pattern)

    def earlier_news(self, url: Url) -> int:
        """Returns how many pages of this URL's pattern were news in earlier runs."""
        return self._novelty.earlier_news(url.text) if self._novelty else 0

    @property
    def traps(self) -> Sequence[Trap]:
        return self._novelty.traps if self._novelty else ()


def _is_sample(outcome: Outcome) -> bool:
    """Returns whether its page is a sample of its pattern: it was read, and for the first time."""
    request = outcome.lease.request
    is_judged = not request.is_reread and not request.requisite
    return outcome.disposition in _READ and request.method == "GET" and is_judged
