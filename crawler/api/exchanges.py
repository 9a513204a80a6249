"""Makes single exchanges for the program, as politely as visits: a login before a crawl, or amid one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from .. import urls
from ..errors import FetchError
from ..fetch.budget import give_back_held
from ..model import NO_SHARE, Reason, Request, Response, Url
from ..model.header_pairs import describe_decoded
from ..parse.codings import decode
from ..policy.pace import Pace
from ..policy.politeness import Politeness, setback
from ..proof import Grounds, grounds, grounds_of
from ..protocols import Fetcher, Frontier, Offloader, Robots


@dataclass(slots=True, eq=False)
class _Turn:
    """The turn of one site: one exchange at a time, with a rest after it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    free_at: float = 0.0
    """`time.monotonic()` at which its rest is over."""
    end: asyncio.TimerHandle | None = None


class Exchanges:
    """Makes exchanges beside the visits of one crawl. While a site has one, and rests then, no visit of it starts."""

    def __init__(self, fetcher: Fetcher, robots: Robots, frontier: Frontier, offloader: Offloader, pace: Pace) -> None:
        self._pace = pace
        self._fetcher = fetcher
        self._robots = robots
        self._frontier = frontier
        self._offloader = offloader
        self._turns: dict[str, _Turn] = {}
        self._is_closed = False
        self._held: set[str] = set()
        """The sites that the program holds."""

    async def fetch(
        self, request: Request, politeness: Politeness, limit_bytes: int, *, obeys_robots: bool, is_amid_visits: bool
    ) -> Response:
        """Returns the answer to one request, its body decoded and no part of the budget. Raises FetchError, ParseError.

        Where the answer asks for a wait (Retry-After with 429 or 503), the site rests that long, as after a visit.
        `is_amid_visits`: visits are under way, so the site may have been asked just now.
        """
        give_back_held()
        async with self._take_turn(request.url.site) as turn:
            site = request.url.site
            least_s = politeness.rest_s(site, None)
            if is_amid_visits:
                turn.free_at = max(turn.free_at, time.monotonic() + self._pace.rest_s(site, least_s, politeness.adapt))
            reasons = Grounds("single", least_s=least_s)
            if obeys_robots:
                await _wait_until(turn.free_at)
                reasons = await self._obey_robots(request, politeness, turn)
                least_s = reasons.least_s
            await _wait_until(turn.free_at)
            grounds.set(reasons)
            exchange, rest_s = self._pace.begin(site, least_s, politeness.adapt), least_s
            try:
                response = await self._fetcher.fetch(request)
                asked = setback(response, time.time())
                rest_s = max(exchange.end(response), politeness.hold_s(asked.retry_after_s if asked else None))
            except FetchError as error:
                rest_s = max(exchange.fail(error), politeness.hold_s(error.retry_after_s))
                raise
            finally:
                turn.free_at = time.monotonic() + rest_s
        response.release()
        return await self.decode(replace(response, share=NO_SHARE), limit_bytes)

    async def decode(self, response: Response, limit_bytes: int) -> Response:
        """Returns the response with its body without content codings. Raises ParseError."""
        coding = response.header("content-encoding")
        body = response.body
        if coding:
            body = await self._offloader.run(decode, body, coding, limit_bytes)
        return replace(response, body=body, headers=describe_decoded(response.headers, len(body), is_text=False))

    async def _obey_robots(self, request: Request, politeness: Politeness, turn: _Turn) -> Grounds:
        """Returns how long the site rests by its robots.txt, and why. Raises FetchError if it disallows the request."""
        rules, was_asked = await self._robots.rules(request)
        rest_s = politeness.rest_s(request.url.site, rules.delay_s)
        if was_asked:
            turn.free_at = time.monotonic() + rest_s
        if not rules.allows(request.url):
            raise FetchError(Reason.ROBOTS, f"robots.txt disallows {request.url}; obeys_robots=False asks all the same")
        found = grounds_of(request, rules, politeness.word_s(rules.delay_s), rest_s, rest_s)
        return found._replace(purpose="single")

    # -- turns -------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _take_turn(self, site: str) -> AsyncIterator[_Turn]:
        """Waits for the exchanges of the site that came before, and keeps visits from it until its rest is over."""
        turn = self._turns.setdefault(site, _Turn())
        if turn.end is not None:
            turn.end.cancel()
            turn.end = None
        self._frontier.hold(site)
        turn.waiting += 1
        try:
            async with turn.lock:
                yield turn
        finally:
            turn.waiting -= 1
            if not turn.waiting and not self._is_closed:
                rest_s = max(0.0, turn.free_at - time.monotonic())
                turn.end = asyncio.get_running_loop().call_later(rest_s, self._end_rest, site)

    def _end_rest(self, site: str) -> None:
        del self._turns[site]
        if site not in self._held:
            self._frontier.let_go(site)

    def close(self) -> None:
        """Ends all rests."""
        self._is_closed = True
        for turn in self._turns.values():
            if turn.end is not None:
                turn.end.cancel()

    # -- sites that the program holds --------------------------------------------------------------------------------

    def hold(self, site: str) -> None:
        """Keeps visits from a site until `let_go`."""
        self._held.add(site)
        self._frontier.hold(site)

    def let_go(self, site: str) -> None:
        self._held.discard(site)
        if site not in self._turns:
            self._frontier.let_go(site)

    @property
    def held(self) -> frozenset[str]:
        """The sites that the program holds."""
        return frozenset(self._held)


def make_request(wanted: str | Url | Request) -> Request:
    """Returns the request for a URL as it is written, with all its parameters. Raises UrlError, RequestError."""
    return urls.check_request(wanted if isinstance(wanted, Request) else Request(wanted))


async def _wait_until(moment: float) -> None:
    if (left_s := moment - time.monotonic()) > 0:
        await asyncio.sleep(left_s)
