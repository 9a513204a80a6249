"""Answers the requests of pages through the crawl's own fetcher: guard, robots.txt, turns, budget, cookies, archive."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from .. import urls
from ..engine.site_turns import SiteTurn, SiteTurns
from ..errors import FetchError, UrlError, VisitError
from ..fetch.budget import give_back_held
from ..model import Request, Response
from ..model.quick import replace
from ..parse.codings import decode
from ..policy.pace import Pace
from ..policy.politeness import Politeness, setback
from ..proof import Grounds, grounds, grounds_of
from ..protocols import Fetcher, Observer, Offloader, Robots
from ..runtime.clock import monotonic, wall
from .clock import Clock
from .stock import Stock

EMPTY_KINDS = frozenset({"Image", "Media", "Font"})
"""Kinds of requests that are answered empty unless answers are archived: nothing of them comes into the document."""
REFUSED_KINDS = frozenset({
    "CSPViolationReport", "EventSource", "FedCM", "Manifest", "Other", "Ping", "Prefetch", "SignedExchange",
    "TextTrack", "WebSocket",
})  # fmt: skip
"""Kinds of requests that are never made: reports about visitors, guesses at the next page, and endless answers."""
_DROPPED = frozenset({
    b"connection", b"content-disposition", b"content-encoding", b"content-length", b"keep-alive", b"transfer-encoding",
    b"content-security-policy-report-only", b"report-to", b"reporting-endpoints", b"nel", b"alt-svc",
})  # fmt: skip
"""Fields of answers that the browser does not get: bodies come decoded, whole, and not as downloads."""
_OURS = frozenset({
    "accept-encoding", "cache-control", "connection", "content-length", "cookie", "dnt", "host", "pragma", "te",
    "upgrade-insecure-requests", "user-agent",
})  # fmt: skip
"""Fields that our own fetcher sends, or that say nothing. The browser's are dropped, as are `sec-` and `proxy-`."""
_PIXEL = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00" \
         b"\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"  # fmt: skip
"""The smallest picture. An empty body would be a broken one, and some pages then show something else."""


class Asked(NamedTuple):
    """A request of a page, as the browser tells it."""

    url: str
    method: str
    kind: str
    headers: Mapping[str, str]
    body: bytes = b""


class Answer(NamedTuple):
    """An answer for the browser: its body decoded, its fields as they were sent."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Owner:
    """The page that asks."""

    site: str
    """Its site. The visit of the page holds one of the places of that site, and its requests take no further one."""
    ended: float
    """When the exchange for its document ended (monotonic)."""
    clock: Clock
    """Stands still while a request waits for the turn of its site."""
    turn: SiteTurn = field(default_factory=SiteTurn)
    """The turn of its own site: its requests come one by one there, each with the site's rest after it."""


@dataclass(frozen=True, slots=True)
class Supply:
    """Answers requests of pages. All pages of a crawl share one."""

    fetcher: Fetcher
    robots: Robots
    turns: SiteTurns
    offloader: Offloader
    politeness: Politeness
    pace: Pace
    limit_bytes: int
    """Limit of a decoded body."""
    observer: Observer | None = None
    """Archives the exchanges. None: nobody does, and pictures, media and fonts are not fetched."""
    keeps_cookies: bool = False
    fetches_pictures: bool = False
    """Whether pictures, media and fonts are fetched though nobody archives them: the page is to be shown."""
    stock: Stock = field(default_factory=Stock)

    async def answer(self, asked: Asked, owner: Owner) -> Answer | None:
        """Returns the answer to one request; None: it is not made, and fails in the browser. Raises no VisitError."""
        if asked.kind in REFUSED_KINDS or not asked.url.startswith(("http://", "https://")):
            return None
        if asked.kind in EMPTY_KINDS and self.observer is None and not self.fetches_pictures:
            return Answer(200, [(b"Content-Type", b"image/gif")], _PIXEL) if asked.kind == "Image" else None
        with suppress(VisitError, UrlError):
            request = self._request(asked)
            return await self._get(request, asked.kind, owner)
        return None

    def note_visit(self, site: str) -> None:
        """Notes that a visit has just had an exchange with a site: requests of pages keep its rest."""
        self.turns.note_visit(site)

    async def _get(self, request: Request, kind: str, owner: Owner) -> Answer | None:
        if found := self.stock.find(request):
            return Answer(*found)
        with owner.clock.pause():
            give_back_held()
            async with self._turn(request.url.site, owner) as turn:
                if found := self.stock.find(request):  # another page fetched it meanwhile
                    return Answer(*found)
                reasons = await self._ask_robots(request, turn, owner)
                if reasons is None:
                    return None
                await turn.wait_for_rest()
                grounds.set(reasons)
                response = await self._exchange(request, reasons.least_s, turn)
        try:
            body = await self._decode(response)
        finally:
            response.release()
        answer = Answer(response.status, self._pass_on(response), body)
        self.stock.keep(request, kind, response, answer)
        return answer

    @asynccontextmanager
    async def _turn(self, site: str, owner: Owner) -> AsyncIterator[SiteTurn]:
        """Waits for the turn of a site: that of the page itself at its own site, else that of all pages."""
        if site != owner.site:
            async with self.turns.take(site) as turn:
                yield turn
            return
        async with owner.turn.lock:
            yield owner.turn

    async def _ask_robots(self, request: Request, turn: SiteTurn, owner: Owner) -> Grounds | None:
        """Returns why the request may leave; None: the robots.txt of its site disallows it. Raises FetchError."""
        site, adapt = request.url.site, self.politeness.adapt
        await turn.wait_for_rest()
        rules, was_asked = await self.robots.rules(request)
        least_s = self.politeness.rest_s(site, rules.delay_s)
        rest_s = self.pace.rest_s(site, least_s, adapt)
        last = owner.ended if site == owner.site else self.turns.last_visit(site)
        turn.free_at = max(turn.free_at, (monotonic() if was_asked else last) + rest_s)
        if not rules.allows(request.url):
            return None
        found = grounds_of(request, rules, self.politeness.word_s(rules.delay_s), least_s, rest_s)
        return found._replace(purpose="requisite")

    async def _exchange(self, request: Request, least_s: float, turn: SiteTurn) -> Response:
        """Makes one exchange, shows it to the archive, and lets the site rest. Raises FetchError."""
        exchange = self.pace.begin(request.url.site, least_s, self.politeness.adapt)
        rest_s = least_s
        try:
            response = await self.fetcher.fetch(request)
            asked = setback(response, wall())
            rest_s = max(exchange.end(response), self.politeness.hold_s(asked.retry_after_s if asked else None))
        except FetchError as error:
            rest_s = max(exchange.fail(error), self.politeness.hold_s(error.retry_after_s))
            raise
        finally:
            turn.free_at = monotonic() + rest_s
        if self.observer is not None:
            await self.observer.observe(replace(response, aside="rendering"))
        return response

    async def _decode(self, response: Response) -> bytes:
        coding = response.header("content-encoding")
        if not coding:
            return response.body
        return await self.offloader.run(decode, response.body, coding, self.limit_bytes)

    def _pass_on(self, response: Response) -> list[tuple[bytes, bytes]]:
        return passed_on(response.headers, keeps_cookies=self.keeps_cookies)

    def _request(self, asked: Asked) -> Request:
        """Returns the request as our fetcher takes it. Raises UrlError."""
        fields = [(name, value) for name, value in asked.headers.items() if _is_sent(name.lower())]
        return urls.check_request(Request(asked.url, method=asked.method, headers=fields, body=asked.body))


def passed_on(headers: Sequence[tuple[bytes, bytes]], *, keeps_cookies: bool) -> list[tuple[bytes, bytes]]:
    """Returns the fields of an answer that the browser gets."""
    dropped = _DROPPED if keeps_cookies else _DROPPED | {b"set-cookie"}
    return [(name, value) for name, value in headers if name.lower() not in dropped]


def _is_sent(name: str) -> bool:
    return name not in _OURS and not name.startswith(("sec-", "proxy-"))
