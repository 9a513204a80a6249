"""What a frontier lends in vain: requests of sites that gave their share, and of traps; and links it does not queue."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..model import Bar, Lease, Outcome, Reason, Trap
from ..traps import Novelty, Stored
from .caps import Caps
from .discovery import SAME_DEPTH
from .order import Entry
from .terms import Terms

log = logging.getLogger(__name__)

_NO_CONTENT = (Reason.SOFT_OUTAGE, Reason.BLOCKED)
"""Their pages say nothing of the URLs that brought them."""
Visits = Sequence[tuple[Outcome, Entry]]


class Bars:
    """Learns from each settled visit, and is asked before each."""

    def __init__(self, terms: Terms, patterns: Sequence[Stored], pages: Mapping[str, int]) -> None:
        """As stored: what was known of URL patterns, and fetched pages by site where those are bounded."""
        self._caps = Caps(terms.pages_per_site, terms.pages_per_domain, pages)
        self._novelty = None if terms.traps == "off" else Novelty(terms.traps, patterns)

    def bar(self, lease: Lease) -> Bar | None:
        """Why a lease that is out is not to be fetched, or None: its page counts as under way until `end`."""
        if self._novelty and (trap := self._novelty.refuses(lease.request)):
            self._novelty.park(trap.pattern, lease.request.url.text)
            return Bar(Reason.TRAP, f"{trap.news} of {trap.fetched} pages like {trap.pattern} were new")
        return self._caps.take(lease.token, lease.request)

    def end(self, token: int, outcome: Outcome | None) -> None:
        """A lease is over, with this outcome if it was settled."""
        self._caps.end(token, outcome)

    def sifted(self, visits: Visits) -> tuple[Visits, list[Stored]]:
        """The visits without what they found of traps, and what is to be stored of what they say themselves."""
        if self._novelty is None:
            return visits, []
        for outcome, _ in visits:
            if outcome.reason in _NO_CONTENT:
                continue
            for trap in self._novelty.fold(outcome):
                log.warning("%s looks like a trap: %d of %d pages were new", trap.pattern, trap.news, trap.fetched)
        return [(_sifted(outcome, self._novelty), entry) for outcome, entry in visits], self._novelty.take_changed()

    @property
    def traps(self) -> Sequence[Trap]:
        return self._novelty.traps if self._novelty else ()


def _sifted(outcome: Outcome, novelty: Novelty) -> Outcome:
    page = outcome.page
    if page is None or not page.news or page.kind == SAME_DEPTH:  # what a sitemap names its owner vouches for
        return outcome
    news, parked = novelty.sift(page.news, outcome.url)
    for pattern, links in parked:
        for text in links.split():
            novelty.park(pattern, text)
    return outcome if news is page.news else replace(outcome, page=replace(page, news=news))
