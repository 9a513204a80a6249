"""When we may come again: how long a site rests, when a URL is tried again, and what a status means for both."""

from __future__ import annotations

from calendar import timegm
from dataclasses import dataclass
from email.utils import parsedate_tz
from enum import StrEnum

from ..errors import FetchError
from ..model import Disposition, Outcome, Reason, Response

_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""Statuses another attempt may cure (RFC 9110 15.5.9, 15.6; RFC 8470; RFC 6585; the 52x of proxies in wide use)."""
RETRY_AFTER_FACTOR = 10
"""Times the largest delay that a Retry-After is honoured."""
RETRY_FACTOR = 3.0
"""Each further attempt waits this much longer: a site that did not recover in seconds needs minutes."""

PATIENCE = (3.0, 27.0)
"""Times its site's rest: so long a URL waits that met a setback of the site at its first attempt, or at a later one.

Others find out first how the site is now: so an outage of some minutes spends no URL's last attempt.
"""


class Wait(StrEnum):
    """Why nothing of what is queued may be fetched yet."""

    REST = "rest"
    """Sites rest as long as our settings say."""
    ASKED = "asked"
    """Sites rest as long as they ask for (Crawl-delay)."""
    BUSY = "busy"
    """As many requests are under way at each site as it may have at a time."""
    ADDRESS = "address"
    """Likewise at each address."""
    RETRY = "retry"
    """All waits for another attempt, or for sites that are left alone after a setback."""
    DNS = "dns"
    """Likewise, and name servers did not answer."""
    HELD = "held"
    """Their owner holds the sites."""


LONGEST_RETRY_AFTER = 1024
"""Characters; a date has some 40."""
MOST_SILENT = 10_000
"""Sites that are kept before those are dropped whose time is over."""
CHANGED_FACTOR, UNCHANGED_FACTOR = 0.5, 2.0
"""Of the time between two visits of a page, by what the later one found: it swings around the time between changes."""


@dataclass(frozen=True, slots=True)
class Politeness:
    """Seconds throughout. All answers depend on the arguments alone."""

    delay_s: float = 1.0
    max_delay_s: float = 60.0
    max_attempts: int = 3
    retry_delay_s: float = 3.0
    max_redirects: int = 10
    revisit_after_s: float | None = None
    """The least time between two visits of a page; None: each page is visited once."""
    revisit_at_most_s: float = 30 * 86400.0
    """The most; never less than the least."""

    @property
    def max_retry_after_s(self) -> float:
        """Retry-After is honoured up to ten times the largest delay: a bounded lever in a stranger's hand."""
        return RETRY_AFTER_FACTOR * self.max_delay_s

    @property
    def longest_s(self) -> float:
        """Nothing waits longer than this, be it a site or another attempt."""
        last = self.retry_delay_s * RETRY_FACTOR ** min(max(self.max_attempts - 2, 0), 50)
        return max(self.delay_s, self.max_delay_s, self.max_retry_after_s, last)

    def rest_s(self, crawl_delay_s: float | None) -> float:
        """How long a site rests after an answer: ours, or its own larger Crawl-delay up to the cap."""
        return max(self.delay_s, min(crawl_delay_s or 0.0, self.max_delay_s))

    def asked_s(self, crawl_delay_s: float | None) -> float:
        """How long a site rests that asks for it, with one request at a time; 0: it does not ask, or is not heard."""
        return self.rest_s(crawl_delay_s) if self.word_s(crawl_delay_s) > 0 else 0.0

    def word_s(self, crawl_delay_s: float | None) -> float:
        """What of that the site itself asks for."""
        return min(crawl_delay_s or 0.0, self.max_delay_s)

    def hold_s(self, error_retry_after_s: float | None) -> float:
        """How long a site that asked us to stay away is left alone."""
        return min(error_retry_after_s or 0.0, self.max_retry_after_s)

    def retry_in_s(self, attempt: int, retry_after_s: float | None = None) -> float | None:
        """How long until the next attempt; None: that was the last one."""
        if attempt >= self.max_attempts:
            return None
        return max(self.retry_delay_s * RETRY_FACTOR ** (attempt - 1), self.hold_s(retry_after_s))

    def backoff_s(self, step: int) -> float:
        """How long a site rests at the `step`-th setback in a row that concerns it as a whole; 0: none did."""
        return min(self.retry_delay_s * RETRY_FACTOR ** min(step - 1, 50), self.max_retry_after_s) if step else 0.0

    def return_in_s(self, attempt: int, backoff_s: float) -> float | None:
        """How long until the next attempt of a URL whose site rests so long; None: that was the last one."""
        wait_s = self.retry_in_s(attempt)
        patience = PATIENCE[attempt > 1]
        return None if wait_s is None else max(wait_s, min(patience * backoff_s, self.max_retry_after_s))

    def revisit_in_s(self, outcome: Outcome) -> float | None:
        """How long a page is left alone after a final visit: half as long as before if it changed, twice if not.

        None: for good, since revisits are off or our own scope excludes it. Who fails counts as unchanged: the wait
        grows by steps, so that a site's bad hour costs little freshness and a page that is gone costs few requests.
        """
        least = self.revisit_after_s
        if least is None or (outcome.disposition is Disposition.EXCLUDED and outcome.reason is not Reason.ROBOTS):
            return None
        if outcome.request.visit == 1:
            return least
        wait_s = outcome.request.interval_s * (CHANGED_FACTOR if _has_changed(outcome) else UNCHANGED_FACTOR)
        return min(max(wait_s, least), max(least, self.revisit_at_most_s))


class Silence:
    """Sites that asked to be left alone, and until when: visits that were lent before they did wait too.

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


def setback(response: Response, now: float) -> FetchError | None:
    """What a status of 400 and above means for the visit; None for all others. `now` in Unix seconds."""
    status = response.status
    if status < 400:
        return None
    reason = Reason.RATE_LIMITED if status == 429 else Reason.STATUS_5XX if status >= 500 else Reason.STATUS_4XX
    wait_s = retry_after_s(response.header("retry-after"), now) if status in (429, 503) else None
    return FetchError(reason, f"HTTP {status}", transient=status in _TRANSIENT, retry_after_s=wait_s)


def retry_after_s(text: str, now: float) -> float | None:
    """Retry-After (RFC 9110 10.2.3), seconds or a date, as seconds from `now`; None when absent or nonsense."""
    text = text.strip()
    if len(text) > LONGEST_RETRY_AFTER:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:9])
    at = _http_date(text)
    return None if at is None else max(0.0, at - now)


def _has_changed(outcome: Outcome) -> bool:
    """Whether a revisit found other content than the visit before; a page that only redirects has none."""
    if outcome.disposition is Disposition.REDIRECTED:
        return bool(outcome.request.digest)
    return outcome.disposition in (Disposition.FETCHED, Disposition.DUPLICATE)


def _http_date(text: str) -> float | None:
    """Unix seconds of an HTTP-date (RFC 9110 5.6.7) in any of its three forms, of which asctime's names no zone."""
    try:
        fields = parsedate_tz(text)
        if fields is None:
            return None
        year, month, day, hour, minute, second = fields[:6]
        if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):
            return None
        return float(timegm((year, month, day, hour, minute, second)) - (fields[9] or 0))
    except (ValueError, OverflowError, IndexError, TypeError):  # what the module says of nonsense
        return None
