"""Declares the settings of which URLs belong to a crawl, and which spellings are one URL."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, field_validator

from ..urls.canonical import TRACKING
from .focus import read_focus
from .table import ForJobs, ForJobsAtMost, Live, Table

LinkKind: TypeAlias = Literal[
    "anchors", "frames", "refresh", "pagination", "canonical", "alternates", "feeds",
    "images", "media", "styles", "scripts", "forms",
]  # fmt: skip


def _rename_cut(mode: object) -> object:
    """Reads `cut`, as crawl folders made by 0.1 may say, as `park`."""
    return "park" if mode == "cut" else mode


class ScopeConfig(Table):
    """The URLs that belong to a crawl, and the limits where it ends."""

    reach: Live[ForJobs[Literal["page", "prefix", "host", "domain", "any"]]] = "host"
    """Farthest that links may lead: nowhere (page), below the folder of a seed (prefix), to its host, to its registered
    domain, anywhere."""
    follow_moved_seeds: Live[ForJobs[bool]] = False
    """Whether to crawl another registered domain that a seed redirects to; else only the page it landed on is
    fetched."""
    max_depth: Live[ForJobsAtMost[Annotated[int, Field(ge=0)] | None]] = None
    """Most hops from the seed; 0: only the seeds are fetched; absent: no limit."""
    include: Live[ForJobs[tuple[str, ...]]] = ()
    """Follow only links that match one of these: globs over the whole URL, or `re:` and a regular expression."""
    exclude: Live[ForJobs[tuple[str, ...]]] = ()
    """Never fetch URLs that match one of these, seeds included."""
    limit: Live[ForJobsAtMost[Annotated[int, Field(ge=1)] | None]] = None
    """Stop after this many fetched pages, exactly."""
    limit_per_site: ForJobsAtMost[Annotated[int, Field(ge=1)] | None] = None
    """Fetch this many pages of a site (scheme, host and port), exactly; its other URLs are excluded."""
    limit_per_domain: ForJobsAtMost[Annotated[int, Field(ge=1)] | None] = None
    """Fetch this many pages of a registered domain, over all its sites, exactly; its other URLs are excluded."""
    time_limit_s: Live[ForJobsAtMost[Annotated[float, Field(gt=0)] | None]] = None
    """Stop after this long; the same command continues the crawl."""
    size_limit_bytes: Live[ForJobsAtMost[Annotated[int, Field(gt=0)] | None]] = None
    """Stop after this much was downloaded; the same command continues the crawl."""
    max_repeats: Live[ForJobsAtMost[Annotated[int, Field(ge=1)]]] = 3
    """Most repeats in a row of a group of path segments, as in /a/b/a/b/a/b/. From then on, links of such a page that
    add one more are left out. Groups of numbers, as in dates and shards, and doubled slashes do not count."""
    traps: ForJobs[Annotated[Literal["park", "warn", "off"], BeforeValidator(_rename_cut)]] = "park"
    """Treatment of an endless pattern of URLs that brings nothing new, as a calendar: `park` keeps its URLs back until
    you say otherwise, `warn` names it in the summary, `off` does not look for it."""
    follow: Live[ForJobs[tuple[LinkKind, ...]]] = ("anchors", "frames", "refresh", "pagination")
    """Kinds of links to follow, in pages and in Link headers: anchors (a, area), frames (frame, iframe), refresh,
    pagination (rel next, prev), canonical, alternates (translations, other formats), feeds, images, media (video,
    audio, embed, object), styles, scripts, forms (that ask for a page). Links in sitemaps and feeds are always
    followed."""
    max_links: ForJobsAtMost[Annotated[int, Field(ge=1)]] = 20_000
    """Most links of one page to follow, the first ones; a sitemap has 50,000 by its protocol."""
    nofollow: Live[ForJobs[Literal["ignore", "pages", "links"]]] = "pages"
    """The `nofollow` that counts: none (ignore); that of pages (robots meta, X-Robots-Tag); that of single links (rel)
    too."""
    requisites: ForJobs[bool] = False
    """Fetch what pages need to be shown, whatever its host: images, styles, scripts, fonts, icons, media, frames, and
    what styles name. They count neither as pages nor as hops, and no link of theirs is followed."""
    max_requisites: ForJobsAtMost[Annotated[int, Field(ge=1, le=1_000_000)]] = 2_000
    """Most requisites of one page, or of one style sheet, the first ones."""
    extra_hops: ForJobsAtMost[Annotated[int, Field(ge=0, le=100)]] = 0
    """Follow links that leave the reach so many hops further out, and no further; no way back into the reach counts."""
    sitemaps: Live[ForJobs[bool]] = False
    """Visit the sitemaps that robots.txt names. Pages they list count as near as the seed."""
    focus: ForJobs[Annotated[str, Field(max_length=500)]] = ""
    """Words and "phrases" that are sought: pages that promise them by link text, URL and the page that names them are
    visited first, within their site and, with `max_depth`, their depth (docs/focus.md). Empty: none."""
    data_follows: ForJobs[bool] = False
    """Hand the data of a request (docs/own-data.md), such as the columns of a seed, down to the requests that its page
    leads to. The page that finds a URL first decides its data."""

    @field_validator("focus")
    @classmethod
    def _check_focus(cls, text: str) -> str:
        read_focus(text)
        return text


class UrlsConfig(Table):
    """Spellings of a URL that count as one. Each URL is fetched once, in whatever spelling."""

    strip_params: ForJobs[tuple[str, ...]] = TRACKING
    """Query parameters to drop, in any case; `*` stands for anything, `?` for one character."""
    strip_session_ids: ForJobs[bool] = True
    """Drop session ids: `;jsessionid=`, PHPSESSID and similar names, `/(S(...))/`, and `sid` where its value looks like
    one."""
    sort_params: ForJobs[bool] = False
    """Order query parameters by name. Off by default: to some servers their order means something."""

    @field_validator("strip_params")
    @classmethod
    def _check_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not re.fullmatch(r"[!-~]+", name) or set(name) & set("&=#"):
                raise ValueError(f"{name!r} should be a parameter's name, or a pattern of names")
        return names
