"""Names become addresses we may talk to."""

import asyncio
from collections.abc import Sequence

import pytest

from crawler.errors import FetchError
from crawler.fetch import Guard
from crawler.fetch.resolver import MAX_TRIES, MAX_TTL_S, MIN_TTL_S, SETBACK_TTL_S, NameAnswer, NameServers, Resolver
from crawler.model import Reason
from crawler.runtime.presence import Presence
from tests.defaults import DEFAULT

TIMEOUT_S = DEFAULT.fetch.connect_timeout_s


class Zone:
    """A name server of few words, counting what it is asked."""

    def __init__(self, addresses: Sequence[str] = ("8.8.8.8",), ttl_s: float = 120.0) -> None:
        self.addresses, self.ttl_s = addresses, ttl_s
        self.error: FetchError | None = None
        self.asked: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def ask(self, host: str) -> NameAnswer:
        self.asked.append(host)
        await self.may_answer.wait()
        if self.error:
            raise self.error
        return NameAnswer(self.addresses, self.ttl_s)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_name_is_asked_once_while_fresh() -> None:
    zone, clock = Zone(ttl_s=120), Clock()
    resolver = Resolver(Guard(()), zone.ask, clock=clock, timeout_s=TIMEOUT_S)
    assert resolver.known("a.test") == ()
    assert await resolver.addresses("a.test") == ("8.8.8.8",)
    clock.now = 119
    assert resolver.known("a.test") == ("8.8.8.8",)
    clock.now = 121
    assert resolver.known("a.test") == ()
    await resolver.addresses("a.test")
    assert zone.asked == ["a.test", "a.test"]


@pytest.mark.parametrize(("ttl_s", "kept_s"), [(0, MIN_TTL_S), (1e9, MAX_TTL_S)])
async def test_a_zone_may_not_say_how_long_we_believe_it_without_bounds(ttl_s: float, kept_s: float) -> None:
    zone, clock = Zone(ttl_s=ttl_s), Clock()
    resolver = Resolver(Guard(()), zone.ask, clock=clock, timeout_s=TIMEOUT_S)
    await resolver.addresses("a.test")
    clock.now = kept_s - 1
    assert resolver.known("a.test")
    clock.now = kept_s + 1
    assert not resolver.known("a.test")


async def test_many_who_ask_at_once_share_one_look_up_and_one_who_leaves_takes_nothing_with_him() -> None:
    zone = Zone()
    zone.may_answer.clear()
    resolver = Resolver(Guard(()), zone.ask, timeout_s=TIMEOUT_S)
    first, *others = [asyncio.create_task(resolver.addresses("a.test")) for _ in range(10)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    zone.may_answer.set()
    assert await asyncio.gather(*others) == [("8.8.8.8",)] * 9
    assert first.cancelled()
    assert zone.asked == ["a.test"]


@pytest.mark.parametrize("transient", [True, False])
async def test_a_name_that_failed_is_left_alone_for_a_while(transient: bool) -> None:
    zone, clock = Zone(), Clock()
    zone.error = FetchError(Reason.DNS, "no", transient=transient)
    resolver = Resolver(Guard(()), zone.ask, clock=clock, timeout_s=TIMEOUT_S)
    for _ in range(3):
        with pytest.raises(FetchError) as caught:
            await resolver.addresses("a.test")
        assert (caught.value.reason, caught.value.transient) == (Reason.DNS, transient)
    clock.now = SETBACK_TTL_S + 1
    zone.error = None
    if transient:
        assert await resolver.addresses("a.test")
    else:
        with pytest.raises(FetchError):
            await resolver.addresses("a.test")


@pytest.mark.parametrize(("absences", "asked"), [(1, 2), (2, 3), (9, MAX_TRIES)])
async def test_a_look_up_that_fails_while_we_are_away_is_made_again_a_few_times(absences: int, asked: int) -> None:
    zone, presence = Zone(), Presence(clock := Clock())

    async def ask(host: str) -> NameAnswer:
        zone.error = None
        if len(zone.asked) < absences:
            clock.now += 60
            zone.error = FetchError(Reason.DNS, "no answer", transient=True)
        return await zone.ask(host)

    resolver = Resolver(Guard(()), ask, presence=presence, timeout_s=TIMEOUT_S)
    with presence.watch():
        if absences < MAX_TRIES:
            assert await resolver.addresses("a.test") == ("8.8.8.8",)
        else:
            with pytest.raises(FetchError):
                await resolver.addresses("a.test")
    assert len(zone.asked) == asked


async def test_a_name_that_leads_inward_is_refused_and_says_where_it_led() -> None:
    resolver = Resolver(Guard(()), Zone(["10.0.0.7"]).ask, timeout_s=TIMEOUT_S)
    with pytest.raises(FetchError, match=r"a\.test is 10\.0\.0\.7: private") as caught:
        await resolver.addresses("a.test")
    assert caught.value.reason is Reason.BLOCKED_ADDRESS
    assert not caught.value.transient


async def test_of_several_addresses_only_those_that_pass_the_guard_are_given_out() -> None:
    resolver = Resolver(Guard(()), Zone(["127.0.0.1", "8.8.8.8", "::1"]).ask, timeout_s=TIMEOUT_S)
    assert await resolver.addresses("a.test") == ("8.8.8.8",)
    assert [found["host"] for found in await resolver.resolve("a.test", 443)] == ["8.8.8.8"]


async def test_hosts_known_beforehand_are_not_asked_for_but_guarded_all_the_same() -> None:
    zone = Zone()
    hosts = {"in.test": "127.0.0.5", "out.test": "9.9.9.9"}
    resolver = Resolver(Guard(()), zone.ask, hosts, timeout_s=TIMEOUT_S)
    assert await resolver.addresses("out.test") == ("9.9.9.9",)
    with pytest.raises(FetchError):
        await resolver.addresses("in.test")
    assert zone.asked == []


async def test_closing_ends_what_is_still_asked() -> None:
    zone = Zone()
    zone.may_answer.clear()
    resolver = Resolver(Guard(()), zone.ask, timeout_s=TIMEOUT_S)
    waiting = asyncio.create_task(resolver.addresses("a.test"))
    await asyncio.sleep(0)
    await resolver.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_localhost_is_what_the_hosts_file_says() -> None:
    names = NameServers((), TIMEOUT_S)
    found = await names.ask("localhost")
    await names.close()
    assert set(found.addresses) & {"127.0.0.1", "::1"}


async def test_a_name_that_cannot_be_is_a_final_setback() -> None:
    names = NameServers((), TIMEOUT_S)
    with pytest.raises(FetchError) as caught:
        await names.ask("a" * 64 + ".test")
    await names.close()
    assert caught.value.reason is Reason.DNS
    assert not caught.value.transient
