"""A request to visit a URL: how the crawl found it, and its loan to a visit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from hashlib import sha256
from typing import TYPE_CHECKING

from ..dataclass import dataclass
from .quick import quick

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
"""Methods that ask and change nothing (RFC 9110 9.2.1): the crawl may send such a request again on its own account."""
REQUISITES = 256
"""The number after which the ways of requisites begin (`Request.way`); all below are extra hops."""
IDEMPOTENT = frozenset((*SAFE, "PUT", "DELETE"))
"""Methods whose requests may be sent again though nobody knows what became of the first (RFC 9110 9.2.2)."""


@dataclass(frozen=True, slots=True)
class Url:
    """A canonical absolute http(s) URL, ASCII only. `urls.parse` makes it, so every Url *is* canonical."""

    text: str
    """The whole URL."""

    @property
    def site(self) -> str:
        """The politeness key, `scheme://host[:port]`. URLs with the same key are visited in turns."""
        return self.text[: self.text.index("/", 8)]

    @property
    def path(self) -> str:
        """Path and query, beginning with a slash."""
        return self.text[self.text.index("/", 8) :]

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[object, ...]:
        return Url, (self.text,)


@quick
@dataclass(frozen=True, slots=True)
class Request:
    """A URL to visit, and how the crawl found it. A *seed* has no `via`.

    Programs may give a text as `url`, and `headers` as a mapping; `urls.check_request` makes of these what stands here.
    """

    url: Url
    """The URL to visit."""
    depth: int = 0
    """Hops from the seed. Redirect targets and sitemap entries keep the depth of the URL that named them."""
    via: Url | None = None
    """The page, redirect or sitemap that named it."""
    seed: Url | None = None
    """The seed it descends from, as it was given. None: it is a seed itself."""
    root: Url | None = None
    """The URL that scope measures from: the seed, or the URL that the seed redirected to. None: this URL."""
    attempt: int = 1
    """Number of this attempt, from 1."""
    priority: int = 0
    """Lower goes first within a site; equal priorities go in order of depth, then of discovery."""
    redirects: int = 0
    """How many redirects in a row led here."""
    etag: str = ""
    """The ETag of an earlier answer: asks for a body only if the content has changed since (RFC 9110 13.1.2)."""
    last_modified: str = ""
    """The Last-Modified of an earlier answer, sent for the same purpose (RFC 9110 13.1.3)."""
    digest: bytes = b""
    """Digest of the content that an earlier visit found. Empty: there is none to compare with."""
    visit: int = 1
    """Number of this visit of the URL, from 1; all later ones are revisits. Attempts of one visit share its number."""
    interval_s: float = 0.0
    """Revisits only: seconds between the visit before and this one."""
    is_reread: bool = False
    """The page was visited before and is fetched again only for links that were left out. It gets no record."""
    method: str = "GET"
    """The method of the exchange (RFC 9110 9). Requests that differ in method, headers or body are different ones."""
    headers: tuple[tuple[str, str], ...] = ()
    """Fields that are sent in addition to those of the settings, or in their place."""
    body: bytes = b""
    """The content that is sent, at most 256 KiB."""
    label: str = ""
    """A word of the program that queued it, such as `list`. It does not make another request."""
    data: Mapping[str, object] | None = field(default=None, hash=False)
    """Values of the program that queued it, at most 16 KiB as JSON. They do not make another request."""
    extra_hop: int = 0
    """Hops that it lies outside the reach (`scope.extra_hops`), from 1. 0: no such hop led to it."""
    requisite: int = 0
    """Steps from the page that needs it to be shown: 1 for a stylesheet, 2 for a font that this names. 0: a page."""

    if TYPE_CHECKING:  # what a program may write; dataclass makes the function itself

        def __init__(  # noqa: PLR0913, PLR0917 - its fields
            self,
            url: Url | str,
            depth: int = 0,
            via: Url | None = None,
            seed: Url | None = None,
            root: Url | None = None,
            attempt: int = 1,
            priority: int = 0,
            redirects: int = 0,
            etag: str = "",
            last_modified: str = "",
            digest: bytes = b"",
            visit: int = 1,
            interval_s: float = 0.0,
            is_reread: bool = False,
            method: str = "GET",
            headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
            body: bytes = b"",
            label: str = "",
            data: Mapping[str, object] | None = None,
            extra_hop: int = 0,
            requisite: int = 0,
        ) -> None: ...

    @property
    def origin(self) -> Url:
        """The seed it descends from: another URL or this one."""
        return self.seed or self.url

    @property
    def anchor(self) -> Url:
        """The root it descends from: another URL or this one."""
        return self.root or self.url

    @property
    def way(self) -> int:
        """One number that orders the ways to a URL: 0 in reach, then the extra hops, then the steps of requisites."""
        return REQUISITES + self.requisite if self.requisite else self.extra_hop

    @property
    def is_plain(self) -> bool:
        """Whether it is a GET without header fields or a body of its own: its URL says all of it."""
        return self.method == "GET" and not self.headers and not self.body

    @property
    def identity(self) -> str:
        """The text that no other request has: the URL, and for one that is not plain what else is sent."""
        if self.is_plain:
            return self.url.text
        fields = sorted([(name.lower(), value) for name, value in self.headers], key=lambda one: one[0])
        lines = [f"{self.url.text}\n{self.method}", *map(": ".join, fields), sha256(self.body).hexdigest()]
        return "\n".join(lines)

    @property
    def is_safe(self) -> bool:
        """Whether its method only asks and changes nothing (RFC 9110 9.2.1)."""
        return self.method in SAFE

    @property
    def may_repeat(self) -> bool:
        """Whether it may be sent again where nobody knows whether the first one was heeded (RFC 9110 9.2.2)."""
        return self.method in IDEMPOTENT or any(name.lower() == "idempotency-key" for name, _ in self.headers)


@quick
@dataclass(frozen=True, slots=True)
class Lease:
    """One request lent by the frontier, until it is settled or released."""

    request: Request
    """The request that is lent."""
    token: int
    """The row of the request in the frontier that lent it."""
    expires: float = float("inf")
    """Unix seconds. The frontiers here set no end, since a lease dies with its process."""
    is_alone: bool = True
    """No other request to its site is on lease, and none will be before this one comes back."""
    request_id: str = ""
    """Sixteen hexadecimal digits for a request that is not plain, the same in all its visits. Empty: its URL is enough.
    It is made under the key of the crawl, so that nobody can guess a body by it."""
