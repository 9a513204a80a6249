"""The heads of an exchange, byte for byte as the server got and gave them."""

from __future__ import annotations

import asyncio
import random

import pytest

from crawler.errors import FetchError
from crawler.fetch import HttpFetcher
from crawler.fetch.framing import split_heads
from crawler.fetch.wire import MAX_FIELD_BYTES, MAX_HEAD_BYTES
from crawler.model import Heads, Request, Response, Url
from tests.fetch.conftest import RawServer, Serve, Talk, ok, open_loopback
from tests.fetch.test_tls import secure, server_context, serving

EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"

HEADS = {
    "casing and order": b"HTTP/1.1 200 Very  well\r\nx-B: 2\r\nX-a:1\r\nX-A:  1 \r\nCONTENT-length: 2\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\nX-Long: one\r\n two\r\n\tthree\r\nContent-Length: 2\r\n\r\n",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n",
    "HTTP 1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n",
    "lone line feeds": b"HTTP/1.1 200 OK\nServer: old\nContent-Length: 2\n\n",
    "mixed line ends": b"HTTP/1.1 200 OK\r\nServer: old\nContent-Length: 2\r\n\n",
    "latin-1": b"HTTP/1.1 200 pr\xeat\r\nServer: caf\xe9 \xff\r\nContent-Length: 2\r\n\r\n",
    "not found": b"HTTP/1.1 404 Gone fishing\r\nContent-Length: 2\r\n\r\n",
    "long": b"HTTP/1.1 200 OK\r\n" + b"X-Y: %s\r\n" % (b"y" * 900) * 200 + b"Content-Length: 2\r\n\r\n",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
async def test_heads_are_kept_as_they_went_over_the_wire(head: bytes, serve: Serve, fetcher: HttpFetcher) -> None:
    server = await serve(head + b"ok")
    response = await fetcher.fetch(server.request("/a?b"))
    assert response.body == b"ok"
    assert response.heads == Heads(server.heads[0], head, ())
    assert response.heads.status_line == head.splitlines()[0]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("interim", [(), (GO_ON,), (EARLY, GO_ON, EARLY)], ids=["none", "100", "three"])
async def test_heads_that_come_in_pieces_are_told_apart(
    size: int, interim: tuple[bytes, ...], serve: Serve, fetcher: HttpFetcher
) -> None:
    answer = b"".join(interim) + PLAIN + b"ok"

    def in_pieces(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                await raw.read_head(reader)
                for i in range(0, len(answer), size):
                    writer.write(answer[i : i + size])
                    await writer.drain()
                    await asyncio.sleep(0)

        return talk

    server = await serve(in_pieces)
    for number in range(2):
        response = await fetcher.fetch(server.request(f"/{number}"))
        assert response.heads == Heads(server.heads[number], PLAIN, interim)
    assert server.connections == 1


async def test_each_answer_of_a_kept_connection_has_heads_of_its_own(serve: Serve, fetcher: HttpFetcher) -> None:
    def counting(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for number in range(5):
                await raw.read_head(reader)
                writer.write(ok(b"x", b"X-Number: %d" % number))

        return talk

    server = await serve(counting)
    for number in range(5):
        heads = (await fetcher.fetch(server.request(f"/{number}"))).heads
        assert heads.request == server.heads[number]
        assert heads.request.startswith(b"GET /%d HTTP/1.1\r\n" % number)
        assert b"X-Number: %d\r\n" % number in heads.response
    assert server.connections == 1


async def test_a_request_that_is_sent_again_has_the_heads_of_its_answer(serve: Serve, fetcher: HttpFetcher) -> None:
    """The server closed the kept connection as it was used."""

    def hanging_up(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await raw.read_head(reader)
            writer.write(ok(b"x", b"X-Number: %d" % raw.connections))
            await raw.read_head(reader)

        return talk

    server = await serve(hanging_up)
    await fetcher.fetch(server.request())
    heads = (await fetcher.fetch(server.request())).heads
    assert b"X-Number: 2" in heads.response
    assert server.heads == [heads.request] * 3


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n",
    ],
    ids=["redirect", "not modified", "no content", "chunked"],
)  # fmt: skip
async def test_answers_of_all_framings_have_heads(answer: bytes, serve: Serve, fetcher: HttpFetcher) -> None:
    body = b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n" if b"chunked" in answer else b""
    server = await serve(answer + body)
    request = Request(Url(server.url + "/"), etag='"x"', last_modified="yesterday")
    response = await fetcher.fetch(request)
    assert response.body == (b"abc" if body else b"")
    assert response.heads == Heads(server.heads[0], answer, ())
    assert b'If-None-Match: "x"\r\nIf-Modified-Since: yesterday\r\n\r\n' in response.heads.request


async def test_a_body_behind_an_answer_without_one_is_not_in_its_head(serve: Serve, fetcher: HttpFetcher) -> None:
    """The answer is read a second time then."""
    head = b"HTTP/1.1 204 No Content\r\nServer: odd\r\n\r\n"
    server = await serve(EARLY + head + b"<p>but there is one")
    response = await fetcher.fetch(server.request())
    assert (response.status, response.heads.response, response.heads.interim) == (204, head, (EARLY,))


async def test_an_answer_that_is_read_twice_has_its_interim_heads_once(serve: Serve, fetcher: HttpFetcher) -> None:
    head = b"HTTP/1.1 204 No Content\r\nServer: odd\r\n\r\n"

    def in_two_pieces(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await raw.read_head(reader)
            writer.write(EARLY)
            for _ in range(20):  # turns of the loop on which the client reads as well
                await asyncio.sleep(0)
            writer.write(head + b"<p>but there is one")

        return talk

    response = await fetcher.fetch((await serve(in_two_pieces)).request())
    assert (response.status, response.heads.response, response.heads.interim) == (204, head, (EARLY,))


async def test_a_proxy_is_told_more_and_that_is_what_the_head_says(serve: Serve) -> None:
    proxy = await serve(ok(b"relayed"))
    async with open_loopback(proxy=f"http://me:secret@127.0.0.1:{proxy.port}", allow_networks=()) as fetcher:
        response = await fetcher.fetch(Request(Url("http://far.test/page?q")))
    assert response.heads.request == proxy.heads[0]
    assert response.heads.request.startswith(b"GET http://far.test/page?q HTTP/1.1\r\n")
    assert b"Proxy-Authorization: " in response.heads.request
    assert "secret" not in repr(response)
    assert "Authorization" not in repr(response)


async def test_heads_are_those_within_tls() -> None:
    answer = ok(b"in confidence", b"Connection: close")
    async with serving(server_context()) as port, secure() as fetcher:
        heads = (await fetcher.fetch(Request(Url(f"https://secure.test:{port}/x")))).heads
    assert heads.request.startswith(b"GET /x HTTP/1.1\r\nHost: secure.test:%d\r\n" % port)
    assert heads.response == answer.removesuffix(b"in confidence")


async def test_heads_are_as_long_as_heads_may_be(serve: Serve, fetcher: HttpFetcher) -> None:
    line = b"X: " + b"y" * (MAX_FIELD_BYTES - 1000) + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\n" + line * (MAX_HEAD_BYTES // len(line)) + b"Content-Length: 2\r\n\r\n"
    response = await fetcher.fetch((await serve(head + b"ok")).request())
    assert response.heads.response == head
    assert fetcher.budget.used == len(head) + 2, "heads count in the memory for bodies"
    response.release()
    assert fetcher.budget.used == 0


async def test_an_idle_connection_keeps_no_head(serve: Serve, fetcher: HttpFetcher) -> None:
    await fetcher.fetch((await serve(EARLY + PLAIN + b"ok")).request())
    (wire,) = fetcher.files.idle
    assert (wire.head, wire.interim_heads, wire._head, wire._piece) == (b"", (), b"", b"")  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(8))
async def test_where_a_head_ends_is_where_the_parser_says(seed: int, serve: Serve, fetcher: HttpFetcher) -> None:
    """A head alone, with another body behind it, is the same answer."""
    chance = random.Random(seed)
    ends = [b"\r\n", b"\n"] if seed % 2 else [b"\r\n"]
    fields = [b"A: 1", b"B:", b" folded", b"\tmore", b"C: \x80\xff", b"D: a:b", b"E:\t", b"Server: x"]
    lines = [b"HTTP/1.1 200 OK", *chance.sample(fields, 5), b"Content-Length: 4"]
    head = b"".join(line + chance.choice(ends) for line in lines) + chance.choice(ends)
    lead = chance.choice([b"", b"\r\n"]) * (seed > 3)
    answers = [await _answer(serve, fetcher, lead + head + body) for body in (b"\n\n\r\n", b"abcd")]
    if None in answers:
        assert answers == [None, None]
        return
    for answer in answers:
        assert answer
        assert answer.heads.response == head
    assert len({answer.headers for answer in answers if answer}) == 1


async def _answer(serve: Serve, fetcher: HttpFetcher, answer: bytes) -> Response | None:
    server = await serve(answer)
    try:
        return await fetcher.fetch(server.request())
    except FetchError:  # the parser refuses it
        return None


def test_what_has_no_end_is_taken_as_far_as_it_goes() -> None:
    assert split_heads(b"HTTP/1.1 200 OK\r\n", 0) == (b"HTTP/1.1 200 OK\r\n", ())
    assert split_heads(b"\r\n\nHTTP/1.1 200 OK\r\n\r\n\r\n\r\n", 0) == (b"HTTP/1.1 200 OK\r\n\r\n", ())
