"""The nouns of a crawl: frozen values that know no I/O and travel between rooms and processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Url:
    """A canonical absolute http(s) URL, ASCII only. `urls.parse` makes them: holding one means it *is* canonical."""

    text: str

    @property
    def site(self) -> str:
        """The politeness key, `scheme://host[:port]`: all that shares it takes turns."""
        return self.text[: self.text.index("/", 8)]

    @property
    def path(self) -> str:
        """What follows the site: path and query, beginning with a slash."""
        return self.text[self.text.index("/", 8) :]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Request:
    """A URL we intend to visit, and how we came to know it. A *seed* has no `via`."""

    url: Url
    depth: int = 0
    """Hops from the seed; redirects and sitemap entries keep the depth of what named them."""
    via: Url | None = None
    """The page, redirect or sitemap that named it."""
    seed: Url | None = None
    """The seed it descends from, as it was given; None: it is that seed itself."""
    root: Url | None = None
    """What scope measures from: the seed, or where the seed redirected to. None: this URL itself."""
    attempt: int = 1
    priority: int = 0
    """Lower goes first within a site; ties go in depth, then in discovery order."""
    redirects: int = 0
    """How many redirects in a row led here."""
    etag: str = ""
    """The ETag of an earlier answer: asks for a body only if the content is another now (RFC 9110 13.1.2)."""
    last_modified: str = ""
    """The Last-Modified of an earlier answer, likewise (RFC 9110 13.1.3)."""
    digest: bytes = b""
    """Of the content an earlier visit found; empty: there is none to compare with."""
    visit: int = 1
    """Which visit of this URL, all but the first being revisits; attempts of one visit share its number."""
    interval_s: float = 0.0
    """A revisit: how long the page was left alone before it."""
    is_reread: bool = False
    """The page was visited, and is fetched once more only for the links that were left out then: it gets no record."""

    @property
    def origin(self) -> Url:
        """The seed, whether it is this URL or another."""
        return self.seed or self.url

    @property
    def anchor(self) -> Url:
        """The root, whether it is this URL or another."""
        return self.root or self.url


@dataclass(frozen=True, slots=True)
class Lease:
    """The frontier's loan of one request, until it is settled or released."""

    request: Request
    token: int
    """Names the row in the frontier that lent it."""
    expires: float = float("inf")
    """Unix seconds; embedded frontiers lend without end, since a lease dies with its process."""
    is_alone: bool = True
    """Nothing else is out at its site, nor will be before this comes back."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of one exchange went, in milliseconds."""

    dns: float = 0.0
    connect: float = 0.0
    """TCP and TLS together; 0 on a connection used again."""
    ttfb: float = 0.0
    """From the request sent to the answer's header received."""
    download: float = 0.0
    queue: float = 0.0
    """From lease to the start of the exchange: robots, address limits and the byte budget."""
    parse: float = 0.0
    """From the body received to the page made: waiting for a worker included."""

    @property
    def total(self) -> float:
        """Lease to page, in milliseconds."""
        return self.dns + self.connect + self.ttfb + self.download + self.queue + self.parse


@dataclass(frozen=True, slots=True)
class Response:
    """What came over the wire, unparsed: the body still wears its content codings."""

    url: Url
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    """Raw, in order of arrival."""
    body: bytes = b""
    ip: str = ""
    """The peer's address; empty when a proxy stood between."""
    started_at: float = 0.0
    """Unix seconds when the exchange began."""
    timings: Timings = Timings()
    tls: str = ""
    """`verified`; `unverified` where settings trust any certificate; empty without TLS."""
    truncated: str = ""
    """Why the body is not whole (WARC 1.1, 5.13): `length`, it is larger than allowed. Empty: it is."""

    def header(self, name: str) -> str:
        """The named header's first value as latin-1 text, or an empty string."""
        wanted = name.lower().encode()
        return next((value.decode("latin-1") for key, value in self.headers if key.lower() == wanted), "")

    def all(self, name: str) -> tuple[str, ...]:
        """All values of the named header as latin-1 text, in order."""
        wanted = name.lower().encode()
        return tuple([value.decode("latin-1") for key, value in self.headers if key.lower() == wanted])


@dataclass(frozen=True, slots=True)
class Links:
    """Canonical URLs in flat form, cheap to pickle: the same order in both fields."""

    texts: str = ""
    """URLs joined by newlines (a canonical URL holds none)."""
    fingerprints: bytes = b""
    """Eight bytes a URL, little-endian: `urls.fingerprint` under the crawl's key."""
    priorities: bytes = b""
    """One signed byte a URL: `Request.priority`, as a sitemap gives it. Empty: 0 for all."""
    modified: bytes = b""
    """Four bytes a URL, little-endian: Unix seconds when it last changed, as a sitemap says; 0: unknown. Empty: all."""

    def __len__(self) -> int:
        return len(self.fingerprints) // 8

    def split(self) -> list[str]:
        """The URLs, one string each."""
        return self.texts.split("\n") if self.texts else []


class LeftOut(IntFlag):
    """The rules that kept links of a page out of the crawl: a few bits a page, so that wider rules find them again."""

    REACH = 1
    """They lead out of the reach of every seed."""
    PATTERNS = 2
    """`include` and `exclude`."""
    DEPTH = 4
    REPEATS = 8
    """Their path repeats itself (`max_repeats`)."""
    NOFOLLOW = 16
    MAX_LINKS = 32
    """The page has more links than are followed."""
    KINDS = 64
    """The page may hold kinds of links that are not followed (`follow`)."""


@dataclass(frozen=True, slots=True)
class Page:
    """What parsing made of a body: small and picklable, made in a worker."""

    digest: bytes
    """SHA-256 of the decoded body."""
    length: int = 0
    """Bytes of the decoded body."""
    kind: str = "other"
    """What it was parsed as: `html`, `sitemap`, `feed`, `text` or `other`."""
    charset: str = ""
    title: str = ""
    description: str = ""
    language: str = ""
    canonical: str = ""
    robots: str = ""
    """What it asks of robots, as far as it concerns us: `noindex, nofollow`."""
    simhash: int = 0
    """64 bits over the words of the text; near duplicates differ in few bits. 0: no text."""
    gist: int = 0
    """64 bits over the letters of title and text, but for the words of its URL: equal where only numbers differ."""
    numbers: int = 0
    """A sketch of the figures in its text: `parse/evidence.py` says how to compare them."""
    media: bytes = b""
    """Four bytes for each picture, recording or document that it shows or offers; odd ones are named by a date."""
    end: tuple[int, int] = (0, 0)
    """The number of the last page of its series, as the page names it, and 64 bits that tell which series it is."""
    is_ahead: bool = False
    """It shows pictures, and is of a date more than a year ahead, as endless calendars are."""
    n_links: int = 0
    """Distinct URLs the page points to, in scope or not."""
    news: Links = Links()
    """In-scope links that this worker did not report lately: whoever drops them loses them."""
    links_json: bytes = b""
    """A JSON array of all links, when the record wants them."""
    text: str = ""
    """The readable text, when the record wants it."""
    data_json: bytes = b""
    """What the user's own parse function returned, as JSON."""
    data_error: str = ""
    """What it raised instead, as `TypeError: ...`; the page is whole all the same."""
    truncated: str = ""
    """Why only a beginning was read (WARC 1.1, 5.13): `length`, more did not fit; `unspecified`, more did not come."""
    is_scanned: bool = False
    """Its tree would have cost too much: title and links come from a linear scan, and there is no text."""
    note: str = ""
    """What a person should know: that the rest of a sitemap was not read, and why."""
    left_out: int = 0
    """Bits of `LeftOut`: which rules kept links of it out of the crawl."""
    outside: bytes = b""
    """Eight bytes a place, little-endian: the fingerprints of the places out of reach that it links to, as far as this
    worker did not report these links lately. A new seed there makes the page worth another look."""
    blocked_by: str = ""
    """What marks it as the answer of a protection that keeps crawlers out: a few words. Empty: nothing does."""


class Disposition(StrEnum):
    """What became of a request; every visit ends in exactly one, and all but `parked` and `deferred` are final."""

    FETCHED = "fetched"
    REDIRECTED = "redirected"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    EXCLUDED = "excluded"
    PARKED = "parked"
    DEFERRED = "deferred"
    FAILED = "failed"


class Reason(StrEnum):
    """Why a visit did not end as `fetched`: a closed list, stable for ever. docs/records.md explains each."""

    ROBOTS = "robots"
    ROBOTS_UNREACHABLE = "robots-unreachable"
    OUT_OF_SCOPE = "out-of-scope"
    DEPTH_LIMIT = "depth-limit"
    PAGE_LIMIT = "page-limit"
    TRAP = "trap"
    DUPLICATE = "duplicate"
    BLOCKED_ADDRESS = "blocked-address"
    BLOCKED_SCHEME = "blocked-scheme"
    BAD_URL = "bad-url"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    TOO_SLOW = "too-slow"
    TOO_LARGE = "too-large"
    TOO_MANY_REDIRECTS = "too-many-redirects"
    BAD_RESPONSE = "bad-response"
    DECOMPRESSION = "decompression"
    STATUS_4XX = "status-4xx"
    STATUS_5XX = "status-5xx"
    RATE_LIMITED = "rate-limited"
    SOFT_OUTAGE = "soft-outage"
    BLOCKED = "blocked"
    MOVED = "moved"
    PARSE = "parse"
    PARSE_TIMEOUT = "parse-timeout"
    PARSE_CRASH = "parse-crash"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole record of one visit; every lease ends in exactly one."""

    lease: Lease
    disposition: Disposition
    reason: Reason | None = None
    detail: str = ""
    """A few words for a person: `HTTP 503`, `connection refused`. Never parsed by anyone."""
    response: Response | None = None
    page: Page | None = None
    found: tuple[Request, ...] = ()
    """What this visit discovered beside `page.news`: a redirect's target."""
    duplicate_of: Url | None = None
    retry_in_s: float | None = None
    """Deferred: how long until the same URL may be tried again; `retry` rather than `revisit`."""
    revisit_in_s: float | None = None
    """Final: how long until the page is due for another visit. None: it is not put on schedule."""
    rest_s: float = 0.0
    """How long the site rests before its next turn, from `ended`."""
    asked_s: float | None = None
    """The rest that the site asks for, one request at a time; 0: it asks for none; None: the visit did not find out."""
    word_s: float | None = None
    """What of `asked_s` is the site's own word, without our rest; None: all of it."""
    ended: float = 0.0
    """`time.monotonic()` when the exchange ended: turns count from here."""
    visited_at: float = 0.0
    """Unix seconds when the visit began."""
    pattern: str = ""
    """Parked: the pattern of URLs that it waits under."""
    repeats: tuple[int, ...] = ()
    """Rows of earlier visits whose answers turned out to be no content: each is visited once more."""
    unparks: tuple[str, ...] = ()
    """Patterns whose URLs need not wait any longer: their site answers otherwise again."""
    checks: tuple[int, ...] = ()
    """Rows of earlier visits that brought content: each is fetched again, without a record, to see if it still does."""

    @property
    def request(self) -> Request:
        return self.lease.request

    @property
    def url(self) -> Url:
        return self.lease.request.url

    @property
    def n_found(self) -> int:
        """How many URLs it found, known ones among them."""
        return len(self.found) + (len(self.page.news) if self.page else 0)

    @property
    def is_final(self) -> bool:
        """Whether the URL is done with: a deferred one comes again, a parked one when somebody says so."""
        return self.disposition not in (Disposition.DEFERRED, Disposition.PARKED)


class Bar(NamedTuple):
    """Why a request that was lent is not to be fetched."""

    reason: Reason | None
    """None: not now; others are under way that may make it needless."""
    detail: str = ""
    pattern: str = ""
    """The pattern of URLs that it is parked under; empty: it is excluded."""


Position = Mapping[str, int]
"""What a sink had durably written: file name, relative to the sink's folder -> length in bytes."""
