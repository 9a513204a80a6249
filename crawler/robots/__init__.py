"""Decides what robots.txt allows: fetches it once per site while it is fresh, and reads it as RFC 9309 says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from .. import urls
from ..errors import FetchError, OutOfFiles, UrlError, VisitError
from ..model import Reason, Request, Response, Url
from ..parse.codings import decode
from ..policy import redirects
from ..policy.politeness import setback
from ..proof import ROBOTS, grounds, redirected_robots
from ..protocols import Capping, Fetcher, Observer, Offloader, Rules
from ..runtime.clock import monotonic, wall
from ..runtime.presence import Presence
from ..settings import MOST_INLINE_BYTES
from ..standing import RobotsState
from .memory import Known, RobotsMemory
from .reading import MAX_BYTES, parse, product_token
from .rules import ALLOW_ALL, RobotsRules

__all__ = [
    "ALLOW_ALL",
    "MAX_BYTES",
    "IgnoreRobots",
    "RobotsCache",
    "RobotsMemory",
    "RobotsRules",
    "parse",
    "product_token",
]

MAX_REDIRECTS = 5
"""RFC 9309 2.3.1.2."""
INLINE_BYTES = 2 << 10
"""Files up to this size are read on the event loop, in 0.4 ms at worst. Most are; a worker reads longer ones."""
UNREACHABLE_S = (2.0, 8.0, 60.0, 600.0)
"""Pauses before a site is asked again, by its failures in a row.

The first two pauses end before a second and a third attempt at a page come round. After that a dead host costs its
pages no more time-outs.
"""

LONG_UNREACHABLE_S = 30 * 86400.0
"""A site that answered only with server errors for this long counts as having no robots.txt (RFC 9309 2.3.1.4: `a
reasonably long period, for example, 30 days`). Counted while this object lives, so in a crawl or daemon of a month and
more."""

_HOST_REASONS = (
    Reason.BLOCKED_ADDRESS, Reason.BLOCKED_SCHEME, Reason.BAD_URL, Reason.DNS, Reason.CONNECT, Reason.TLS,
    Reason.HTTP2_ONLY,
)  # fmt: skip


class IgnoreRobots:
    """Implements Robots for an owner who may ignore robots.txt: allows everything and fetches nothing."""

    async def rules(self, request: Request) -> tuple[Rules, bool]:
        return ALLOW_ALL, False

    def state(self, site: str) -> RobotsState:
        return RobotsState("ignored")

    def ask_again(self) -> None:
        """Does nothing."""


class RobotsCache:
    """Implements Robots: asks each site once while its answer is fresh, and shares that answer among all callers.

    After 200 the rules of the file hold. After 4xx, or more than five redirects, there are no rules. After 429, 5xx or
    no answer at all the site is unreachable, so nothing may be fetched (RFC 9309 2.3.1.4); 429 belongs here because it
    says `not now` and not `not here`. A site that answered once and is unreachable later keeps its old rules. A site
    that gave only server errors for LONG_UNREACHABLE_S has no rules; one that did not answer at all stays unreachable.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        offloader: Offloader,
        user_agent: str,
        ttl_s: float,
        clock: Callable[[], float] = monotonic,
        observer: Observer | None = None,
        presence: Presence | None = None,
        memory: RobotsMemory | None = None,
    ) -> None:
        """`observer` gets each answer before it is read. `memory` keeps the answers; None: one of its own."""
        self._fetcher = fetcher.capped(MAX_BYTES) if isinstance(fetcher, Capping) else fetcher
        self._observer = observer
        self._offloader = offloader
        self._agent = product_token(user_agent)
        self._ttl_s = ttl_s
        self._clock = clock
        self._presence = presence or Presence()
        self._memory = RobotsMemory() if memory is None else memory

    async def rules(self, request: Request) -> tuple[Rules, bool]:
        """Returns the rules of the request's site, and whether a fetch was needed for it now.

        Raises FetchError: ROBOTS_UNREACHABLE, or the error that any request to this host would meet (DNS, CONNECT ...).
        """
        site = request.url.site
        known, is_asked = self._fresh(site), False
        if known is None:
            known, is_asked = await self._learn(site)
        if known.rules is not None:
            return known.rules, is_asked
        raise known.error.copy()

    def state(self, site: str) -> RobotsState:
        """Returns what is known about a site, fresh or old, without asking it."""
        known = self._memory.known.get(site)
        if known is None:
            return RobotsState()
        asked_in_s = max(0.0, known.until - self._clock())
        if known.rules is None:
            return RobotsState("unreachable", None, asked_in_s, str(known.error))
        return RobotsState("open" if known.rules.is_open else "rules", known.rules.delay_s, asked_in_s)

    def ask_again(self) -> None:
        """Makes each site be asked again before its next page. Its old rules hold until then."""
        now = self._clock()
        for site, known in self._memory.known.items():
            if known.rules is not None:
                self._memory.known[site] = known._replace(until=now)

    async def _learn(self, site: str) -> tuple[Known, bool]:
        """Asks a site while other callers wait for the same answer. If the asking one is cancelled, the next one asks.

        Returns what is known, and whether this call asked.
        """
        async with self._memory.turn(site):
            known = self._fresh(site)
            if known is not None:
                return known, False
            known = await self._ask(site)
            self._memory.remember(site, known)
            return known, True

    def _fresh(self, site: str) -> Known | None:
        known = self._memory.known.get(site)
        return known if known and known.until > self._clock() else None

    async def _ask(self, site: str) -> Known:
        begun = self._presence.beat()
        try:
            rules = await self._fetch(Url(f"{site}/robots.txt"))
        except OutOfFiles:  # our own limit, not the site's fault
            raise
        except FetchError as error:
            if self._presence.beat() != begun and not isinstance(error, _ServerError):
                return self._unanswered(site, error)
            return self._unreachable(site, error)
        return Known(self._clock() + self._ttl_s, rules, _NO_ERROR, 0, math.inf)

    def _unanswered(self, site: str, error: FetchError) -> Known:
        """Returns what was known before: this process was away while it asked, so the next caller asks again."""
        now, before = self._clock(), self._memory.known.get(site)
        if before is None:
            return Known(now, None, error.copy(), 0, math.inf)
        return before._replace(until=now, error=error.copy())

    def _unreachable(self, site: str, error: FetchError) -> Known:
        now, before = self._clock(), self._memory.known.get(site)
        rules, failures = (before.rules, before.failures) if before else (None, 0)
        since = min(now, before.since if before else now) if isinstance(error, _ServerError) else math.inf
        if rules is None and now - since >= LONG_UNREACHABLE_S:
            rules = ALLOW_ALL
        until = now + UNREACHABLE_S[min(failures, len(UNREACHABLE_S) - 1)]
        return Known(until, rules, error.copy(), failures + 1, since)

    async def _fetch(self, url: Url) -> RobotsRules:
        """Returns the rules at `url`, or at the place it redirects to. Raises FetchError."""
        first, number = url, 0
        for _ in range(MAX_REDIRECTS + 1):
            grounds.set(ROBOTS if url is first else redirected_robots(number))
            try:
                response = await self._fetcher.fetch(Request(url))
            except FetchError as error:
                if isinstance(error, OutOfFiles) or (url is first and error.reason in _HOST_REASONS):
                    raise
                raise _unreachable(url, str(error), error.retry_after_s) from error
            try:
                if self._observer is not None:
                    await self._observer.observe(response)
                if not 300 <= response.status < 400:
                    return replace(await self._read(response), source=response.number)
            finally:
                response.release()
            number, target = response.number, _target(response)
            if target is None:
                break
            url = target
        return replace(ALLOW_ALL, source=number)

    async def _read(self, response: Response) -> RobotsRules:
        if response.status == 429 or response.status >= 500:
            error = setback(response, wall())
            raise _ServerError(
                Reason.ROBOTS_UNREACHABLE,
                f"{response.url}: HTTP {response.status}",
                transient=True,
                retry_after_s=error.retry_after_s if error else None,
            )
        if response.status >= 400 or not response.body:
            return ALLOW_ALL
        body, coding = response.body, response.header("content-encoding")
        try:
            if not coding and len(body) <= INLINE_BYTES:
                return parse(body, self._agent)
            size = max(len(body), MOST_INLINE_BYTES)  # never on the loop: one kilobyte may unpack to very much
            return await self._offloader.run(_decode_and_parse, body, coding, self._agent, size=size)
        except VisitError as error:
            raise _unreachable(response.url, str(error), None) from error


class _ServerError(FetchError):
    """Raised when the site answered with 429 or a server error."""


_NO_ERROR = FetchError(Reason.ROBOTS_UNREACHABLE)


def _target(response: Response) -> Url | None:
    try:
        return urls.parse(redirects.location(response), response.url) if redirects.is_redirect(response) else None
    except UrlError:
        return None


def _unreachable(url: Url, why: str, retry_after_s: float | None) -> FetchError:
    return FetchError(Reason.ROBOTS_UNREACHABLE, f"{url}: {why}", transient=True, retry_after_s=retry_after_s)


def _decode_and_parse(body: bytes, coding: str, agent: str) -> RobotsRules:
    """Decodes and reads a robots.txt, in a worker. Raises ParseError."""
    return parse(decode(body, coding, 8 * MAX_BYTES), agent)
