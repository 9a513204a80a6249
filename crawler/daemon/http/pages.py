"""The operations that fetch now, while the client waits: one page, or the list of a site's URLs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Literal, TypeAlias

from aiohttp import web
from pydantic import Field

from ...api.one_page import FetchedPage, Html
from ...errors import FetchError
from ...model import Reason
from ...sinks import Wants
from . import answers, inputs
from .keys import DESK
from .models import Sent, Settings, Shape
from .operations import Operations
from .problems import Fault, Problem

MOST_S = 300.0
"""Longest time that a client may wait for a page or a map."""
MOST_MAPPED = 100_000
"""Most URLs of a map in one answer."""
FORBIDDEN = frozenset({Reason.ROBOTS, Reason.BLOCKED_ADDRESS, Reason.BLOCKED_SCHEME, Reason.OUT_OF_SCOPE})
"""Reasons of ours for which a page is not fetched."""
FAILS_TO = ("disallowed", "no-answer", "too-slow", "busy")
"""Problems of requests that wait for a site."""
PageUrl: TypeAlias = Annotated[str, Field(min_length=1, max_length=8192)]
Waits: TypeAlias = Annotated[float, Field(gt=0, le=MOST_S)]
PageFormat: TypeAlias = Literal["markdown", "text", "metadata", "structured", "links", "html", "main_html"]
HTML: Mapping[str, Html] = {"html": "source", "main_html": "main"}
operation = Operations()


class FetchIn(Sent):
    """One page that is wanted now."""

    url: PageUrl
    """The URL, written as a seed."""
    formats: Annotated[tuple[PageFormat, ...], Field(max_length=7)] = ("markdown", "metadata", "links")
    """Content that the answer holds beside the plain record. `html` is the page's source, `main_html` the HTML of its
    main part without scripts and hidden elements."""
    timeout_s: Waits = 30.0
    """How long the client waits, the turn of the site included."""
    settings: Settings = Field(default_factory=dict)
    """Settings of a job for this page alone."""


class PageOut(Shape):
    """One page as it came."""

    record: Mapping[str, Any]
    """The record of the page as docs/records.md has it, with `markdown`, `text`, `metadata`, `structured` and `links`
    as they were asked for. After redirects it is that of the last URL."""
    redirects: tuple[str, ...]
    """The URLs that redirected to it, in order."""
    html: str | None
    """The source of the page, where it was asked for."""
    main_html: str | None
    """The HTML of its main part, where it was asked for."""


class MapIn(Sent):
    """A site whose URLs are wanted now."""

    url: PageUrl
    """A page of the site, whose links count, too."""
    limit: Annotated[int, Field(ge=1, le=MOST_MAPPED)] = 5000
    """Most URLs in the answer."""
    sources: Literal["both", "sitemaps", "links"] = "both"
    """Where URLs are taken from: the site's sitemaps and the links of the page, or one of the two."""
    subdomains: bool = False
    """Whether URLs of all hosts of the registered domain count."""
    timeout_s: Waits = 60.0
    """How long the client waits. Then the answer has what was found by then."""
    settings: Settings = Field(default_factory=dict)
    """Settings of a job for this map alone."""


class MapOut(Shape):
    """The URLs of a site, as far as its sitemaps and one page name them."""

    urls: tuple[str, ...]
    """The links of the page in their order, then what sitemaps list. Each once."""
    title: str
    """The title of the page."""
    sitemaps: tuple[str, ...]
    """The sitemaps that were read."""
    is_whole: bool
    """Whether no bound cut the list: of URLs, of sitemaps, of time."""


@operation("POST", "/v1/fetch", {200: PageOut}, body=FetchIn, raises=FAILS_TO)
async def fetch_page(request: web.Request) -> web.StreamResponse:
    """Fetch one page now and answer its record, with its content as markdown.

    robots.txt, the guard of addresses and the turns of the site hold as for jobs. Redirects are followed. The status is
    200 whenever the site answered; `record.status` is the status of the page.
    """
    asked = await inputs.body(request, FetchIn)
    forms = [HTML[one] for one in asked.formats if one in HTML]
    wants = Wants(**{name: name in asked.formats for name in ("markdown", "text", "metadata", "structured", "links")})
    with failing_softly(asked.url, asked.timeout_s):
        page = await request.app[DESK].fetch(asked.url, asked.settings, wants=wants, html=forms, wait_s=asked.timeout_s)
    check_answered(page)
    found = PageOut(
        record=page.record, redirects=page.redirects, html=page.html.get("source"), main_html=page.html.get("main")
    )
    return answers.json(found)


@operation("POST", "/v1/map", {200: MapOut}, body=MapIn, raises=FAILS_TO)
async def map_site(request: web.Request) -> web.StreamResponse:
    """List the URLs of a site from its sitemaps and the links of one page. No other page is fetched."""
    asked = await inputs.body(request, MapIn)
    with failing_softly(asked.url, asked.timeout_s):
        found = await request.app[DESK].map(
            asked.url, asked.settings, most=asked.limit, sources=asked.sources, subdomains=asked.subdomains,
            wait_s=asked.timeout_s,
        )  # fmt: skip
    if not found.urls and found.record is not None:
        check_answered(FetchedPage(found.record))
    return answers.json(MapOut.model_validate(found))


@contextmanager
def failing_softly(url: str, timeout_s: float) -> Iterator[None]:
    """Turns a page that did not come into a problem. Raises Problem: 424."""
    try:
        yield
    except TimeoutError:
        said = f"{url[:200]!a} did not come within {timeout_s:g} s: its site may rest longer, or answers slowly"
        raise Problem(424, "too-slow", said) from None
    except FetchError as error:
        raise Problem(424, "no-answer", str(error)) from error


def check_answered(page: FetchedPage) -> None:
    """Raises Problem (403, 424) if no answer came: we did not ask, or the site gave none."""
    if page.is_answered:
        return
    reason, detail = page.record["reason"], page.record["detail"]
    said = f"{reason}: {detail}" if detail else str(reason)
    words, faults = f"{page.record['url'][:200]!a} was not fetched: {said}", [Fault("url", said)]
    if reason in FORBIDDEN:
        raise Problem(403, "disallowed", words, faults)
    raise Problem(424, "no-answer", words, faults)
