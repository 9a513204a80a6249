"""Bounds the pages of each site and registered domain exactly, even with many visits under way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from .. import urls
from ..model import Bar, Disposition, Outcome, Reason, Request, Url
from ..runtime.counting import many
from .terms import PageLimits


class Caps:
    """Counts fetched pages, not visits: a page that brought something before may be visited again."""

    def __init__(
        self,
        per_site: int | None,
        per_domain: int | None,
        fetched: Mapping[str, int],
        limits: PageLimits | None = None,
    ) -> None:
        """`fetched`: pages so far, by site. `limits` tells which sites have another limit than `per_site`."""
        self.are_bounds: bool = any(one is not None for one in (per_site, per_domain, limits))
        """Whether the pages of any site are bounded."""
        self._limits = limits
        self._per_site = per_site
        self._per_domain = per_domain
        self._fetched = Counter[str]()
        self._under_way = Counter[str]()
        self._out: dict[int, tuple[tuple[str, int], ...]] = {}
        """The bounds that a lease's page would count for, by lease."""
        for site, number in fetched.items():
            for key, _ in self._bounds(Url(f"{site}/")):
                self._fetched[key] += number

    def take(self, token: int, request: Request) -> Bar | None:
        """Takes a place for a page, until `end`; returns why there is none.

        A bar without a reason: none is free for now.
        """
        if request.digest or request.is_reread:
            return None
        bounds = self._bounds(request.url)
        if not bounds:
            return None
        for key, most in bounds:
            if self._fetched[key] >= most:
                return Bar(Reason.PAGE_LIMIT, f"{key} gave its {many(most, 'page')}")
        if any(self._fetched[key] + self._under_way[key] >= most for key, most in bounds):
            return Bar(None)
        self._out[token] = bounds
        self._under_way.update(key for key, _ in bounds)
        return None

    def end(self, token: int, outcome: Outcome | None) -> None:
        """Ends a lease, with its outcome if it was settled."""
        for key, _ in self._out.pop(token, ()):
            self._under_way[key] -= 1
            self._fetched[key] += outcome is not None and outcome.disposition is Disposition.FETCHED

    def _bounds(self, url: Url) -> tuple[tuple[str, int], ...]:
        """Returns the bounds for a URL: a site or a domain, and its most pages."""
        said: tuple[tuple[str, int], ...] = ()
        site = url.site
        own = self._limits(site) if self._limits else None
        if (most := self._per_site if own is None else own) is not None:
            said = ((site, most),)
        if self._per_domain is not None:
            said += ((urls.registered_domain(url), self._per_domain),)
        return said
