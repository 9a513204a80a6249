"""Name servers that are silent, wrong or broken: a `dns` setback each, in time, and no other host waits for it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest
from pydantic import ValidationError

from crawler.errors import FetchError
from crawler.fetch import HttpFetcher
from crawler.model import Reason, Request, Url
from crawler.settings import FetchConfig
from tests.fetch.conftest import Serve, ok, open_loopback

A, CNAME, AAAA = 1, 5, 28
NO_ERROR, FORMAT_ERROR, SERVER_FAILURE, NO_SUCH_NAME, REFUSED = 0, 1, 2, 3, 5
TRUNCATED = 0x0200


@dataclass(frozen=True)
class Query:
    """One question (RFC 1035 4.1) and ways to answer it."""

    message: bytes

    @property
    def name(self) -> str:
        labels, at = [], 12
        while self.message[at]:
            labels.append(self.message[at + 1 : at + 1 + self.message[at]].decode().lower())
            at += 1 + self.message[at]
        return ".".join(labels)

    @property
    def question(self) -> bytes:
        end = self.message.index(b"\0", 12) + 5
        return self.message[12:end]

    @property
    def kind(self) -> int:
        return int.from_bytes(self.question[-4:-2], "big")

    def answer(self, *records: bytes, code: int = NO_ERROR, flags: int = 0, mask: int = 0) -> bytes:
        number = int.from_bytes(self.message[:2], "big") ^ mask
        head = struct.pack("!6H", number, 0x8180 | flags | code, 1, len(records), 0, 0)
        return head + self.question + b"".join(records)

    def addresses(self, *texts: str, ttl_s: int = 300) -> bytes:
        found = [
            ip_address(text).packed for text in texts if ip_address(text).version == (6 if self.kind == AAAA else 4)
        ]
        return self.answer(*[record(b"\xc0\x0c", self.kind, data, ttl_s) for data in found])


def record(name: bytes, kind: int, data: bytes, ttl_s: int = 300) -> bytes:
    return name + struct.pack("!HHIH", kind, 1, ttl_s, len(data)) + data


def wire_name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


Answer = Callable[[Query], bytes | None]


@dataclass
class Zone(asyncio.DatagramProtocol):
    """A name server on loopback; what it answers stands by name, and whoever is not there does not exist."""

    answers: dict[str, Answer]
    asked: list[str] = field(default_factory=list)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        query = Query(data)
        self.asked.append(query.name)
        said = self.answers.get(query.name, unknown)(query)
        if said is not None:
            self._transport.sendto(said, addr)  # type: ignore[attr-defined]


def unknown(query: Query) -> bytes:
    return query.answer(code=NO_SUCH_NAME)


@asynccontextmanager
async def asking(answers: dict[str, Answer], **settings: object) -> AsyncIterator[tuple[HttpFetcher, Zone]]:
    """A fetcher that asks such a server alone."""
    loop = asyncio.get_running_loop()
    transport, zone = await loop.create_datagram_endpoint(lambda: Zone(answers), ("127.0.0.1", 0))
    server = f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    try:
        async with open_loopback(**{"name_servers": [server], "connect_timeout_s": 0.6, **settings}) as fetcher:  # type: ignore[arg-type]
            yield fetcher, zone
    finally:
        transport.close()


def silent(query: Query) -> None:
    return None


def cname_loop(query: Query) -> bytes:
    return query.answer(
        record(b"\xc0\x0c", CNAME, wire_name("other.loop.test")),
        record(wire_name("other.loop.test"), CNAME, b"\xc0\x0c"),
    )


BROKEN: dict[str, tuple[Answer, bool]] = {
    "is silent": (silent, True),
    "has failed": (lambda query: query.answer(code=SERVER_FAILURE), True),
    "refuses": (lambda query: query.answer(code=REFUSED), True),
    "cannot read": (lambda query: query.answer(code=FORMAT_ERROR), True),
    "says garbage": (lambda query: bytes(range(200)), True),
    "says nothing": (lambda query: b"", True),
    "says half of it": (lambda query: query.addresses("127.0.0.1", "::1")[:-3], True),
    "points beyond the message": (lambda query: query.answer(record(b"\xc0\xff", query.kind, b"\x7f\0\0\1")), True),
    "points at itself": (lambda query: query.answer(record(b"\xc0\x1d", query.kind, b"\x7f\0\0\1")), True),
    "answers another question": (
        lambda query: query.addresses("127.0.0.1", "::1").replace(b"\x04name", b"\x04nose"),
        True,
    ),
    "answers with another number": (lambda query: query.answer(mask=1), True),
    "sends back the question": (lambda query: query.message, False),
    "has more than fits, and no TCP": (lambda query: query.answer(flags=TRUNCATED), True),
    "knows no such name": (unknown, False),
    "knows no address": (lambda query: query.answer(), False),
    "leads in a circle": (cname_loop, False),
    "has an address of the wrong length": (
        lambda query: query.answer(record(b"\xc0\x0c", query.kind, b"\x7f\0")),
        True,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
async def test_a_name_server_that_fails_us_is_a_dns_setback_in_time(name: str) -> None:
    answer, is_transient = BROKEN[name]
    async with asking({"name.test": answer}) as (fetcher, _), asyncio.timeout(20):
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(Request(Url("http://name.test/")))
    assert (caught.value.reason, caught.value.transient) == (Reason.DNS, is_transient), caught.value
    assert caught.value.detail.startswith("name.test")
    assert caught.value.detail.isprintable()


async def test_a_name_is_found_and_asked_for_once(serve: Serve) -> None:
    server = await serve(ok(b"hello"))
    async with asking({"name.test": lambda query: query.addresses("127.0.0.1")}) as (fetcher, zone):
        for _ in range(3):
            assert (await fetcher.fetch(Request(Url(f"http://name.test:{server.port}/")))).body == b"hello"
    assert len(zone.asked) == 2  # for IPv4 and IPv6


@pytest.mark.slow
async def test_hundreds_of_dead_names_hold_up_nobody_else(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.fetch.resolver.MAX_WAIT_S", 15.0)  # the dead outlast the living on any machine
    server = await serve(ok(b"hello"))
    answers: dict[str, Answer] = {f"dead{number}.test": silent for number in range(300)}
    answers |= {f"live{number}.test": lambda query: query.addresses("127.0.0.1") for number in range(30)}
    async with asking(answers, connect_timeout_s=600.0) as (fetcher, zone), asyncio.timeout(60):
        dead = [
            asyncio.create_task(fetcher.fetch(Request(Url(f"http://{name}/")))) for name in answers if "dead" in name
        ]
        while len(set(zone.asked)) < 290:  # some questions are lost where the machine is busy
            await asyncio.sleep(0.01)
        live = [fetcher.fetch(Request(Url(f"http://{name}:{server.port}/"))) for name in answers if "live" in name]
        assert len(await asyncio.gather(*live)) == 30
        assert not any(task.done() for task in dead)
        for task in dead:
            task.cancel()
        await asyncio.gather(*dead, return_exceptions=True)


@pytest.mark.slow
async def test_all_pages_of_a_dead_name_share_one_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.fetch.resolver.SETBACK_TTL_S", 60.0)
    async with asking({"name.test": silent}) as (fetcher, zone), asyncio.timeout(20):
        requests = [Request(Url(f"http://name.test/{number}")) for number in range(20)]
        setbacks = await asyncio.gather(*map(fetcher.fetch, requests), return_exceptions=True)
        asked = len(zone.asked)
        with pytest.raises(FetchError, match="did not answer"):
            await fetcher.fetch(requests[0])
        assert len(zone.asked) == asked  # it is known by now
    assert {str(setback) for setback in setbacks} == {"dns: name.test: the name servers did not answer"}


@pytest.mark.slow
async def test_a_second_name_server_answers_for_a_silent_first(serve: Serve) -> None:
    server = await serve(ok(b"hello"))
    loop = asyncio.get_running_loop()
    deaf, _ = await loop.create_datagram_endpoint(lambda: Zone({"name.test": silent}), ("127.0.0.1", 0))
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Zone({"name.test": lambda query: query.addresses("127.0.0.1")}), ("127.0.0.1", 0)
    )
    servers = [f"127.0.0.1:{each.get_extra_info('sockname')[1]}" for each in (deaf, transport)]
    async with open_loopback(name_servers=servers, connect_timeout_s=4.0) as fetcher:
        assert (await fetcher.fetch(Request(Url(f"http://name.test:{server.port}/")))).body == b"hello"
    deaf.close()
    transport.close()


# --- names that lead inward ---


async def test_a_name_that_turns_inward_between_two_answers_is_never_followed_there(serve: Serve) -> None:
    """DNS rebinding: allowed first, private next."""
    inside = await serve(ok(b"secret"))
    turns = iter(["127.0.0.2"] * 2)  # for IPv4 and IPv6

    def turning(query: Query) -> bytes:
        return query.addresses(next(turns, "127.0.0.1"), ttl_s=0)

    async with asking({"name.test": turning}, allow_networks=("127.0.0.2/32",)) as (fetcher, zone):
        reasons = []
        for _ in range(3):
            with pytest.raises(FetchError) as caught:
                await fetcher.fetch(Request(Url(f"http://name.test:{inside.port}/")))
            reasons.append(caught.value.reason)
            fetcher.resolver._known.clear()  # as if its time were over
    assert reasons == [Reason.CONNECT, Reason.BLOCKED_ADDRESS, Reason.BLOCKED_ADDRESS]
    assert len(zone.asked) >= 4
    assert inside.connections == 0


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "127.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "::ffff:10.0.0.1", "fd00:ec2::254", "fe80::1"],
)
async def test_a_name_for_an_inward_address_is_refused(address: str) -> None:
    answers: dict[str, Answer] = {"name.test": lambda query: query.addresses(address)}
    async with asking(answers, allow_networks=()) as (fetcher, _):
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(Request(Url("http://name.test/")))
    assert (caught.value.reason, caught.value.transient) == (Reason.BLOCKED_ADDRESS, False)
    assert "name.test is" in caught.value.detail


async def test_of_a_mixed_answer_only_what_is_allowed_is_connected_to(serve: Serve) -> None:
    server = await serve(ok(b"hello"), "127.0.0.2")
    answers: dict[str, Answer] = {
        "name.test": lambda query: query.addresses("127.0.0.1", "10.0.0.1", "127.0.0.2", "::1")
    }
    async with asking(answers, allow_networks=("127.0.0.2/32",)) as (fetcher, _):
        response = await fetcher.fetch(Request(Url(f"http://name.test:{server.port}/")))
    assert (response.body, response.ip) == (b"hello", "127.0.0.2")


@pytest.mark.parametrize("host", ["localhost", "localhost.", "a.localhost", "a.b.localhost."])
async def test_localhost_by_any_name_is_loopback_and_refused(host: str) -> None:
    async with asking({}, allow_networks=()) as (fetcher, _):
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(Request(Url(f"http://{host}/")))
    assert caught.value.reason in (Reason.BLOCKED_ADDRESS, Reason.DNS)


@pytest.mark.parametrize("server", ["dns.test", "9.9.9.9:0", "9.9.9.9:x", "[::1", "9.9.9.9:70000", ""])
def test_a_name_server_that_is_no_address_is_refused(server: str) -> None:
    with pytest.raises(ValidationError, match="should"):
        FetchConfig(name_servers=(server,))


def test_name_servers_are_addresses_with_or_without_a_port() -> None:
    servers = ("9.9.9.9", "9.9.9.9:53", "2620:fe::fe", "[2620:fe::fe]:5353", "[::1]")
    assert FetchConfig(name_servers=servers).name_servers == servers
