"""How many pages a site and a registered domain may still give: exact, whatever is under way at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from .. import urls
from ..model import Bar, Disposition, Outcome, Reason, Request, Url


class Caps:
    """Counts pages that were fetched, not visits: a page that brought something before may be visited again."""

    def __init__(self, per_site: int | None, per_domain: int | None, fetched: Mapping[str, int]) -> None:
        """`fetched` pages so far, by site."""
        self._per_site = per_site
        self._per_domain = per_domain
        self._fetched = Counter[str]()
        self._under_way = Counter[str]()
        self._out: dict[int, tuple[tuple[str, int], ...]] = {}
        """By lease: what its page would count for."""
        for site, number in fetched.items():
            for key, _ in self._bounds(Url(f"{site}/")):
                self._fetched[key] += number

    def take(self, token: int, request: Request) -> Bar | None:
        """A place for a page, until `end`; or why there is none, and without a reason: not while others have it."""
        if request.digest or request.is_reread:
            return None
        bounds = self._bounds(request.url)
        for key, most in bounds:
            if self._fetched[key] >= most:
                return Bar(Reason.PAGE_LIMIT, f"{key} gave its {most} pages")
        if any(self._fetched[key] + self._under_way[key] >= most for key, most in bounds):
            return Bar(None)
        if bounds:
            self._out[token] = bounds
            self._under_way.update(key for key, _ in bounds)
        return None

    def end(self, token: int, outcome: Outcome | None) -> None:
        """The lease is over, with this outcome if it was settled."""
        for key, _ in self._out.pop(token, ()):
            self._under_way[key] -= 1
            self._fetched[key] += outcome is not None and outcome.disposition is Disposition.FETCHED

    def _bounds(self, url: Url) -> tuple[tuple[str, int], ...]:
        """What bounds the pages of a URL's kind: a key, and how many."""
        said: tuple[tuple[str, int], ...] = ()
        if self._per_site is not None:
            said = ((url.site, self._per_site),)
        if self._per_domain is not None:
            said += ((urls.registered_domain(url), self._per_domain),)
        return said
