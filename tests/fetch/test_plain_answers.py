"""Plain answers are read as aiohttp reads them, or not at all; and what follows them, or breaks off, is aiohttp's."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from typing import NamedTuple

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpResponseParser

from crawler.fetch import HttpFetcher
from crawler.fetch.framing import READ_BYTES
from crawler.fetch.plain_answers import CHUNKED, MAX_PLAIN_FIELDS, Chunks, may_be_plain, read_head
from crawler.fetch.plain_wire import PlainWire
from crawler.fetch.wire import MAX_FIELD_BYTES, MAX_FIELDS
from tests.fetch.conftest import RawServer, Serve, Talk, ok


class Seen(NamedTuple):
    """What a reader makes of the bytes of an answer."""

    status: int
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes


PLAIN = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    b"HTTP/1.1 200\r\ncontent-length:0\r\nConnection: keep-alive\r\n\r\n",
    b"HTTP/1.1 404 Not \xffere\r\nX-A:  b \t\r\nx-a:\r\nServer: \xe9\r\nContent-Length:  2 \r\n\r\nno",
    b"HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n",
    b"HTTP/1.1 204 None\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 503 Later\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n00a\r\n0123456789\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-encoding: Chunked\r\n\r\n0\r\n\r\n",
)  # fmt: skip
NOT_PLAIN = (
    b"HTTP/1.1 200 OK\r\n\r\nabc",
    b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switch\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
    b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n folded\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: a\x00b\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: upgrade\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nUpgrade: h2c\r\n\r\nabc",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: trailer\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * MAX_PLAIN_FIELDS + b"Content-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * (1 << 14) + b"\r\nContent-Length: 0\r\n\r\n",
)
PIECES = (
    b"\r\n", b"\n", b"\r", b" ", b"\t", b"\x00", b":", b"0", b"3\r\nabc\r\n", b"Content-Length: 3\r\n", b"X: y\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"\r\n\r\n", b"HTTP/1.1 ", b"\xff", b"-1", b"0x",
)  # fmt: skip


def plainly(data: bytes) -> Seen | None:
    """The answer that these bytes are, read by us. None: they are no whole plain answer."""
    end = data.find(b"\r\n\r\n") + 4
    head = read_head(data[:end]) if end >= 4 else None
    if head is None:
        return None
    if head.length == CHUNKED:
        chunks = Chunks(end, READ_BYTES)
        return Seen(head.status, head.fields, chunks.body) if chunks.read(data) and chunks.is_whole else None
    return Seen(head.status, head.fields, data[end:]) if len(data) - end == head.length else None


def by_aiohttp(data: bytes) -> Seen | None:
    """The same, read by aiohttp's parser. None: they are no whole answer, or not one alone."""

    async def read() -> Seen | None:
        loop = asyncio.get_running_loop()
        parser = HttpResponseParser(
            BaseProtocol(loop), loop, READ_BYTES, max_line_size=MAX_FIELD_BYTES, max_field_size=MAX_FIELD_BYTES,
            max_headers=MAX_FIELDS, read_until_eof=True, auto_decompress=False,
        )  # fmt: skip
        try:
            messages, _, rest = parser.feed_data(data)
            if len(messages) != 1 or rest:
                return None
            message, stream = messages[0]
            if not stream.is_eof() and message.code >= 200:
                return None
            return Seen(message.code, message.raw_headers, stream.read_nowait())
        except HttpProcessingError:
            return None

    return asyncio.run(read())


@pytest.mark.parametrize("data", PLAIN, ids=range(len(PLAIN)))
def test_a_plain_answer_is_read_as_aiohttp_reads_it(data: bytes) -> None:
    assert plainly(data) == by_aiohttp(data)
    assert plainly(data) is not None


@pytest.mark.parametrize("data", NOT_PLAIN, ids=range(len(NOT_PLAIN)))
def test_an_answer_that_readers_may_read_in_two_ways_is_not_plain(data: bytes) -> None:
    assert plainly(data) is None


def test_whatever_is_taken_for_plain_means_the_same_to_aiohttp() -> None:
    chance, taken = random.Random(14), 0
    for _ in range(3000):
        data = bytearray(chance.choice(PLAIN))
        for _ in range(chance.randrange(3)):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.choice((0, 0, 1, 2, 5))] = chance.choice((*PIECES, bytes([chance.randrange(256)])))
        if (seen := plainly(bytes(data))) is not None:
            taken += 1
            assert seen == by_aiohttp(bytes(data)), bytes(data)
    assert taken > 500


@pytest.mark.parametrize("data", [one for one in PLAIN if b"chunked" in one.lower()], ids=["two", "none"])
def test_chunks_are_read_however_they_come(data: bytes) -> None:
    end = data.find(b"\r\n\r\n") + 4
    for size in range(1, len(data)):
        chunks = Chunks(end, READ_BYTES)
        for so_far in range(end, len(data) + size, size):
            assert chunks.read(bytearray(data[:so_far]))
        assert chunks.is_whole
        assert chunks.body == (b"abc0123456789" if b"abc" in data else b"")


def test_a_head_in_pieces_may_be_plain_until_a_byte_says_otherwise() -> None:
    assert all(may_be_plain(PLAIN[0][:end]) for end in range(PLAIN[0].find(b"\r\n\r\n")))
    assert not may_be_plain(b"HTTP/1.0")
    assert not may_be_plain(b"HTTP/1.1 200 OK\nX: y\n\n")
    assert not may_be_plain(b"HTTP/1.1 200 OK\r\nX: " + b"y" * (1 << 14))


async def test_a_connection_is_used_on_after_it_was_lent_to_aiohttp(serve: Serve, fetcher: HttpFetcher) -> None:
    answers = [ok(b"one"), ok(b"x" * (READ_BYTES + 1)), b"HTTP/1.1 103 E\r\n\r\n" + ok(b"three"), ok(b"four")]

    def in_turn(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for answer in answers:
                await raw.read_head(reader)
                writer.write(answer)
                await writer.drain()

        return talk

    server = await serve(in_turn)
    bodies = []
    for number in range(4):
        response = await fetcher.fetch(server.request(f"/{number}"))
        bodies.append(len(response.body))
        response.release()
        (wire,) = fetcher.files.idle
        assert isinstance(wire, PlainWire)
        assert wire.exchanges == number + 1
        assert fetcher.routes.direct.open_connections == fetcher.files.open == 1
    assert bodies == [3, READ_BYTES + 1, 5, 4]
    assert server.connections == 1


PROGRAM = """
import asyncio, sys, threading
from crawler.model import Request, Url
from crawler.settings import FetchConfig
from tests.defaults import open_fetcher

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "aiohttp":
            print("by the loop" if threading.current_thread() is threading.main_thread() else "beside it", end=" ")

async def main():
    sys.meta_path.insert(0, Finder())
    async with open_fetcher(FetchConfig(allow_networks=("127.0.0.0/8",)), "test") as fetcher:
        response = await fetcher.fetch(Request(Url(sys.argv[1])))
        print(response.status, [name for name in ("aiohttp", "yarl", "aiodns") if name in sys.modules])

asyncio.run(main())
"""


async def test_a_plain_answer_needs_no_aiohttp(serve: Serve) -> None:
    for answer, loaded in (
        (ok(b"one"), []),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\none", ["aiohttp", "yarl", "aiodns"]),
    ):
        server = await serve(answer)
        ran = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, f"{server.url}/", stdout=subprocess.PIPE, cwd=sys.path[0] or "."
        )
        said, _ = await ran.communicate()
        assert said.decode() == f"{'beside it ' if loaded else ''}200 {loaded}\n"
