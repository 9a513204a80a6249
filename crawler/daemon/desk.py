"""Fetches single pages and lists sites at once, for clients that wait: beside the jobs, and in their turns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from ..api.one_page import FetchedPage, Html, fetch_page
from ..api.site_map import SiteMap, Sources, map_site
from ..robots.memory import SharedRobots
from ..settings import Config
from ..sinks import Wants
from .api import Jobs
from .errors import Busy
from .jobs import validation
from .jobs.job import Settings

MOST_AT_ONCE = 32
"""Pages and maps under way at a time: each may hold a body of `fetch.max_body_bytes`, and its HTML."""
NOTHING: Settings = {}


class Desk:
    """Serves clients that want one page, or the URLs of a site, now. They share robots.txt, workers and turns."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._shared = replace(jobs.shared, robots=SharedRobots())
        self.under_way: int = 0
        """Pages and maps that clients wait for."""

    async def fetch(
        self, url: str, settings: Settings = NOTHING, *, wants: Wants, html: Sequence[Html] = (), wait_s: float
    ) -> FetchedPage:
        """Returns one page, fetched now with the settings of a job. Raises as `fetch_page`, BadSettings, Busy."""
        config = self._config(settings)
        async with self._place():
            return await fetch_page(url, config, wants=wants, html=html, wait_s=wait_s, shared=self._shared)

    async def map(
        self,
        url: str,
        settings: Settings = NOTHING,
        *,
        most: int,
        sources: Sources,
        subdomains: bool,
        wait_s: float,
    ) -> SiteMap:
        """Returns the URLs of a site. Raises as `map_site`, BadSettings, Busy."""
        config = self._config(settings)
        async with self._place():
            return await map_site(
                url, config, most=most, sources=sources, subdomains=subdomains, wait_s=wait_s,
                shared=self._shared,
            )  # fmt: skip

    def _config(self, settings: Settings) -> Config:
        """Returns all settings of a job that chooses these. Raises BadSettings."""
        rule = self._jobs.rule
        return validation.settings_in_force(validation.choose(settings, rule), rule)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self.under_way >= MOST_AT_ONCE:
            raise Busy(f"{MOST_AT_ONCE} pages are being fetched for clients that wait: ask again, or add a job")
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1


def choose_by_words(urls: Iterable[str], search: str) -> list[str]:
    """Returns the URLs that contain at least one of the words, those with most of them first."""
    words = search.casefold().split()
    if not words:
        return list(urls)
    ranked = [(sum(word in url.casefold() for word in words), url) for url in urls]
    return [url for n, url in sorted(ranked, key=lambda one: -one[0]) if n]
