"""Defines the input of a worker: a document to read, and the settings that all documents of a run share."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, SupportsIndex

from ..dataclass import dataclass
from ..model import Page, Request, Response, Url
from ..model.header_pairs import find_values
from ..model.quick import quick
from ..protocols import Bounds
from ..urls.canonical import Policy
from .kinds import is_pdf

if TYPE_CHECKING:
    import turbohtml

    from .selectors import Selector

ROBOTS_PATH = "/robots.txt"
_WITH_BUFFERS = 5
"""The first protocol of pickles that knows buffers."""


@quick
@dataclass(frozen=True, slots=True)
class Document:
    """A body from the network and the facts needed to read it. Header values are as they were sent."""

    url: Url
    body: bytes
    """The body with its content codings."""
    content_type: str = ""
    content_encoding: str = ""
    anchor: Url | None = None
    """The root that scope measures from. None means this document."""
    depth: int = 0
    status: int = 200
    priority: int = 0
    """The priority of the request. It says how many sitemap indexes led here."""
    is_sitemap: bool = False
    """Whether it was named as a sitemap; then plain text is a list of URLs."""
    links: tuple[str, ...] = ()
    """Values of its Link headers."""
    robots: tuple[str, ...] = ()
    """Values of its X-Robots-Tag headers."""
    refresh: str = ""
    """Value of its Refresh header."""
    extra_hop: int = 0
    """Hops that it lies outside the reach, as its request says."""
    requisite: int = 0
    """Steps from the page that needs it, as its request says. Its links are not followed."""
    is_suspect: bool = False
    """Whether a worker died of it, or ran out of time or memory. Then it is scanned, without the user's function."""
    is_cut: bool = False
    """Whether the body is only a beginning."""
    may_be_brief: bool = False
    """Whether pages like it are well known. Then a long text is not hashed, see `Page.is_brief`."""
    looks_for: str = ""
    """Whether to say that the page needs rendering: `auto`, `always`; empty: no."""
    is_rendered: bool = False
    """Whether the body is the document that scripts made of the answer."""
    led_to: tuple[str, ...] = ()
    """Further links that a browser found in other states of the page."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """All headers as they were sent, for the user's own function. Without one they are not sent to the worker."""
    request: tuple[object, ...] | None = None
    """The values of the request (`values_of`), for the same purpose."""
    preferences: tuple[tuple[str, str], ...] = ()
    """Names and values of the header fields that speak of its use, if somebody wants to know."""

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[object, ...]:
        """Offers the body as a buffer of its own, where pickles know these, so that it may be carried apart."""
        values = _values_of_document(self)
        if int(protocol) < _WITH_BUFFERS:
            return Document, values
        url, _, *rest = values
        return Document, (url, pickle.PickleBuffer(self.body), *rest)


_values_of_document: Callable[[Document], tuple[object, ...]] = attrgetter(*(field.name for field in fields(Document)))
values_of: Callable[[Request], tuple[object, ...]] = attrgetter(*(field.name for field in fields(Request)))
"""Returns all values of a request. They are sent to a worker at half the cost of the request itself."""


USAGE_FIELDS = ("content-signal", "content-usage", "tdm-reservation", "tdm-policy")
"""The header fields beside X-Robots-Tag that speak of use."""
_RENDERED_TYPE = "text/html; charset=utf-8"


def make_document(
    request: Request,
    response: Response,
    *,
    is_for_function: bool,
    may_be_brief: bool = False,
    for_usage: tuple[str, ...] = (),
) -> Document:
    """Returns the document of an answer, as it was rendered if it was.

    `is_for_function`: a function of the user gets headers and request, too. `for_usage`: the names of header fields
    that speak of its use.
    """
    made = response.rendered
    is_rendered = made is not None and bool(made.html)
    return Document(
        url=request.url,
        body=made.html if made and is_rendered else response.body,
        content_type=_RENDERED_TYPE if is_rendered else response.header("content-type"),
        content_encoding="" if is_rendered else response.header("content-encoding"),
        is_rendered=is_rendered,
        led_to=made.led_to if made and is_rendered else (),
        anchor=request.anchor,
        depth=request.depth,
        extra_hop=request.extra_hop,
        requisite=request.requisite,
        status=response.status,
        priority=request.priority,
        is_sitemap=request.via is not None and request.via.path == ROBOTS_PATH,
        links=response.all("link"),
        robots=response.all("x-robots-tag"),
        refresh=f"0; url={made.moved_to}" if made and made.moved_to else response.header("refresh"),
        is_cut=bool(response.truncated),
        may_be_brief=may_be_brief,
        headers=response.headers if is_for_function else (),
        request=values_of(request) if is_for_function else None,
        preferences=tuple((name, value) for name in for_usage for value in response.all(name)),
    )


@dataclass(frozen=True, slots=True)
class ParseJob:
    """Settings that all documents of a run share. It is small, because it is sent with every batch."""

    key: bytes
    """The crawl's fingerprint key, 1 to 64 bytes."""
    run: bytes
    """A random token of this run. A worker remembers for each run which links it has reported."""
    bounds: Bounds
    max_depth: int | None
    """Deeper links are never news, even if `bounds` allows them."""
    max_body_bytes: int
    """Limit of the decoded body."""
    keeps_oversized: bool
    """Whether a larger body is read up to the limit. Otherwise it is refused."""
    max_links: int
    """Links of one page that are followed. A sitemap has its own limit."""
    tree_bytes: int
    """A document whose tree would need more memory, by a rough estimate, is scanned instead."""
    policy: Policy
    """Decides which spellings of a URL count as one. It is applied to all links."""
    follow: frozenset[str]
    """Kinds of links that are followed: some of `links.KINDS`."""
    nofollow: Literal["ignore", "pages", "links"]
    """Which `nofollow` counts: none, that of whole pages, or that of single links too."""
    agent: str
    """Our product token in lower case. Robots directives use it as our name."""
    wants_links: bool
    """Whether to fill `Page.links_json`."""
    wants_text: bool
    """Whether to fill `Page.text`."""
    wants_markdown: bool
    """Whether to fill `Page.markdown`."""
    wants_metadata: bool
    """Whether to fill `Page.metadata_json`."""
    wants_structured: bool
    """Whether to fill `Page.structured_json`."""
    part: Literal["main", "page"]
    """The part of a page that text and markdown are made of: its main part, or all that is seen of it."""
    focus: tuple[str, ...]
    """Words by which links are ordered, see `focus`. Empty: they are not."""
    wants_simhash: bool
    """Whether to fill `Page.simhash` of each page, also of those that are brief."""
    quality: Literal["fast", "best"]
    """How the main part of a page is found."""
    wants_sketch: bool = False
    """Whether to fill `Page.sketch`."""
    wants_pdf: bool = False
    """Whether PDF files are read."""
    wants_audit: bool = False
    """Whether to fill `Page.audit_json` of pages in reach."""
    extra_hops: int = 0
    """Links that leave the reach are followed so many hops further out."""
    wants_usage: bool = False
    """Whether to fill `Page.usage`."""
    most_requisites: int = 0
    """Most URLs that a document needs to be shown that are fetched. 0: none is looked for."""
    fields: tuple[Selector, ...] = ()
    """The selectors of `extract.fields`. Their values become `Page.fields_json`."""
    data_follows: bool = False
    """Whether links of a page whose request has data become requests with the same data."""
    extract: Callable[[Content], object] | None = None
    """The user's own parse function. Its result becomes `Page.data_json`, its error `Page.data_error`."""
    returns: Literal["json", "pickle", "object"] = "json"
    """How its result comes back as a value: made of its JSON or of its pickle, or as it is, within one process."""

    @property
    def wants_headers(self) -> bool:
        """Whether documents come with the headers of their answers."""
        return self.wants_audit or self.data_follows or self.extract is not None

    @property
    def is_foreign(self) -> bool:
        """Whether somebody's function or selectors read each page, which may take any time."""
        return bool(self.fields) or self.extract is not None

    def is_slow_with(self, body: bytes) -> bool:
        """Whether another library reads this body, which may take it long: a PDF file, or a page at its best."""
        is_best = self.quality == "best" and (self.wants_text or self.wants_markdown or self.wants_metadata)
        return is_best or (self.wants_pdf and is_pdf(body))

    @property
    def wants_texts(self) -> bool:
        """Whether anything is to be taken out of pages beside links and what they are compared by."""
        return self.wants_text or self.wants_markdown or self.wants_metadata or self.wants_structured


_UNKNOWN = Request(Url(""))
"""Stands for a plain request of the page's own URL."""


@dataclass(frozen=True, slots=True)
class Content:
    """The input of the user's own parse function."""

    url: Url
    """The URL that was fetched."""
    status: int
    """The HTTP status of the answer."""
    content_type: str
    """The Content-Type header as it was sent."""
    body: bytes
    """The body without content codings."""
    page: Page
    """Our own reading of it: title, charset, kind, links."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """The headers of the answer, raw and in order of arrival."""
    request: Request = _UNKNOWN
    """The request that brought it, with the `label` and the `data` that it was queued with."""
    tree: turbohtml.Document | None = field(default=None, repr=False, compare=False)
    """The tree that title and links were read from. It is yours: change it as you like. No `<template>` is in it. None:
    the page is no HTML, or too large for a tree."""

    def __post_init__(self) -> None:
        if self.request is _UNKNOWN:
            object.__setattr__(self, "request", Request(self.url))

    @property
    def depth(self) -> int:
        """Hops from the seed."""
        return self.request.depth

    @property
    def seed(self) -> Url:
        """The seed that it descends from, which may be this URL."""
        return self.request.origin

    @property
    def via(self) -> Url | None:
        """The page that named it. None: it is a seed."""
        return self.request.via

    def header(self, name: str) -> str:
        """Returns the first value of the named header as latin-1 text, or an empty string."""
        return next(find_values(self.headers, name), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Returns all values of the named header as latin-1 text, in order."""
        return tuple(find_values(self.headers, name))

    @property
    def charset(self) -> str:
        """The name of the charset that the body was read in; empty: it is no text."""
        return self.page.charset

    @property
    def text(self) -> str:
        """Returns the body as text in the charset that was found. Invalid bytes become U+FFFD."""
        from .charset import decode  # noqa: PLC0415 - it loads the parser, which most processes never need

        return decode(self.body, self.page.charset)
