"""One exchange, with servers of every kind."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct

import pytest

from crawler.errors import FetchError
from crawler.fetch import HttpFetcher
from crawler.model import Reason, Request, Response, Url
from tests.fetch.conftest import RawServer, Serve, Talk, ok, open_loopback


async def setback(fetcher: HttpFetcher, request: Request) -> FetchError:
    """What the fetch failed with; nothing of it stays charged."""
    with pytest.raises(FetchError) as caught:
        await fetcher.fetch(request)
    assert fetcher.budget.used == 0
    return caught.value


def once(answer: bytes, *, is_reset: bool = False) -> object:
    """Answers one request, then ends the connection."""

    def server(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await raw.read_head(reader)
            writer.write(answer)
            await writer.drain()
            if is_reset:
                sock: socket.socket = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        return talk

    return server


# --- what comes back ---


async def test_an_answer_comes_back_as_it_was_sent(serve: Serve, fetcher: HttpFetcher) -> None:
    body = gzip.compress(b"<title>hi</title>")
    server = await serve(ok(body, b"sErVeR: x", b"Set-Cookie: a=1", b"Content-Encoding: gzip", b"set-cookie: b=\xff"))
    response = await fetcher.fetch(server.request("/page?q=1"))
    assert response.status == 200
    assert response.body == body
    assert response.headers[:4] == (
        (b"sErVeR", b"x"),
        (b"Set-Cookie", b"a=1"),
        (b"Content-Encoding", b"gzip"),
        (b"set-cookie", b"b=\xff"),
    )
    assert (response.url, response.ip) == (Url(server.url + "/page?q=1"), "127.0.0.1")
    assert response.started_at > 1.7e9
    assert response.timings.connect > 0
    assert response.timings.ttfb > 0


@pytest.mark.parametrize("status", [301, 404, 429, 503, 999])
async def test_any_status_is_an_answer_and_nothing_is_followed(status: int, serve: Serve, fetcher: HttpFetcher) -> None:
    server = await serve(b"HTTP/1.1 %d What\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n" % status)
    response = await fetcher.fetch(server.request())
    assert (response.status, response.body) == (status, b"")
    assert len(server.heads) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_an_answer_without_a_body_is_whole(answer: bytes, serve: Serve, fetcher: HttpFetcher) -> None:
    server = await serve(answer)
    for _ in range(2):
        assert (await fetcher.fetch(server.request())).body == b""
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef",
    ],
)
async def test_framing_is_taken_off(answer: bytes, serve: Serve, fetcher: HttpFetcher) -> None:
    assert (await fetcher.fetch((await serve(answer)).request())).body == b"abcdef"


async def test_a_body_without_a_length_ends_with_its_connection(serve: Serve, fetcher: HttpFetcher) -> None:
    server = await serve(once(b"HTTP/1.0 200 OK\r\n\r\nabcdef"))
    assert (await fetcher.fetch(server.request())).body == b"abcdef"


@pytest.mark.parametrize("size", [1, 65_536, 65_537, 3_000_000])
async def test_a_body_of_any_size_arrives_whole(size: int, serve: Serve, fetcher: HttpFetcher) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    response = await fetcher.fetch((await serve(ok(body))).request())
    assert response.body == body
    assert fetcher.budget.used == size + len(response.heads.response)
    response.release()
    assert fetcher.budget.used == 0


# --- what we send ---


async def test_a_request_says_who_asks_and_little_more(serve: Serve) -> None:
    server = await serve(ok())
    async with open_loopback(headers={"X-Team": "blue", "accept": "text/html"}) as fetcher:
        await fetcher.fetch(server.request("/a?b=%20c"))
    line, *fields = server.heads[0].decode().split("\r\n")
    assert line == "GET /a?b=%20c HTTP/1.1"
    assert fields == [
        f"Host: 127.0.0.1:{server.port}",
        "User-Agent: storybot/1.0",
        "Accept-Encoding: gzip, deflate, br, zstd",
        "X-Team: blue",
        "accept: text/html",
        "",
        "",
    ]


async def test_cookies_are_kept_only_where_wanted(serve: Serve) -> None:
    for wanted in (True, False):
        server = await serve(ok(b"", b"Set-Cookie: taste=sweet; Path=/"), "127.0.0.1")
        async with open_loopback(cookies=wanted, hosts={"jar.test": "127.0.0.1"}) as fetcher:
            for _ in range(2):
                await fetcher.fetch(Request(Url(f"http://jar.test:{server.port}/")))
        assert b"Cookie" not in server.heads[0]
        assert (b"Cookie: taste=sweet" in server.heads[1]) is wanted


# --- connections ---


async def test_a_connection_is_used_again(serve: Serve, fetcher: HttpFetcher) -> None:
    server = await serve(ok(b"hello"))
    timings = [(await fetcher.fetch(server.request(f"/{number}"))).timings for number in range(3)]
    assert server.connections == 1
    assert timings[0].connect > 0
    assert [timing.connect for timing in timings[1:]] == [0.0, 0.0]


async def test_a_connection_closed_as_we_reached_for_it_costs_nothing(serve: Serve, fetcher: HttpFetcher) -> None:
    def server(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await raw.read_head(reader)
            writer.write(ok(b"hello"))
            await raw.read_head(reader)  # and no answer to this one

        return talk

    raw = await serve(server)
    for _ in range(3):
        assert (await fetcher.fetch(raw.request())).body == b"hello"
    assert raw.connections == 3


async def test_a_server_that_says_close_is_believed(serve: Serve, fetcher: HttpFetcher) -> None:
    server = await serve(ok(b"hello", b"Connection: close"))
    for _ in range(2):
        await fetcher.fetch(server.request())
    assert server.connections == 2


# --- setbacks ---


@pytest.mark.parametrize(
    ("answer", "reason", "is_transient"),
    [
        (b"", Reason.BAD_RESPONSE, True),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Reason.BAD_RESPONSE, True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Reason.BAD_RESPONSE, True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\nabc", Reason.BAD_RESPONSE, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", Reason.BAD_RESPONSE, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n", Reason.BAD_RESPONSE, False),
        (b"\x00\x01 this is not HTTP\r\n\r\n", Reason.BAD_RESPONSE, False),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Reason.BAD_RESPONSE, False),
        (b"HTTP/1.1 200 OK\r\nBad Field Name: x\r\n\r\n", Reason.BAD_RESPONSE, False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", Reason.BAD_RESPONSE, False),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", Reason.BAD_RESPONSE, False),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: odd\r\nConnection: upgrade\r\n\r\n",
            Reason.BAD_RESPONSE,
            False,
        ),
    ],
)
async def test_what_is_no_answer_is_told_apart(
    answer: bytes, reason: Reason, is_transient: bool, serve: Serve, fetcher: HttpFetcher
) -> None:
    error = await setback(fetcher, (await serve(once(answer))).request())
    assert (error.reason, error.transient) == (reason, is_transient), error
    assert error.detail.isprintable()
    assert len(error.detail) < 300


async def test_a_reset_is_told_whenever_it_comes(serve: Serve, fetcher: HttpFetcher) -> None:
    before = await setback(fetcher, (await serve(once(b"", is_reset=True))).request())
    assert (before.reason, before.transient) == (Reason.CONNECT, True)
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc"
    amid = await setback(fetcher, (await serve(once(half, is_reset=True))).request())
    assert amid.transient


async def test_a_closed_port_is_a_refused_connection(fetcher: HttpFetcher) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = await setback(fetcher, Request(Url(f"http://127.0.0.1:{taken.getsockname()[1]}/")))
    assert (error.reason, error.detail, error.transient) == (Reason.CONNECT, "connection refused", True)


async def test_a_silent_server_is_given_up_on(serve: Serve) -> None:
    server = await serve(once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"))
    silent = await serve(b"")
    async with open_loopback(timeout_s=0.1) as fetcher:
        error = await setback(fetcher, silent.request())
        assert (error.reason, error.transient) == (Reason.TIMEOUT, True)
        assert (await setback(fetcher, server.request())).reason is Reason.BAD_RESPONSE


async def test_a_body_declared_too_large_is_not_read(serve: Serve) -> None:
    server = await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")  # and no byte of it comes
    async with open_loopback(max_body_bytes=1000) as fetcher:
        error = await setback(fetcher, server.request())
    assert (error.reason, error.detail) == (Reason.TOO_LARGE, "1,001 bytes declared, 1,000 allowed")
    assert not error.transient


@pytest.mark.parametrize("size", [1001, 900_000])
async def test_a_body_that_grows_too_large_is_cut_off(size: int, serve: Serve) -> None:
    server = await serve(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % size + b"x" * size)
    async with open_loopback(max_body_bytes=1000) as fetcher:
        assert (await setback(fetcher, server.request())).reason is Reason.TOO_LARGE


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://[::ffff:a00:1]/", "http://169.254.169.254/latest/"])
async def test_an_address_that_is_not_public_is_never_connected_to(url: str, fetcher: HttpFetcher) -> None:
    error = await setback(fetcher, Request(Url(url)))
    assert (error.reason, error.transient) == (Reason.BLOCKED_ADDRESS, False)


async def test_a_name_for_an_address_that_is_not_public_is_refused() -> None:
    async with open_loopback(hosts={"inward.test": "192.168.0.1"}) as fetcher:
        error = await setback(fetcher, Request(Url("http://inward.test/")))
    assert (error.reason, error.detail) == (Reason.BLOCKED_ADDRESS, "inward.test is 192.168.0.1: private")


async def test_other_schemes_are_refused(fetcher: HttpFetcher) -> None:
    assert (await setback(fetcher, Request(Url("ftp://127.0.0.1/")))).reason is Reason.BLOCKED_SCHEME


async def test_a_cancelled_fetch_leaves_nothing_behind(serve: Serve) -> None:
    silent = await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nabc")
    async with open_loopback(per_ip=1) as fetcher:
        for _ in range(3):
            task = asyncio.create_task(fetcher.fetch(silent.request()))
            while len(silent.heads) < _ + 1:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert fetcher.budget.used == 0
        assert fetcher.gates.is_entered("127.0.0.1")
        assert fetcher.routes.direct.open_connections <= 1  # the last one is being closed


# --- reading no more than wanted ---


@pytest.mark.parametrize("framing", [b"Content-Length: 3000000", b"X: y"])
async def test_a_capped_fetcher_keeps_the_beginning(framing: bytes, serve: Serve, fetcher: HttpFetcher) -> None:
    server = await serve(once(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + b"abc" * 1_000_000))
    response = await fetcher.capped(1000).fetch(server.request())
    assert response.body == (b"abc" * 334)[:1000]
    response.release()
    assert fetcher.budget.used == 0


async def test_a_capped_fetcher_leaves_short_bodies_whole(serve: Serve, fetcher: HttpFetcher) -> None:
    server = await serve(ok(b"abc"))
    responses: list[Response] = [await fetcher.capped(1000).fetch(server.request()) for _ in range(2)]
    assert [response.body for response in responses] == [b"abc", b"abc"]
    assert server.connections == 1
