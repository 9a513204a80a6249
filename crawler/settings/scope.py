"""Settings of what belongs to a crawl, and which spellings are one URL."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, field_validator

from ..urls.canonical import TRACKING
from .table import ForJobs, ForJobsAtMost, Table

LinkKind: TypeAlias = Literal[
    "anchors", "frames", "refresh", "pagination", "canonical", "alternates", "feeds",
    "images", "media", "styles", "scripts", "forms",
]  # fmt: skip


def _as_it_is_called_now(mode: object) -> object:
    """Crawl folders made by 0.1 may say `cut`."""
    return "park" if mode == "cut" else mode


class ScopeConfig(Table):
    """Which URLs belong to this crawl, and where it ends."""

    reach: ForJobs[Literal["page", "prefix", "host", "domain", "any"]] = "host"
    """How far links may lead: nowhere, below the folder of a seed, to its host, to its registered domain, anywhere."""
    follow_moved_seeds: ForJobs[bool] = False
    """Where a seed redirects to another registered domain: crawl there, too; else only where it landed is fetched."""
    max_depth: ForJobsAtMost[Annotated[int, Field(ge=0)] | None] = None
    """Hops from the seed; 0 fetches the list alone; absent: no limit."""
    include: ForJobs[tuple[str, ...]] = ()
    """Follow only links that match one of these: globs over the whole URL, or `re:` and a regular expression."""
    exclude: ForJobs[tuple[str, ...]] = ()
    """Never fetch what matches one of these, seeds included."""
    limit: ForJobsAtMost[Annotated[int, Field(ge=1)] | None] = None
    """Stop after this many fetched pages, exactly."""
    limit_per_site: ForJobsAtMost[Annotated[int, Field(ge=1)] | None] = None
    """Fetch this many pages of a site (scheme, host and port), exactly; what else is known of it is excluded."""
    limit_per_domain: ForJobsAtMost[Annotated[int, Field(ge=1)] | None] = None
    """Likewise of a registered domain, all its sites together."""
    time_limit_s: ForJobsAtMost[Annotated[float, Field(gt=0)] | None] = None
    """Stop after this long; the same command continues."""
    size_limit_bytes: ForJobsAtMost[Annotated[int, Field(gt=0)] | None] = None
    """Stop after this much was downloaded; the same command continues."""
    max_repeats: ForJobsAtMost[Annotated[int, Field(ge=1)]] = 3
    """How often a group of path segments may follow itself, as in /a/b/a/b/a/b/, before links of such a page that add
    to that are left out. Groups of numbers, as in dates and shards, and doubled slashes do not count."""
    traps: ForJobs[Annotated[Literal["park", "warn", "off"], BeforeValidator(_as_it_is_called_now)]] = "park"
    """What becomes of a pattern of URLs that goes on and on and brings nothing new, as a calendar does: its URLs are
    parked until you say otherwise, it is told in the summary, or it is not looked for."""
    follow: ForJobs[tuple[LinkKind, ...]] = ("anchors", "frames", "refresh", "pagination")
    """Kinds of links that are followed, in pages and in Link headers: anchors (a, area), frames (frame, iframe),
    refresh, pagination (rel next, prev), canonical, alternates (translations, other formats), feeds, images, media
    (video, audio, embed, object), styles, scripts, forms (that ask for a page). Sitemaps and feeds always lead to what
    they list."""
    max_links: ForJobsAtMost[Annotated[int, Field(ge=1)]] = 20_000
    """Links of one page that are followed at most, the first ones; a sitemap has 50,000 by its protocol."""
    nofollow: ForJobs[Literal["ignore", "pages", "links"]] = "pages"
    """Whose `nofollow` counts: nobody's; that of pages (robots meta, X-Robots-Tag); that of single links (rel) too."""
    sitemaps: ForJobs[bool] = False
    """Visit the sitemaps that robots.txt names; what they list is as near as the seed."""


class UrlsConfig(Table):
    """Which spellings of a URL count as one: what is folded is fetched once."""

    strip_params: ForJobs[tuple[str, ...]] = TRACKING
    """Query parameters that are dropped, in any case; `*` stands for anything, `?` for one character."""
    strip_session_ids: ForJobs[bool] = True
    """Drop session ids: `;jsessionid=`, PHPSESSID and their like, `/(S(...))/`, and `sid` where it looks like one."""
    sort_params: ForJobs[bool] = False
    """Order query parameters by name; to some servers their order means something."""

    @field_validator("strip_params")
    @classmethod
    def _are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not re.fullmatch(r"[!-~]+", name) or set(name) & set("&=#"):
                raise ValueError(f"{name!r} should be a parameter's name, or a pattern of names")
        return names
