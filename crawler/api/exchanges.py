"""Makes single exchanges for the program, as politely as visits: a login before a crawl, or amid one."""

from __future__ import annotations

from dataclasses import replace

from .. import urls
from ..engine.site_turns import SiteTurn, SiteTurns
from ..errors import FetchError
from ..fetch.budget import give_back_held
from ..model import NO_SHARE, Reason, Request, Response, Url
from ..model.header_pairs import describe_decoded
from ..parse.codings import decode
from ..policy.pace import Pace
from ..policy.politeness import Politeness, setback
from ..proof import Grounds, grounds, grounds_of
from ..protocols import Fetcher, Offloader, Robots
from ..runtime.clock import monotonic, wall


class Exchanges:
    """Makes exchanges beside the visits of one crawl. While a site has one, and rests then, no visit of it starts."""

    def __init__(self, fetcher: Fetcher, robots: Robots, turns: SiteTurns, offloader: Offloader, pace: Pace) -> None:
        self._pace = pace
        self._fetcher = fetcher
        self._robots = robots
        self._turns = turns
        self._offloader = offloader

    async def fetch(
        self, request: Request, politeness: Politeness, limit_bytes: int, *, obeys_robots: bool, is_amid_visits: bool
    ) -> Response:
        """Returns the answer to one request, its body decoded and no part of the budget. Raises FetchError, ParseError.

        Where the answer asks for a wait (Retry-After with 429 or 503), the site rests that long, as after a visit.
        `is_amid_visits`: visits are under way, so the site may have been asked just now.
        """
        give_back_held()
        async with self._turns.take(request.url.site) as turn:
            site = request.url.site
            least_s = politeness.rest_s(site, None)
            if is_amid_visits:
                turn.free_at = max(turn.free_at, monotonic() + self._pace.rest_s(site, least_s, politeness.adapt))
            reasons = Grounds("single", least_s=least_s)
            if obeys_robots:
                await turn.wait_for_rest()
                reasons = await self._obey_robots(request, politeness, turn)
                least_s = reasons.least_s
            await turn.wait_for_rest()
            grounds.set(reasons)
            exchange, rest_s = self._pace.begin(site, least_s, politeness.adapt), least_s
            try:
                response = await self._fetcher.fetch(request)
                asked = setback(response, wall())
                rest_s = max(exchange.end(response), politeness.hold_s(asked.retry_after_s if asked else None))
            except FetchError as error:
                rest_s = max(exchange.fail(error), politeness.hold_s(error.retry_after_s))
                raise
            finally:
                turn.free_at = monotonic() + rest_s
        response.release()
        return await self.decode(replace(response, share=NO_SHARE), limit_bytes)

    async def decode(self, response: Response, limit_bytes: int) -> Response:
        """Returns the response with its body without content codings. Raises ParseError."""
        coding = response.header("content-encoding")
        body = response.body
        if coding:
            body = await self._offloader.run(decode, body, coding, limit_bytes)
        return replace(response, body=body, headers=describe_decoded(response.headers, len(body), is_text=False))

    async def _obey_robots(self, request: Request, politeness: Politeness, turn: SiteTurn) -> Grounds:
        """Returns how long the site rests by its robots.txt, and why. Raises FetchError if it disallows the request."""
        rules, was_asked = await self._robots.rules(request)
        rest_s = politeness.rest_s(request.url.site, rules.delay_s)
        if was_asked:
            turn.free_at = monotonic() + rest_s
        if not rules.allows(request.url):
            raise FetchError(Reason.ROBOTS, f"robots.txt disallows {request.url}; obeys_robots=False asks all the same")
        found = grounds_of(request, rules, politeness.word_s(rules.delay_s), rest_s, rest_s)
        return found._replace(purpose="single")


def make_request(wanted: str | Url | Request) -> Request:
    """Returns the request for a URL as it is written, with all its parameters. Raises UrlError, RequestError."""
    return urls.check_request(wanted if isinstance(wanted, Request) else Request(wanted))
