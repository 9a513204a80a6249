"""The nouns of a crawl: frozen values without I/O that rooms and processes exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag, StrEnum
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Url:
    """A canonical absolute http(s) URL, ASCII only. `urls.parse` makes it, so every Url *is* canonical."""

    text: str

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


@dataclass(frozen=True, slots=True)
class Request:
    """A URL to visit, and how the crawl found it. A *seed* has no `via`."""

    url: Url
    depth: int = 0
    """Hops from the seed. Redirect targets and sitemap entries keep the depth of the URL that named them."""
    via: Url | None = None
    """The page, redirect or sitemap that named it."""
    seed: Url | None = None
    """The seed it descends from, as it was given. None: it is a seed itself."""
    root: Url | None = None
    """The URL that scope measures from: the seed, or the URL that the seed redirected to. None: this URL."""
    attempt: int = 1
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

    @property
    def origin(self) -> Url:
        """The seed it descends from: another URL or this one."""
        return self.seed or self.url

    @property
    def anchor(self) -> Url:
        """The root it descends from: another URL or this one."""
        return self.root or self.url


@dataclass(frozen=True, slots=True)
class Lease:
    """One request lent by the frontier, until it is settled or released."""

    request: Request
    token: int
    """The row of the request in the frontier that lent it."""
    expires: float = float("inf")
    """Unix seconds. The frontiers here set no end, since a lease dies with its process."""
    is_alone: bool = True
    """No other request to its site is on lease, and none will be before this one comes back."""


@dataclass(frozen=True, slots=True)
class Timings:
    """How long each stage of one visit took, in milliseconds."""

    dns: float = 0.0
    connect: float = 0.0
    """TCP and TLS together; 0 on a connection that was reused."""
    ttfb: float = 0.0
    """From the end of the request to the answer's header."""
    download: float = 0.0
    queue: float = 0.0
    """From lease to the start of the exchange: robots, address limits and the byte budget."""
    parse: float = 0.0
    """From the end of the body to the parsed page, with the wait for a worker."""

    @property
    def total(self) -> float:
        """From lease to page, in milliseconds."""
        return self.dns + self.connect + self.ttfb + self.download + self.queue + self.parse


class Heads(NamedTuple):
    """The heads of one exchange, byte for byte. Each ends with its empty line."""

    request: bytes = b""
    """The request line and the fields, with cookies and passwords that the settings give for the site."""
    response: bytes = b""
    """The status line and the fields."""
    interim: tuple[bytes, ...] = ()
    """Heads of the interim answers (RFC 9110 15.2) that came before: 100, 103."""

    @property
    def status_line(self) -> bytes:
        """The first line of the answer without its end: `HTTP/1.1 200 OK`."""
        return self.response.partition(b"\n")[0].rstrip(b"\r")


class Share(Protocol):
    """The memory that a response takes of the budget for bodies. Used on the event loop only."""

    def give_back(self) -> None:
        """Gives the memory back to the budget. A second call does nothing."""


class _NoShare:
    """The share of a response whose memory no budget counts."""

    def give_back(self) -> None:
        """Does nothing: no budget counts this memory."""

    def __reduce__(self) -> str:
        return "NO_SHARE"


NO_SHARE: Share = _NoShare()
"""The share of responses made elsewhere: by a Fetcher of somebody else, by a test, or by unpickling."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer as it came over the wire: unparsed, its body still in its content codings.

    It takes memory of the budget for bodies until `release` is called. The crawl calls it when the visit is recorded.
    """

    url: Url
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    """Raw, in order of arrival."""
    body: bytes = b""
    ip: str = ""
    """The peer's address. Empty: it came through a proxy."""
    started_at: float = 0.0
    """Unix seconds when the exchange began."""
    timings: Timings = Timings()
    tls: str = ""
    """`verified`, or `unverified` if the settings trust any certificate. Empty without TLS."""
    truncated: str = ""
    """Why the body is not whole (WARC 1.1, 5.13): `length`, it is larger than allowed. Empty: it is whole."""
    heads: Heads = field(default=Heads(), repr=False)
    """The heads of the exchange as they were sent. Empty: the Fetcher does not tell them."""
    share: Share = field(default=NO_SHARE, repr=False, compare=False)
    """Its part of the budget for bodies. Copies made with `dataclasses.replace` have the same one."""

    def release(self) -> None:
        """Gives its memory back to the budget for bodies. A second call does nothing. The body stays readable."""
        self.share.give_back()

    def header(self, name: str) -> str:
        """Returns the first value of the named header as latin-1 text, or an empty string."""
        wanted = name.lower().encode()
        return next((value.decode("latin-1") for key, value in self.headers if key.lower() == wanted), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Returns all values of the named header as latin-1 text, in order."""
        wanted = name.lower().encode()
        return tuple([value.decode("latin-1") for key, value in self.headers if key.lower() == wanted])


@dataclass(frozen=True, slots=True)
class Links:
    """Canonical URLs in flat form, cheap to pickle. All fields have the same order."""

    texts: str = ""
    """The URLs joined by newlines (a canonical URL has none)."""
    fingerprints: bytes = b""
    """Eight bytes a URL, little-endian: `urls.fingerprint` under the crawl's key."""
    priorities: bytes = b""
    """One signed byte a URL: `Request.priority`, as a sitemap gives it. Empty: 0 for all."""
    modified: bytes = b""
    """Four bytes a URL, little-endian: Unix seconds of the last change by the sitemap; 0: unknown. Empty: 0 for all."""

    def __len__(self) -> int:
        return len(self.fingerprints) // 8

    def split(self) -> list[str]:
        """Returns the URLs as a list of strings."""
        return self.texts.split("\n") if self.texts else []


class LeftOut(IntFlag):
    """The rules that kept links of a page out of the crawl, as bits. Wider rules find these pages again by them."""

    REACH = 1
    """The links lead out of the reach of every seed."""
    PATTERNS = 2
    """`include` or `exclude` keeps them out."""
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
    """The result of parsing a body: small, picklable, made in a worker."""

    digest: bytes
    """SHA-256 of the decoded body."""
    length: int = 0
    """Bytes of the decoded body."""
    kind: str = "other"
    """The format it was parsed as: `html`, `sitemap`, `feed`, `text` or `other`."""
    charset: str = ""
    title: str = ""
    description: str = ""
    language: str = ""
    canonical: str = ""
    robots: str = ""
    """Directives of the page for robots that apply to this crawler: `noindex, nofollow`."""
    simhash: int = 0
    """A hash of 64 bits over the words of the text; near duplicates differ in few bits. 0: no text."""
    gist: int = 0
    """A hash of 64 bits over the letters of title and text, without words of its URL. Equal if only numbers differ."""
    numbers: int = 0
    """A sketch of the numbers in its text; `parse/evidence.py` says how to compare them."""
    media: bytes = b""
    """Four bytes for each picture, recording or document that it shows or offers; odd if a date names it."""
    end: tuple[int, int] = (0, 0)
    """The number of the last page of its series, as the page states it, and 64 bits that identify the series."""
    is_ahead: bool = False
    """The page shows pictures and has a date more than a year ahead, as pages of endless calendars have."""
    n_links: int = 0
    """Distinct URLs the page points to, in scope or not."""
    news: Links = Links()
    """Links in scope that this worker has not reported lately. If these are dropped, the links are lost."""
    links_json: bytes = b""
    """A JSON array of all links, if the record has links."""
    text: str = ""
    """The readable text, if the record has text."""
    data_json: bytes = b""
    """The result of the user's own parse function, as JSON."""
    data_error: str = ""
    """The error that the user's parse function raised, as `TypeError: ...`. The rest of the page is complete."""
    truncated: str = ""
    """Why only the start was read (WARC 1.1, 5.13): `length`, the rest did not fit; `unspecified`, it did not come."""
    is_scanned: bool = False
    """A tree would take too much memory, or a worker died of one: title and links come from a linear scan, no text."""
    note: str = ""
    """A message for a person, such as why the rest of a sitemap was not read."""
    left_out: int = 0
    """Bits of `LeftOut`: the rules that kept links of this page out of the crawl."""
    outside: bytes = b""
    """Fingerprints of the places out of reach that it links to, eight bytes each, little-endian. Links that this worker
    reported lately are not among them. If a new seed admits such a place, the page is read again."""
    blocked_by: str = ""
    """Evidence that the page comes from a protection that keeps crawlers out, in a few words. Empty: there is none."""


class Disposition(StrEnum):
    """The result of a visit. Every visit ends in exactly one; all but `parked` and `deferred` are final."""

    FETCHED = "fetched"
    REDIRECTED = "redirected"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    EXCLUDED = "excluded"
    PARKED = "parked"
    DEFERRED = "deferred"
    FAILED = "failed"


class Reason(StrEnum):
    """Why a visit did not end as `fetched`: a closed list whose words never change. docs/records.md explains each."""

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
    """A few words for a person: `HTTP 503`, `connection refused`. No program parses them."""
    response: Response | None = None
    page: Page | None = None
    found: tuple[Request, ...] = ()
    """Requests found beside `page.news`: the target of a redirect, the sitemaps that robots.txt names."""
    duplicate_of: Url | None = None
    retry_in_s: float | None = None
    """Deferred: seconds until the same URL may be tried again (a retry, not a revisit)."""
    revisit_in_s: float | None = None
    """Final: seconds until the page is due for a revisit. None: it is not scheduled."""
    rest_s: float = 0.0
    """Seconds from `ended` that the site rests before its next turn."""
    asked_s: float | None = None
    """Seconds of rest that the site asks for, with one request at a time. 0: it asks for none. None: not found out."""
    word_s: float | None = None
    """The part of `asked_s` that the site itself asked for, without our own delay. None: all of it."""
    ended: float = 0.0
    """`time.monotonic()` when the exchange ended: turns count from here."""
    visited_at: float = 0.0
    """Unix seconds when the visit began."""
    pattern: str = ""
    """Parked: the pattern of URLs that it is parked under."""
    repeats: tuple[int, ...] = ()
    """Rows of earlier visits whose answers turned out not to be content: each is visited again."""
    unparks: tuple[str, ...] = ()
    """Patterns whose URLs need not stay parked: their site gives other answers again."""
    checks: tuple[int, ...] = ()
    """Rows of earlier visits that brought content: each is fetched again, without a record, to check it still does."""

    @property
    def request(self) -> Request:
        return self.lease.request

    @property
    def url(self) -> Url:
        return self.lease.request.url

    def release(self) -> None:
        """Gives the memory of its response back to the budget for bodies."""
        if self.response is not None:
            self.response.release()

    @property
    def n_found(self) -> int:
        """How many URLs the visit found, known ones included."""
        return len(self.found) + (len(self.page.news) if self.page else 0)

    @property
    def is_final(self) -> bool:
        """Whether the URL is done. A deferred one is tried again, a parked one waits until a person unparks it."""
        return self.disposition not in (Disposition.DEFERRED, Disposition.PARKED)


class Bar(NamedTuple):
    """Why a leased request must not be fetched."""

    reason: Reason | None
    """None: not now; visits under way may make it unnecessary."""
    detail: str = ""
    pattern: str = ""
    """The pattern of URLs that it is parked under; empty: it is excluded."""


Position = Mapping[str, int]
"""How much a sink had durably written: file name, relative to the sink's folder -> length in bytes."""
