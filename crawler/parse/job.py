"""What a worker is given: a document to read, and what all documents of a run share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..model import Page, Url
from ..protocols import Bounds
from ..urls.canonical import DEFAULT_POLICY, Policy
from .charset import decode
from .links import DEFAULT


@dataclass(frozen=True, slots=True)
class Document:
    """A body as it came over the wire, and what is needed to read it. Header values stand as they were sent."""

    url: Url
    body: bytes
    """Still wearing its content codings."""
    content_type: str = ""
    content_encoding: str = ""
    anchor: Url | None = None
    """The root that scope measures from; None: this document."""
    depth: int = 0
    status: int = 200
    priority: int = 0
    """That of the request: it says how many sitemap indexes led here."""
    is_sitemap: bool = False
    """Someone called it a sitemap: plain text is then a list of URLs."""
    links: tuple[str, ...] = ()
    """The values of its Link headers."""
    robots: tuple[str, ...] = ()
    """The values of its X-Robots-Tag headers."""
    refresh: str = ""
    """The value of its Refresh header."""
    is_suspect: bool = False
    """A worker died of it, or ran out of time or memory: it is scanned, and the user's own function is left out."""
    is_cut: bool = False
    """The body is only a beginning."""


@dataclass(frozen=True, slots=True)
class Job:
    """What all documents of a run share. Small: it travels with every hand-over."""

    key: bytes
    """The crawl's fingerprint key, 1 to 64 bytes."""
    run: bytes
    """A random token of this run: what a worker remembers to have reported, it remembers for this run alone."""
    bounds: Bounds
    max_depth: int | None = None
    """Links that lie deeper are never news, whatever `bounds` would say."""
    max_body_bytes: int = 16 << 20
    """Bound of the decoded body."""
    keeps_oversized: bool = False
    """Read what fits of a body that is larger, rather than refuse it."""
    max_links: int = 20_000
    """Of one page; the rest is not followed. A sitemap has a bound of its own."""
    tree_bytes: int = 96 << 20
    """A document whose tree would take more memory, by a rough guess, is scanned instead."""
    policy: Policy = DEFAULT_POLICY
    """Which spellings of a URL count as one: all links pass it."""
    follow: frozenset[str] = DEFAULT
    """The kinds of links that are followed: some of `links.KINDS`."""
    nofollow: Literal["ignore", "pages", "links"] = "pages"
    """Whose `nofollow` counts: nobody's, that of pages, that of single links too."""
    agent: str = ""
    """Our product token, in lower case: what robots directives call us."""
    wants_links: bool = False
    """Fill `Page.links_json`."""
    wants_text: bool = False
    """Fill `Page.text`."""
    extract: Callable[[Content], object] | None = None
    """The user's own parse function; what it returns becomes `Page.data_json`, what it raises `Page.data_error`."""


@dataclass(frozen=True, slots=True)
class Content:
    """What the user's own parse function is given."""

    url: Url
    status: int
    content_type: str
    """The header as it was sent."""
    body: bytes
    """Without content codings."""
    page: Page
    """What we made of it: title, charset, kind, links."""

    @property
    def charset(self) -> str:
        return self.page.charset

    @property
    def text(self) -> str:
        """The body as text, in the charset found; bytes that have no meaning there become U+FFFD."""
        return decode(self.body, self.page.charset)
