"""What counts as an answer (RFC 9112): the same whether it comes in one piece or in many."""

from __future__ import annotations

import asyncio

import pytest

from crawler.errors import FetchError
from crawler.fetch import HttpFetcher
from crawler.fetch.framing import find_final_head, find_plain_head, join_equal_lengths, split_heads
from crawler.fetch.wire import MAX_FIELDS, MAX_HEAD_BYTES
from crawler.model import Reason, Request, Url
from tests.fetch.conftest import RawServer, Serve, Talk, ok, open_loopback

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 3\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"\r\n3\r\nabc\r\n0\r\n\r\n"

ANSWERS = {
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n" + LENGTH + b"\r\nabc",
    "until the end": OK + b"\r\nabc",
    "no reason": b"HTTP/1.1 200\r\n" + LENGTH + b"\r\nabc",
    "an empty reason": b"HTTP/1.1 200 \r\n" + LENGTH + b"\r\nabc",
    "a reason in no charset": b"HTTP/1.1 200 \xc3\xa9\xff\r\n" + LENGTH + b"\r\nabc",
    "line feeds alone": b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
    "line ends of both kinds": b"HTTP/1.1 200 OK\nX: y\r\nContent-Length: 3\n\r\nabc",
    "blank lines first": b"\r\n\r\n\n" + OK + LENGTH + b"\r\nabc",
    "a folded field": OK + b"X: a\r\n b\r\n" + LENGTH + b"\r\nabc",
    "fields without values": OK + b"X:\r\nY:   \r\nContent-Length:3\r\n\r\nabc",
    "control characters": OK + b"X: a\x01\x7fb\r\n" + LENGTH + b"\r\nabc",
    "any letters": OK + b"TRANSFER-ENCODING: CHUNKED\r\n" + CHUNKS,
    "identity": OK + b"Transfer-Encoding: identity\r\n\r\nabc",
    "chunk extensions": OK + CHUNKED + b'\r\n3;a=b;c="d"\r\nabc\r\n0\r\n\r\n',
    "a chunk size with a space": OK + CHUNKED + b"\r\n3 \r\nabc\r\n0\r\n\r\n",
    "a trailer": OK + CHUNKED + b"\r\n3\r\nabc\r\n0\r\nX-Later: y\r\n\r\n",
    "chunks from HTTP/1.0": b"HTTP/1.0 200 OK\r\n" + CHUNKED + CHUNKS,
    "interim answers": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 8 + OK + LENGTH + b"\r\nabc",
    "an interim answer with a length": b"HTTP/1.1 100 Continue\r\n" + LENGTH + b"\r\n" + OK + LENGTH + b"\r\nabc",
    "as many fields as allowed": OK + b"X: y\r\n" * (MAX_FIELDS - 1) + LENGTH + b"\r\nabc",
    "an offer to upgrade": OK + b"Upgrade: h2c\r\nConnection: Upgrade\r\n" + LENGTH + b"\r\nabc",
    "more than was declared": OK + LENGTH + b"\r\nabcdef",
    "more, though it closes": OK + b"Connection: close\r\n" + LENGTH + b"\r\nabcdef",
    "more from HTTP/1.0": b"HTTP/1.0 200 OK\r\n" + LENGTH + b"\r\nabcdef",
    "a line end more": OK + LENGTH + b"\r\nabc\r\n",
    "an answer more": (OK + LENGTH + b"\r\nabc") + (OK + LENGTH + b"\r\nxyz"),
}
NO_ANSWERS = {
    "a length and chunks": OK + LENGTH + CHUNKED + CHUNKS,
    "chunks and a length": OK + CHUNKED + LENGTH + CHUNKS,
    "two lengths": OK + LENGTH + b"Content-Length: 4\r\n\r\nabcd",
    "a list of lengths": OK + b"Content-Length: 3, 4\r\n\r\nabcd",
    "an empty list of lengths": OK + b"Content-Length: ,\r\n\r\nabc",
    "the same length twice and another": OK + LENGTH + LENGTH + b"Content-Length: 4\r\n\r\nabcd",
    "the same length twice and chunks": OK + LENGTH + LENGTH + CHUNKED + CHUNKS,
    "the same signed length twice": OK + b"Content-Length: +3\r\n" * 2 + b"\r\nabc",
    "a length twice, one folded": OK + LENGTH + b"Content-Length: 3\r\n 4\r\n\r\nabc",
    "a signed length": OK + b"Content-Length: +3\r\n\r\nabc",
    "a negative length": OK + b"Content-Length: -3\r\n\r\nabc",
    "a length beyond counting": OK + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
    "an empty length": OK + b"Content-Length:\r\n\r\nabc",
    "chunks twice": OK + CHUNKED + CHUNKED + CHUNKS,
    "a coding nobody asked for": OK + b"Transfer-Encoding: gzip, chunked\r\n" + CHUNKS,
    "chunked, but not last": OK + b"Transfer-Encoding: chunked, gzip\r\n" + CHUNKS,
    "nearly chunked": OK + b"Transfer-Encoding: xchunked\r\n" + CHUNKS,
    "chunked behind a control character": OK + b"Transfer-Encoding: \x0bchunked\r\n" + CHUNKS,
    "a chunk size that is no number": OK + CHUNKED + b"\r\n0x3\r\nabc\r\n0\r\n\r\n",
    "a negative chunk size": OK + CHUNKED + b"\r\n-3\r\nabc\r\n0\r\n\r\n",
    "a chunk size beyond counting": OK + CHUNKED + b"\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "chunks by line feeds": OK + CHUNKED + b"\r\n3\nabc\n0\n\n",
    "a carriage return alone": OK + b"X: a\rContent-Length: 5\r\n" + LENGTH + b"\r\nabc",
    "NUL in a field": OK + b"X: a\0b\r\n" + LENGTH + b"\r\nabc",
    "a space before the colon": OK + b"X : y\r\n" + LENGTH + b"\r\nabc",
    "a space before the colon of chunks": OK + b"Transfer-Encoding : chunked\r\n" + CHUNKS,
    "a line without a colon": OK + b"oops\r\n" + LENGTH + b"\r\nabc",
    "a field without a name": OK + b": x\r\n" + LENGTH + b"\r\nabc",
    "HTTP/0.9": b"<html>hello</html>\r\n\r\n",
    "another protocol": b"ICY 200 OK\r\n" + LENGTH + b"\r\nabc",
    "an alert of TLS": b"\x15\x03\x01\x00\x02\x02\x46",
    "a status of two digits": b"HTTP/1.1 20 OK\r\n" + LENGTH + b"\r\nabc",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n" + LENGTH + b"\r\nabc",
    "a status below 100": b"HTTP/1.1 099 Odd\r\n" + LENGTH + b"\r\nabc",
    "a switch of protocols": b"HTTP/1.1 101 Switching\r\nUpgrade: odd\r\nConnection: upgrade\r\n\r\n",
    "interim answers without end": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 9 + OK + LENGTH + b"\r\nabc",
    "more fields than allowed": OK + b"X: y\r\n" * MAX_FIELDS + LENGTH + b"\r\nabc",
    "a field too long": OK + b"X: " + b"y" * 70_000 + b"\r\n" + LENGTH + b"\r\nabc",
    "a head too long": OK + (b"X: " + b"y" * 60_000 + b"\r\n") * 10 + LENGTH + b"\r\nabc",
    "a trailer field too long": OK + CHUNKED + b"\r\n3\r\nabc\r\n0\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
}


def saying(answer: bytes, piece: int) -> object:
    """Says it in pieces of so many bytes, each of which arrives for itself, and ends the connection."""

    def server(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await raw.read_head(reader)
            for begin in range(0, len(answer), piece):
                writer.write(answer[begin : begin + piece])
                await writer.drain()
                for _ in range(3):
                    await asyncio.sleep(0)  # the client's turn

        return talk

    return server


def pieces(answer: bytes) -> tuple[int, ...]:
    return (len(answer), 1, 7) if len(answer) < 400 else (len(answer), 4096)


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_read_however_it_comes(name: str, serve: Serve, fetcher: HttpFetcher) -> None:
    for piece in pieces(ANSWERS[name]):
        server = await serve(saying(ANSWERS[name], piece))
        response = await fetcher.fetch(server.request(f"/{piece}"))
        assert (response.status, response.body) == (200, b"abc"), piece


@pytest.mark.parametrize(
    "fields",
    [
        LENGTH + LENGTH,
        LENGTH + b"X: y\r\ncontent-length:3 \r\n" + LENGTH,
        b"Content-Length: 3\nContent-Length: 3\n",
        b"Content-Length: 3, 3\r\n",
        b"Content-Length: 3,3\r\n" + LENGTH,
    ],
)
async def test_the_same_length_twice_is_one(fields: bytes, serve: Serve, fetcher: HttpFetcher) -> None:
    """RFC 9110 8.6."""
    for interim in (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"):
        answer = interim + OK + fields + b"\r\nabc"
        for piece in range(1, len(answer) + 1):
            server = await serve(saying(answer, piece))
            response = await fetcher.fetch(server.request(f"/{piece}"))
            assert (response.status, response.body) == (200, b"abc"), piece
            assert response.heads.response == OK + fields + b"\r\n", piece


@pytest.mark.parametrize("name", NO_ANSWERS)
async def test_what_is_no_answer_is_none_however_it_comes(name: str, serve: Serve, fetcher: HttpFetcher) -> None:
    for piece in pieces(NO_ANSWERS[name]):
        server = await serve(saying(NO_ANSWERS[name], piece))
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(server.request(f"/{piece}"))
        assert (caught.value.reason, caught.value.transient) == (Reason.BAD_RESPONSE, False), (piece, caught.value)
        assert caught.value.detail.isprintable()
        assert fetcher.budget.used == 0
        assert server.connections == 1


@pytest.mark.parametrize("name", [*NO_ANSWERS, "more than was declared", "an answer more", "chunks from HTTP/1.0"])
async def test_a_connection_with_something_wrong_is_not_used_again(
    name: str, serve: Serve, fetcher: HttpFetcher
) -> None:
    answer = NO_ANSWERS.get(name) or ANSWERS[name]
    server = await serve(answer.replace(b"HTTP/1.0 200 OK\r\n", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"))
    for path in ("/1", "/2"):
        try:
            await fetcher.fetch(server.request(path))
        except FetchError:
            pass
    assert server.connections == 2


@pytest.mark.parametrize("head", [b"HTTP/1.1 204 No Content\r\n" + LENGTH, b"HTTP/1.1 204 No Content\r\n" + CHUNKED])
async def test_what_follows_an_answer_without_content_is_dropped(
    head: bytes, serve: Serve, fetcher: HttpFetcher
) -> None:
    answer = head + b"\r\n<html>no content</html>"
    for piece in pieces(answer):
        response = await fetcher.fetch((await serve(saying(answer, piece))).request())
        assert (response.status, response.body) == (204, b"")


async def test_fields_are_kept_as_they_came(serve: Serve, fetcher: HttpFetcher) -> None:
    fields = [b"sErVeR: a", b"X: \t b c \t", b"set-cookie: 1", b"X:", b"Set-Cookie: \xff\xfe", b"x: d"]
    response = await fetcher.fetch((await serve(ok(b"abc", *fields))).request())
    assert response.headers == (
        (b"sErVeR", b"a"),
        (b"X", b"b c"),  # white space around a value is none of it (RFC 9110 5.5)
        (b"set-cookie", b"1"),
        (b"X", b""),
        (b"Set-Cookie", b"\xff\xfe"),
        (b"x", b"d"),
        (b"Content-Length", b"3"),
    )


async def test_trailer_fields_are_no_header_fields(serve: Serve, fetcher: HttpFetcher) -> None:
    response = await fetcher.fetch((await serve(ANSWERS["a trailer"])).request())
    assert not response.header("x-later")


async def test_what_a_server_says_unasked_never_answers_the_next_request(serve: Serve, fetcher: HttpFetcher) -> None:
    said = asyncio.Event()

    def poisoner(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            path = (await raw.read_head(reader)).split()[1]
            writer.write(ok(path))
            await said.wait()
            writer.write(ok(b"poison"))
            await reader.read()

        return talk

    server = await serve(poisoner)
    assert (await fetcher.fetch(server.request("/1"))).body == b"/1"
    said.set()
    while fetcher.routes.direct.open_connections:
        await asyncio.sleep(0.001)
    assert (await fetcher.fetch(server.request("/2"))).body == b"/2"
    assert server.connections == 2


POISON = ok(b"poison")


@pytest.mark.parametrize("size", [1, 12, 17, len(POISON) - 8, len(POISON) - 1, len(POISON), 2 * len(POISON)])
async def test_what_comes_in_one_piece_with_an_answer_never_answers_the_next_request(
    size: int, serve: Serve, fetcher: HttpFetcher
) -> None:
    may_go_on = asyncio.Event()

    def poisoner(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                path = (await raw.read_head(reader)).split()[1]
                more = (2 * POISON)[:size]
                writer.write(ok(path) + more)
                await writer.drain()
                await may_go_on.wait()
                writer.write((2 * POISON)[size:])  # the rest of it, once the next request was sent

        return talk

    server = await serve(poisoner)
    assert (await fetcher.fetch(server.request("/1"))).body == b"/1"
    may_go_on.set()
    assert (await fetcher.fetch(server.request("/2"))).body == b"/2"
    assert server.connections == 2


async def test_line_ends_behind_an_answer_do_no_harm(serve: Serve, fetcher: HttpFetcher) -> None:
    def careless(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                writer.write(ok((await raw.read_head(reader)).split()[1]) + b"\r\n")

        return talk

    server = await serve(careless)
    assert [(await fetcher.fetch(server.request(path))).body for path in ("/1", "/2")] == [b"/1", b"/2"]
    assert server.connections == 1


async def test_a_reset_in_a_body_without_a_length_is_no_end_of_it(serve: Serve, fetcher: HttpFetcher) -> None:
    def resetting(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await raw.read_head(reader)
            writer.write(OK + b"\r\nabc")
            await writer.drain()
            writer.transport.abort()

        return talk

    server = await serve(_lingering(resetting))
    with pytest.raises(FetchError) as caught:
        await fetcher.fetch(server.request())
    assert caught.value.transient


def _lingering(server: object) -> object:
    """Unread input makes the kernel reset instead of close."""

    def wrapped(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            import socket
            import struct

            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await server(raw)(reader, writer)  # type: ignore[operator]

        return talk

    return wrapped


# --- on condition ---


@pytest.mark.parametrize(
    ("etag", "modified", "fields"),
    [
        ('W/"1"', "", b'If-None-Match: W/"1"\r\n'),
        ("", "Thu, 09 Oct 2025 08:54:20 GMT", b"If-Modified-Since: Thu, 09 Oct 2025 08:54:20 GMT\r\n"),
        ('"a"', "yesterday", b'If-None-Match: "a"\r\nIf-Modified-Since: yesterday\r\n'),
        ('"\xff"', "", b'If-None-Match: "\xff"\r\n'),
    ],
)
async def test_what_an_earlier_answer_said_of_itself_is_given_back(
    etag: str, modified: str, fields: bytes, serve: Serve, fetcher: HttpFetcher
) -> None:
    server = await serve(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99999999999\r\n\r\n")
    for _ in range(2):
        request = Request(Url(server.url + "/"), etag=etag, last_modified=modified)
        response = await fetcher.fetch(request)
        assert (response.status, response.body) == (304, b"")
    assert server.heads[0].endswith(b"\r\n" + fields + b"\r\n")
    assert server.connections == 1


@pytest.mark.parametrize("etag", ['"1"\r\nX: y', '"\x00"', "e" * 1025, '"€"'])
async def test_what_would_break_a_request_is_not_given_back(etag: str, serve: Serve, fetcher: HttpFetcher) -> None:
    server = await serve(ok(b"abc"))
    await fetcher.fetch(Request(Url(server.url + "/"), etag=etag))
    assert b"If-None-Match" not in server.heads[0]
    assert b"\r\nX:" not in server.heads[0]


async def test_not_modified_without_a_condition_is_no_answer(serve: Serve) -> None:
    server = await serve(b"HTTP/1.1 304 Not Modified\r\n\r\n")
    async with open_loopback() as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(server.request())
        assert (caught.value.reason, caught.value.transient) == (Reason.BAD_RESPONSE, True)
    async with open_loopback(headers={"If-None-Match": '"own"'}) as fetcher:
        assert (await fetcher.fetch(server.request())).status == 304


async def test_a_head_without_end_is_bounded(serve: Serve, fetcher: HttpFetcher) -> None:
    sent = 0

    def endless(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            await raw.read_head(reader)
            writer.write(OK)
            while not writer.is_closing():
                writer.write(b"HTTP: 1\r\n" * 100)
                sent += 900
                await writer.drain()

        return talk

    with pytest.raises(FetchError) as caught:
        await fetcher.fetch((await serve(endless)).request())
    assert caught.value.reason is Reason.BAD_RESPONSE
    assert sent < 64 * MAX_HEAD_BYTES  # most of it in the kernel's buffers


@pytest.mark.parametrize(
    "status", ["HTTP/1.1 200 OK", "HTTP/1.0 404 No", "HTTP/1.1 103 Early", "HTTP/1.1  200 OK", "\r\nHTTP/1.1 200 OK"]
)
@pytest.mark.parametrize(
    "fields",
    ["", "A: b\r\n", "Content-Length: 2\r\n", "Content-Length: 2\r\nContent-Length: 2\r\n", "Content-Length: 2, 2\r\n"],
)
@pytest.mark.parametrize("end", ["\r\n", "\n", ""])
def test_a_plain_head_is_what_a_closer_look_finds(status: str, fields: str, end: str) -> None:
    data = f"{status}\r\n{fields}{end}ok".encode()
    plain, found = find_plain_head(data), find_final_head(data)
    is_plain = status.startswith("HTTP") and "103" not in status and "  " not in status
    assert bool(plain) == (is_plain and bool(end) and fields.count("2") < 2)
    if plain:
        assert found
        assert data[: found[1]] == plain[: found[1]]
        assert split_heads(data, 0) == (plain, ())
        assert join_equal_lengths(data, found) == data
