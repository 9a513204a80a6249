"""Serves fake webs beside a test: in a thread, for any program to crawl, or in the loop of a virtual clock."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType

from anyio.from_thread import BlockingPortal, start_blocking_portal

from crawler.testing.pages import Page
from crawler.testing.robots import Robots
from crawler.testing.server import Served, open_web
from crawler.testing.virtual_clock import VirtualClock
from crawler.testing.web import Site, Web

HOST = "site.test"
"""The name of a site that was given as its pages alone."""


class OpenWeb:
    """Serves the webs that it is called with, until it is closed. A context manager.

    Without a clock they are served by a thread; with one, in its loop, so that the clock knows when all only wait.
    """

    def __init__(self, clock: VirtualClock | None = None) -> None:
        self._clock = clock
        self._portal: BlockingPortal | None = None
        self._open = ExitStack()

    def __enter__(self) -> OpenWeb:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def __call__(
        self, *parts: Web | Site | Mapping[str, Page], robots: Robots | None = None, by_name: bool = False
    ) -> Served:
        """Serves a web, or sites, or one site that is given as its pages by path, with `robots` as its robots.txt.

        A page that raises is answered with 500, and its error is raised when all is closed.
        """
        opening = open_web(_make_web(parts, robots), by_name=by_name)
        if self._clock is None:
            if self._portal is None:
                self._portal = self._open.enter_context(start_blocking_portal())
            return self._open.enter_context(self._portal.wrap_async_context_manager(opening))
        clock = self._clock
        served = clock.run(opening.__aenter__())
        self._open.callback(lambda: clock.run(opening.__aexit__(None, None, None)))
        return served


def _make_web(parts: tuple[Web | Site | Mapping[str, Page], ...], robots: Robots | None) -> Web:
    """Raises TypeError for parts that make no web."""
    sites: list[Site] = []
    for part in parts:
        if isinstance(part, Web):
            if len(parts) > 1 or robots is not None:
                raise TypeError("a Web is served alone, with the robots.txt of its sites: give its sites instead")
            return part
        if isinstance(part, Site):
            if robots is not None:
                raise TypeError("a Site has a robots.txt of its own: Site(host, pages, robots)")
            sites.append(part)
        elif len(parts) == 1:
            sites.append(Site(HOST, part, robots or Robots()))
        else:
            raise TypeError("several sites need names: Site(host, pages)")
    if not sites:
        raise TypeError("nothing to serve: give a Web, sites, or the pages of one site by path")
    return Web(sites)
