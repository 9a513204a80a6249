"""Hands the data of a request down to the requests that its page leads to."""

from __future__ import annotations

from dataclasses import replace

from ..model import Links, Page, Request, Url
from .extraction import Source


def hand_down(source: Source, page: Page) -> Page:
    """Returns the page with requests in place of its links, each with the data of the page's own request.

    Links of a parse function that bring data of their own keep it. Requisites get none: they are no pages.
    """
    above = source.request
    if above.data is None:
        return page
    asked = [replace(one, data=above.data) if one.data is None else one for one in page.asked]
    for links, hop in ((page.news, above.extra_hop), (page.beyond, above.extra_hop + 1)):
        priorities = memoryview(links.priorities).cast("b") if links.priorities else None
        for place, text in enumerate(links.split()):
            priority = priorities[place] if priorities else 0
            asked.append(_make_request(text, source.depth, above, priority, hop))
    return replace(page, news=Links(), beyond=Links(), asked=tuple(asked))


def _make_request(text: str, depth: int, above: Request, priority: int, hop: int) -> Request:
    at = above.url, above.origin, above.anchor
    return Request(Url(text), depth, *at, priority=priority, extra_hop=hop, data=above.data)
