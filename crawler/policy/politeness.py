"""Decides how long a site rests, when a URL is tried again, and what a status means for both."""

from __future__ import annotations

import re
from calendar import timegm
from email.utils import parsedate_tz
from enum import StrEnum

from ..dataclass import dataclass
from ..errors import FetchError
from ..model import Disposition, Outcome, Reason, Response
from .pace import Adapt
from .site_rules import SiteRules

_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""Statuses that another attempt may cure (RFC 9110 15.5.9, 15.6; RFC 8470; RFC 6585; the 52x of proxies in wide
use)."""
_REFUSED = frozenset({408, 425, 429, 503})
"""Those of them that say that the request was not carried out, so that any method may be tried again."""
_HTTP2 = re.compile(r"\bh2c?\b|\bHTTP/2", re.IGNORECASE)
"""Names of HTTP/2 in an Upgrade header, which 426 must have (RFC 9110 15.5.22)."""
RETRY_FACTOR = 3.0
"""Each further attempt waits this many times longer: a site that did not recover in seconds needs minutes."""

PATIENCE = (3.0, 27.0)
"""Waits of a URL after a setback of its site, as a multiple of the site's rest: at its first attempt, at a later one.

Other URLs find out first how the site is now, so an outage of some minutes spends no URL's last attempt.
"""


class Wait(StrEnum):
    """Reasons why none of the queued URLs may be fetched yet."""

    REST = "rest"
    """Sites rest as long as our settings say."""
    ASKED = "asked"
    """Sites rest as long as they ask for (Crawl-delay)."""
    BUSY = "busy"
    """Each site has as many requests under way as it may have at a time."""
    ADDRESS = "address"
    """Each address has as many requests under way as it may have at a time."""
    RETRY = "retry"
    """All URLs wait for another attempt, or for sites that are left alone after a setback."""
    DNS = "dns"
    """All URLs wait as in RETRY, mostly since name servers did not answer."""
    HELD = "held"
    """The user of the crawl holds the sites."""


LONGEST_RETRY_AFTER = 1024
"""In characters; a date has some 40."""
MOST_SILENT = 10_000
"""Most sites that are kept before those whose time is over are dropped."""
CHANGED_FACTOR, UNCHANGED_FACTOR = 0.5, 2.0
"""The next interval of a page, as a multiple of the last, if the page changed and if it did not. So the interval swings
around the time between changes."""


@dataclass(frozen=True, slots=True)
class Politeness:
    """The terms of politeness, in seconds. All answers depend on the arguments alone."""

    delay_s: float
    max_delay_s: float
    max_retry_after_s: float
    max_attempts: int
    retry_delay_s: float
    max_redirects: int
    revisit_after_s: float | None
    """Least time between two visits of a page; None: each page is visited once."""
    revisit_at_most_s: float
    """Longest time between two visits of a page; never less than `revisit_after_s`."""
    sites: SiteRules
    """Rules that differ for single sites."""
    adapt: Adapt | None = None
    """How sites that are slow or in trouble rest longer. None: they do not."""

    @property
    def longest_s(self) -> float:
        """Returns the longest wait there is, for a site or for another attempt."""
        last = self.retry_delay_s * RETRY_FACTOR ** min(max(self.max_attempts - 2, 0), 50)
        adapted_s = self.adapt.most_s if self.adapt else 0.0
        return max(self.delay_s, self.sites.longest_delay_s, self.max_delay_s, self.max_retry_after_s, adapted_s, last)

    def own_delay_s(self, site: str) -> float:
        """Returns our own delay at a site, as the settings have it. Everything that rests a site starts from it."""
        own = self.sites.delay_s(site)
        return self.delay_s if own is None else own

    def rest_s(self, site: str, crawl_delay_s: float | None) -> float:
        """Returns the least rest of a site after an answer: our delay, or its own larger Crawl-delay up to the cap."""
        return max(self.own_delay_s(site), min(crawl_delay_s or 0.0, self.max_delay_s))

    def asked_s(self, site: str, crawl_delay_s: float | None) -> float:
        """Returns the rest of a site that asks for a Crawl-delay, one request at a time; 0: none that is honoured."""
        return self.rest_s(site, crawl_delay_s) if self.word_s(crawl_delay_s) > 0 else 0.0

    def word_s(self, crawl_delay_s: float | None) -> float:
        """Returns the part of a rest that the site itself asks for."""
        return min(crawl_delay_s or 0.0, self.max_delay_s)

    def hold_s(self, error_retry_after_s: float | None) -> float:
        """Returns how long a site that asked us to stay away is left alone."""
        return min(error_retry_after_s or 0.0, self.max_retry_after_s)

    def retry_in_s(self, attempt: int, retry_after_s: float | None = None) -> float | None:
        """Returns the time until the next attempt; None: that was the last one."""
        if attempt >= self.max_attempts:
            return None
        return max(self.retry_delay_s * RETRY_FACTOR ** (attempt - 1), self.hold_s(retry_after_s))

    def backoff_s(self, step: int) -> float:
        """Returns how long a site rests at its `step`-th setback in a row that concerns the whole site; 0 at step 0."""
        return min(self.retry_delay_s * RETRY_FACTOR ** min(step - 1, 50), self.max_retry_after_s) if step else 0.0

    def return_in_s(self, attempt: int, backoff_s: float) -> float | None:
        """Returns the time until a URL's next attempt, if its site rests `backoff_s`; None: that was the last one."""
        wait_s = self.retry_in_s(attempt)
        patience = PATIENCE[attempt > 1]
        return None if wait_s is None else max(wait_s, min(patience * backoff_s, self.max_retry_after_s))

    def revisit_in_s(self, outcome: Outcome) -> float | None:
        """Returns the time until a page is visited again: half as long as before if it changed, twice if not.

        None: never, since revisits are off or our own scope excludes it. A failed visit counts as unchanged: the wait
        grows by steps, so that a site's bad hour costs little freshness and a page that is gone costs few requests.
        """
        least = self.revisit_after_s
        if least is None or (
            outcome.disposition is Disposition.EXCLUDED and outcome.reason not in (Reason.ROBOTS, Reason.USAGE)
        ):
            return None
        if outcome.request.visit == 1:
            return least
        wait_s = outcome.request.interval_s * (CHANGED_FACTOR if _has_changed(outcome) else UNCHANGED_FACTOR)
        return min(max(wait_s, least), max(least, self.revisit_at_most_s))


class Silence:
    """Sites that asked to be left alone, and until when: visits that were lent before also wait.

    Times are monotonic seconds.
    """

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def keep(self, site: str, until: float, now: float) -> None:
        if len(self._until) >= MOST_SILENT:
            self._until = {site: end for site, end in self._until.items() if end > now}
        self._until[site] = max(until, self._until.get(site, 0.0))

    def is_kept(self, site: str, now: float) -> bool:
        return self._until.get(site, 0.0) > now


def setback(response: Response, now: float, *, may_repeat: bool = True) -> FetchError | None:
    """Returns the setback that a status of 400 or above is; None for all others. `now` in Unix seconds.

    If the request may not be repeated, another attempt follows only on a status that says that it was not carried out.
    """
    status = response.status
    if status < 400:
        return None
    if status == 426 and _HTTP2.search(response.header("upgrade")):
        return FetchError(Reason.HTTP2_ONLY, "speaks HTTP/2 alone: HTTP 426 asks for it")
    reason = Reason.RATE_LIMITED if status == 429 else Reason.STATUS_5XX if status >= 500 else Reason.STATUS_4XX
    wait_s = retry_after_s(response.header("retry-after"), now) if status in (429, 503) else None
    return FetchError(
        reason, f"HTTP {status}", transient=status in (_TRANSIENT if may_repeat else _REFUSED), retry_after_s=wait_s
    )


def retry_after_s(text: str, now: float) -> float | None:
    """Returns Retry-After (RFC 9110 10.2.3), seconds or a date, as seconds from `now`; None when absent or nonsense."""
    text = text.strip()
    if len(text) > LONGEST_RETRY_AFTER:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:9])
    at = _parse_http_date(text)
    return None if at is None else max(0.0, at - now)


def _has_changed(outcome: Outcome) -> bool:
    """Returns whether a revisit found other content than the visit before; a page that only redirects has none."""
    if outcome.disposition is Disposition.REDIRECTED:
        return bool(outcome.request.digest)
    return outcome.disposition in (Disposition.FETCHED, Disposition.DUPLICATE)


def _parse_http_date(text: str) -> float | None:
    """Returns the Unix seconds of an HTTP-date (RFC 9110 5.6.7) in any of its three forms; None: it is no date.

    The form of asctime names no zone.
    """
    try:
        fields = parsedate_tz(text)
        if fields is None:
            return None
        year, month, day, hour, minute, second = fields[:6]
        if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):
            return None
        return float(timegm((year, month, day, hour, minute, second)) - (fields[9] or 0))
    except (ValueError, OverflowError, IndexError, TypeError):  # the module's errors for nonsense
        return None
