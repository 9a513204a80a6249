"""How a visit ended: its disposition, its reason, and the whole record of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, cast

from ..dataclass import dataclass
from .page import Page
from .quick import quick
from .request import Lease, Request, Url
from .response import Response
from .statement import Statement

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    T_co = TypeVar("T_co", covariant=True, default=Any)
    """The type that the parse function returns. `Outcome` alone says nothing about it."""
else:  # only checkers need the default
    from typing import TypeVar

    T_co = TypeVar("T_co", covariant=True)


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
    USAGE = "usage"
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
    HTTP2_ONLY = "http2-only"
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
    SKIPPED = "skipped"
    REJECTED = "rejected"
    PARSE = "parse"
    PARSE_TIMEOUT = "parse-timeout"
    PARSE_CRASH = "parse-crash"
    RENDER = "render"
    NOT_ARCHIVED = "not-archived"
    INTERNAL = "internal"


class Capture(NamedTuple):
    """A record in a web archive."""

    filename: str
    """The name of the WARC file, once it is whole."""
    offset: int
    """The byte at which the record begins."""
    length: int
    """The bytes that it takes in the file."""


@quick
@dataclass(frozen=True, slots=True)
class Outcome(Generic[T_co]):
    """The whole record of one visit; every lease ends in exactly one.

    In a stream with a parse function that returns `Price`, it is an `Outcome[Price]`.
    """

    if not TYPE_CHECKING:  # that of Generic would set an attribute of each object, which a frozen class refuses
        __class_getitem__ = classmethod(GenericAlias)

    lease: Lease
    """The request as it was lent to this visit."""
    disposition: Disposition
    """How the visit ended."""
    reason: Reason | None = None
    """Why, where it was not fetched."""
    detail: str = ""
    """A few words for a person: `HTTP 503`, `connection refused`. No program parses them."""
    response: Response | None = None
    """The answer. None: there was none."""
    page: Page | None = None
    """The parsed page. None: the answer was not parsed."""
    found: tuple[Request, ...] = ()
    """Requests found beside `page.news`: the target of a redirect, the sitemaps that robots.txt names."""
    duplicate_of: Url | None = None
    """The URL that brought the same content before."""
    near_duplicate_of: Url | None = None
    """The URL whose text this page nearly repeats, if these are looked for."""
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
    """Monotonic seconds (`runtime.clock`) when the exchange ended: turns count from here."""
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
    _lines: list[tuple[object, bytes]] = field(default_factory=list, init=False, repr=False, compare=False)
    """Its records, by what they contain (`sinks/record`). Copies make their own."""
    capture: Capture | None = None
    """The place of the answer in a web archive, where one is written."""
    file: str = ""
    """The file in the crawl folder that has its body, where bodies are saved as files."""
    views: tuple[tuple[str, str], ...] = ()
    """Files in the crawl folder that show the page as it was rendered: `screenshot`, `print`, each with its file."""
    usage: tuple[Statement, ...] = ()
    """Statements of its site about the use of its content, if the crawl has purposes (`usage.purpose`)."""

    @property
    def request(self) -> Request:
        """The request that was visited."""
        return self.lease.request

    @property
    def url(self) -> Url:
        """The URL that was visited."""
        return self.lease.request.url

    @property
    def data(self) -> T_co | None:
        """The result of the parse function, as that returned it; None: it returned None, failed or was not called.

        Where nobody but the crawl folder takes outcomes, or where the result cannot be pickled or is too large, it is
        what JSON makes of it. Raises what unpickling it raises.
        """
        page = self.page
        if page is None:
            return None
        if page.returned is not None:
            return cast("T_co", page.returned.get())
        return cast("T_co", json.loads(page.data_json)) if page.data_json else None

    @property
    def fields(self) -> dict[str, Any] | None:
        """The values that selectors took out of the page, by name, as JSON has them; None: none were looked for."""
        found = self.page.fields_json if self.page else b""
        return cast("dict[str, Any]", json.loads(found)) if found else None

    def release(self) -> None:
        """Gives the memory of its response back to the budget for bodies."""
        if self.response is not None:
            self.response.release()

    @property
    def n_found(self) -> int:
        """How many URLs the visit found, known ones included."""
        page = self.page
        if page is None:
            return len(self.found)
        prints = page.news.fingerprints, page.beyond.fingerprints, page.requisites.fingerprints
        return len(self.found) + sum(map(len, prints)) // 8

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
