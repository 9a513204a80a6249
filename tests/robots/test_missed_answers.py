"""A robots.txt that is missed because this process was away is no answer of the site."""

from __future__ import annotations

import asyncio

import pytest

from crawler.errors import FetchError
from crawler.model import Reason, Request, Response, Url
from crawler.offload import Inline
from crawler.robots import UNREACHABLE_S, RobotsCache
from crawler.runtime.presence import Presence
from tests.robots.test_asking import HOME, ROBOTS, SITE, Clock, Script


class Away:
    """A Fetcher whose machine sleeps over its first `times` requests, which end in a time-out."""

    def __init__(self, script: Script, times: int = 1) -> None:
        self.presence = Presence(clock := Clock())
        self._script, self._clock, self._times = script, clock, times

    async def fetch(self, request: Request) -> Response:
        if not self._times:
            return await self._script.fetch(request)
        self._times -= 1
        self._clock.now += 60
        await asyncio.sleep(0)
        raise FetchError(Reason.TIMEOUT, "no complete answer", transient=True)


async def test_an_answer_missed_while_we_were_away_is_asked_for_again_by_the_next_caller() -> None:
    script = Script({ROBOTS: b"User-agent: *\nDisallow: /private\n"})
    away = Away(script)
    asking = RobotsCache(away, Inline(), "storybot/1.0", ttl_s=86400.0, clock=Clock(), presence=away.presence)
    with away.presence.watch():
        first, second = await asyncio.gather(asking.rules(HOME), asking.rules(HOME), return_exceptions=True)
        assert isinstance(first, FetchError)  # its visit is forgiven
        assert not isinstance(second, BaseException)
        assert second[1]
        assert not (await asking.rules(HOME))[0].allows(Url(SITE + "/private"))
    assert script.asked == [ROBOTS]


async def test_absences_do_not_make_a_site_be_asked_less_often() -> None:
    script, clock = Script({ROBOTS: (503, b"")}), Clock()
    away = Away(script, times=3)
    asking = RobotsCache(away, Inline(), "storybot/1.0", ttl_s=86400.0, clock=clock, presence=away.presence)
    with away.presence.watch():
        for _ in range(4):
            with pytest.raises(FetchError):
                await asking.rules(HOME)
    assert script.asked == [ROBOTS]
    assert asking.state(SITE).asked_in_s == UNREACHABLE_S[0]


async def test_rules_that_grow_old_while_we_are_away_hold_and_are_asked_for_again_at_once() -> None:
    script, clock = Script({ROBOTS: b"User-agent: *\nDisallow: /private\n"}), Clock()
    away = Away(script, times=0)
    asking = RobotsCache(away, Inline(), "storybot/1.0", ttl_s=100.0, clock=clock, presence=away.presence)
    with away.presence.watch():
        await asking.rules(HOME)
        clock.now, away._times = 101, 1
        assert not (await asking.rules(HOME))[0].allows(Url(SITE + "/private"))
        script.answers[ROBOTS] = b""
        assert (await asking.rules(HOME))[0].allows(Url(SITE + "/private"))


async def test_a_server_error_counts_though_we_were_away() -> None:
    presence, script = Presence(sleeping := Clock()), Script({ROBOTS: (503, b"")})
    asking = RobotsCache(script, Inline(), "storybot/1.0", ttl_s=86400.0, clock=Clock(), presence=presence)
    script.may_answer.clear()
    with presence.watch():
        first = asyncio.create_task(asking.rules(HOME))
        await asyncio.sleep(0)
        sleeping.now += 60
        script.may_answer.set()
        for asked in (first, asking.rules(HOME)):
            with pytest.raises(FetchError):
                await asked
    assert script.asked == [ROBOTS]
