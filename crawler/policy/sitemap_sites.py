"""Remembers sites whose sitemaps are still to be visited: robots.txt was first asked for a URL out of reach."""

from __future__ import annotations

from ..model import Request


class SitemapSites:
    """The sites of one run that were asked for robots.txt on behalf of requisites and extra hops alone."""

    def __init__(self) -> None:
        self._left: set[str] = set()

    def may_list(self, request: Request, *, was_asked: bool) -> bool:
        """Returns whether the sitemaps of the request's site are visited now, at the first page in reach of the site.

        `was_asked`: robots.txt was asked for this request.
        """
        site = request.url.site
        if request.way:
            self._left.update({site} if was_asked else ())
            return False
        is_due = was_asked or site in self._left
        self._left.discard(site)
        return is_due
