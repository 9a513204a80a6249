"""Who was stopped or asleep holds its own absence against nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import MethodType
from typing import Any, ClassVar, cast

import anyio
import pytest

import crawler
from crawler.engine.suspension import AGAIN_S, MOST_FORGIVEN, AbsenceJudge
from crawler.errors import FetchError
from crawler.fetch.resolver import NameAnswer, Resolver
from crawler.model import Disposition, Lease, Outcome, Position, Reason, Request, Response, Url
from crawler.protocols import Fetcher
from crawler.runtime.presence import AWAY_S, Presence


class HandClock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def presence(clock: HandClock) -> Iterator[Presence]:
    presence = Presence(clock)
    with presence.watch():
        yield presence


def ended(disposition: Disposition, reason: Reason | None = None, token: int = 1) -> Outcome:
    return Outcome(Lease(Request(Url("http://a/")), token), disposition, reason)


@pytest.mark.parametrize("disposition", [Disposition.FAILED, Disposition.DEFERRED])
def test_what_timed_out_while_we_were_away_was_no_attempt(
    clock: HandClock, presence: Presence, disposition: Disposition
) -> None:
    absence = AbsenceJudge(presence)
    begun = presence.beat()
    clock.now += 60
    judged = absence.forgive(ended(disposition, Reason.TIMEOUT), begun)
    assert (judged.disposition, judged.reason, judged.retry_in_s) == (Disposition.DEFERRED, None, AGAIN_S)


def test_a_connection_that_broke_meanwhile_and_is_missed_later_is_forgiven_too(
    clock: HandClock, presence: Presence
) -> None:
    absence = AbsenceJudge(presence)
    begun = presence.beat()
    clock.now += 60
    for _ in range(100):
        presence.beat()
        clock.now += AWAY_S / 2
    assert absence.forgive(ended(Disposition.FAILED, Reason.CONNECT), begun).disposition is Disposition.DEFERRED


def test_what_failed_while_we_were_here_counts(clock: HandClock, presence: Presence) -> None:
    absence = AbsenceJudge(presence)
    clock.now += 60
    begun = presence.beat()
    clock.now += AWAY_S / 2
    outcome = ended(Disposition.FAILED, Reason.TIMEOUT)
    assert absence.forgive(outcome, begun) is outcome


@pytest.mark.parametrize("reason", [None, Reason.STATUS_4XX, Reason.ROBOTS, Reason.PARSE_CRASH])
def test_what_has_nothing_to_do_with_it_counts(clock: HandClock, presence: Presence, reason: Reason | None) -> None:
    absence = AbsenceJudge(presence)
    begun = presence.beat()
    clock.now += 60
    outcome = ended(Disposition.FAILED, reason)
    assert absence.forgive(outcome, begun) is outcome


def test_who_is_away_all_the_time_comes_to_an_end_all_the_same(clock: HandClock, presence: Presence) -> None:
    absence = AbsenceJudge(presence)
    dispositions = []
    for _ in range(MOST_FORGIVEN + 1):
        begun = presence.beat()
        clock.now += 60
        dispositions.append(absence.forgive(ended(Disposition.FAILED, Reason.TIMEOUT), begun).disposition)
    assert dispositions == [Disposition.DEFERRED] * MOST_FORGIVEN + [Disposition.FAILED]


def test_a_visit_that_begins_after_the_return_is_judged_as_any(clock: HandClock, presence: Presence) -> None:
    clock.now += 60
    begun = presence.beat()
    outcome = ended(Disposition.FAILED, Reason.CONNECT)
    assert AbsenceJudge(presence).forgive(outcome, begun) is outcome


# -- whole crawls: what fails while we are away is no answer to a visit that begins after it ---------------------------

SETTINGS: dict[str, Any] = {"executor": "inline", "delay_s": 0.0, "max_attempts": 1, "reach": "any"}


class Ends:
    """A sink that keeps how each URL ended, calls `then` with it, and stops the crawl after `last`."""

    name = "ends"

    def __init__(self, last: str, then: Callable[[str], None] = lambda url: None) -> None:
        self.reasons: dict[str, Reason | None] = {}
        self.stop: Callable[[], None] = lambda: None
        self._last, self._then = last, then

    async def rewind(self, position: Position | None) -> None: ...

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        for outcome in outcomes:
            self.reasons[outcome.url.text] = outcome.reason
            self._then(outcome.url.text)
            if outcome.url.text == self._last:
                self.stop()
        return {}


async def crawl(
    seeds: Sequence[str], ends: Ends, clock: HandClock, ask: Any = None, fetcher: Fetcher | None = None, **said: Any
) -> dict[str, Reason | None]:
    """Crawls in a process whose absences `clock` plays; returns why each URL failed (None: it did not)."""
    settings = SETTINGS | said
    async with crawler.open_shared(**settings) as opened_parts:
        network = replace(opened_parts.network, ask=ask or opened_parts.network.ask)
        shared = replace(opened_parts, network=network, presence=Presence(clock))
        async with crawler.open_crawl(shared=shared, sinks=[ends], fetcher=fetcher, **settings) as opened:
            ends.stop = opened.stop
            with anyio.fail_after(60):
                await opened.run(seeds)
    return ends.reasons


class Sleeper:
    """Two sites. The machine falls asleep over the robots.txt of `b`; the page of `a` that links to `b` comes later."""

    def __init__(self, clock: HandClock) -> None:
        self._clock = clock
        self._slept = asyncio.Event()

    async def fetch(self, request: Request) -> Response:
        if request.url.text == "http://b/robots.txt" and not self._slept.is_set():
            self._clock.now += 60
            self._slept.set()
            raise FetchError(Reason.TIMEOUT, "no complete answer", transient=True)
        if request.url.text.endswith("/robots.txt"):
            return Response(request.url, 404, ())
        await self._slept.wait()
        await asyncio.sleep(0)
        headers = ((b"Content-Type", b"text/html"),)
        return Response(request.url, 200, headers, b"<a href=http://b/late>b</a> on " + request.url.text.encode())


async def test_a_robots_txt_that_timed_out_while_we_were_away_fails_no_later_page(clock: HandClock) -> None:
    reasons = await crawl(["http://b/", "http://a/"], Ends("http://b/late"), clock, fetcher=Sleeper(clock))
    assert reasons["http://b/late"] is None


@pytest.mark.parametrize("transient", [True, False])
async def test_a_name_that_was_not_found_while_we_were_away_is_asked_for_again(
    clock: HandClock, transient: bool
) -> None:
    asked: list[str] = []

    async def ask(host: str) -> NameAnswer:
        asked.append(host)
        if len(asked) == 1:
            clock.now += 60
            raise FetchError(Reason.DNS, "no answer", transient=transient)
        return NameAnswer(["127.0.0.1"], 60)

    server = await asyncio.start_server(Silent(answers=9).talk, "127.0.0.1", 0)
    async with server:
        url = f"http://a.test:{server.sockets[0].getsockname()[1]}/next"
        reasons = await crawl([url], Ends(url), clock, ask, allow_networks=["127.0.0.0/8"])
    assert reasons == {url: None}
    assert asked == ["a.test", "a.test"]


class Silent:
    """A server each of whose connections answers so many requests, and then no more, without closing."""

    pages: ClassVar = {b"/": b"<a href=/next>next</a>", b"/next": b"<a href=/last>last</a>"}

    def __init__(self, answers: int) -> None:
        self.answers, self.connections = answers, 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            for number in range(100):
                head = await reader.readuntil(b"\r\n\r\n")
                if number < self.answers:
                    body = self.pages.get(head.split()[1], b"")
                    fields = b"Content-Type: text/html\r\nContent-Length: %d" % len(body)
                    writer.write(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n" + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def test_a_connection_that_was_kept_while_we_were_away_is_not_used_again(clock: HandClock) -> None:
    silent = Silent(answers=2)
    server = await asyncio.start_server(silent.talk, "127.0.0.1", 0)

    def sleep(url: str) -> None:
        clock.now += 60 * (url == home)

    async with server:
        home = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        ends = Ends(f"{home}last", sleep)
        reasons = await crawl([home], ends, clock, allow_networks=["127.0.0.0/8"], timeout_s=2.0)
    assert reasons == dict.fromkeys((home, f"{home}next", f"{home}last"))
    assert silent.connections == 2


async def test_crawls_and_the_names_they_share_have_one_presence() -> None:
    async with crawler.open_shared(executor="inline") as shared:
        resolver = cast(MethodType, shared.network.ask).__self__
        assert isinstance(resolver, Resolver)
        assert resolver._presence is shared.presence
