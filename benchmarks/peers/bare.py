"""The limit: a crawler of which nothing is left but exchanges, parsing and a set of what was seen.

It knows no politeness, no traps, no durability, no limits and no text. One loop fetches, over its own HTTP/1.1 protocol
on httptools, two workers parse. What it costs is what the task costs in this language.
"""

# mypy: disable-error-code="misc"

import argparse
import asyncio
import json
import marshal
import os
import socket
import ssl
import struct
import zlib
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import IO
from urllib.parse import urlsplit

import brotli
import can_ada
import httptools
import turbohtml
import uvloop

WORKERS, BATCH = 2, 8
CONNECTIONS, CONNECTIONS_A_HOST = 256, 64
FRAME = struct.Struct("<I")
GZIP = 31  # wbits of a gzip stream

Answered = tuple[str, bytes, bytes]
"""URL, content coding, body."""
Parsed = tuple[str, str, list[str]]
"""URL, title, links."""


class Crawl:
    """Everything that is known, and the pages between the loop and the workers."""

    def __init__(self, within: str, output: IO[str], tls: ssl.SSLContext | None, addresses: "Addresses") -> None:
        self.within = within
        self.tls = tls
        self.addresses = addresses
        self.done = asyncio.get_running_loop().create_future()
        self.open = 0
        self._output = output
        self._seen: set[str] = set()
        self._hosts: dict[str, Host] = {}
        self._workers: list[Worker] = []
        self._waiting: list[Answered] = []
        self._left = 0

    async def start_workers(self, sockets: Sequence[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        for own in sockets:
            _, worker = await loop.create_connection(lambda: Worker(self), sock=own)
            self._workers.append(worker)

    def add(self, url: str) -> None:
        if url in self._seen or not url.startswith(self.within):
            return
        self._seen.add(url)
        self._left += 1
        origin, slash, target = url.partition("://")[2].partition("/")
        host = self._hosts.get(origin)
        if host is None:
            host = self._hosts[origin] = Host(self, origin)
        host.add(url, slash + target)

    def take(self, url: str, coding: bytes, body: bytes) -> None:
        self._waiting.append((url, coding, body))
        self.hand_over()

    def hand_over(self) -> None:
        idle = [worker for worker in self._workers if worker.is_idle]
        for worker in idle:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            if batch:
                worker.send(batch)

    def learn(self, pages: list[Parsed]) -> None:
        for url, title, links in pages:
            self._output.write(json.dumps({"url": url, "title": title}) + "\n")
            for link in links:
                self.add(link)
        self.end(len(pages))

    def end(self, pages: int) -> None:
        self._left -= pages
        if not self._left:
            self.done.set_result(None)


class Host:
    """The connections to one origin, and the targets that wait for one of them."""

    def __init__(self, crawl: Crawl, origin: str) -> None:
        self.crawl = crawl
        self.origin = origin
        self._waiting: deque[tuple[str, str]] = deque()
        self._idle: list[Connection] = []
        self._open = 0
        self._refused: tuple[str, ...] | None = None
        self._opening: set[asyncio.Task[None]] = set()

    def add(self, url: str, target: str) -> None:
        if self._refused is not None and target.startswith(self._refused):
            self.crawl.end(1)
            return
        self._waiting.append((url, target))
        self.pump()

    def pump(self) -> None:
        if self._refused is None:  # robots.txt comes first, over the first connection
            if not self._open:
                self._connect()
            return
        while self._waiting and self._idle:
            self._idle.pop().ask(*self._waiting.popleft())
        room = min(CONNECTIONS_A_HOST - self._open, len(self._waiting) - len(self._opening))
        if room > 0 and (self.crawl.open < CONNECTIONS or not self._open):
            self._connect()

    def _connect(self) -> None:
        self._open += 1
        self.crawl.open += 1
        task = asyncio.ensure_future(self._connected())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _connected(self) -> None:
        name, _, port = self.origin.partition(":")
        address = await self.crawl.addresses.of(name)
        tls = self.crawl.tls
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self), address, int(port), ssl=tls, server_hostname=name if tls else None
        )
        if self._refused is None:
            connection.ask("", "/robots.txt")
        else:
            self.rest(connection)

    def obey(self, robots: str) -> None:
        lines = (line.partition(":") for line in robots.splitlines())
        rules = [rule.strip() for field, _, rule in lines if field.lower() == "disallow"]
        self._refused = tuple(rule for rule in rules if rule and "*" not in rule)
        waiting, self._waiting = self._waiting, deque()
        for url, target in waiting:
            self.add(url, target)

    def rest(self, connection: "Connection") -> None:
        self._idle.append(connection)
        self.pump()


class Connection(asyncio.Protocol):
    """One exchange after the other. A connection that breaks breaks the crawl: the limit has no setbacks."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._end = f" HTTP/1.1\r\nHost: {host.origin}\r\nAccept-Encoding: br, gzip\r\nUser-Agent: bare\r\n\r\n"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def ask(self, url: str, target: str) -> None:
        self._url = url
        self._coding = b""
        self._body: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(f"GET {target}{self._end}".encode())  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-encoding":
            self._coding = value

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        body = b"".join(self._body)
        if self._url:
            self._host.crawl.take(self._url, self._coding, body)
        else:
            self._host.obey(body.decode())
        asyncio.get_running_loop().call_soon(self._host.rest, self)


class Worker(asyncio.Protocol):
    """The loop's end of a worker, which parses one batch at a time."""

    def __init__(self, crawl: Crawl) -> None:
        self._crawl = crawl
        self._pending = b""
        self.is_idle = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def send(self, batch: list[Answered]) -> None:
        self.is_idle = False
        packed = marshal.dumps(batch)
        self._transport.write(FRAME.pack(len(packed)) + packed)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._pending += data
        if len(self._pending) < FRAME.size:
            return
        size = FRAME.size + FRAME.unpack_from(self._pending)[0]
        if len(self._pending) < size:
            return
        pages = marshal.loads(self._pending[FRAME.size : size])
        self._pending = b""
        self.is_idle = True
        self._crawl.learn(pages)
        self._crawl.hand_over()


class Addresses:
    """Looks names up, each of them once, at the given name server. Addresses stand for themselves."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._known: dict[str, str] = defaultdict(str)
        self._resolver: object = None

    async def of(self, name: str) -> str:
        if not self._server:
            return name
        if not self._known[name]:
            import aiodns

            self._resolver = self._resolver or aiodns.DNSResolver([self._server])
            found = await self._resolver.getaddrinfo(name, socket.AF_INET)  # type: ignore[attr-defined]
            self._known[name] = found.nodes[0].addr[0].decode()
        return self._known[name]


def work(own: socket.socket) -> None:
    """Parses batches until the other end is closed."""
    stream = own.makefile("rwb")
    seen: set[str] = set()
    while head := stream.read(FRAME.size):
        batch: list[Answered] = marshal.loads(stream.read(FRAME.unpack(head)[0]))
        packed = marshal.dumps([parse(one, seen) for one in batch])
        stream.write(FRAME.pack(len(packed)) + packed)
        stream.flush()


def parse(answered: Answered, seen: set[str]) -> Parsed:
    url, coding, body = answered
    if coding == b"br":
        body = brotli.decompress(body)
    elif coding == b"gzip":
        body = zlib.decompress(body, GZIP)
    document = turbohtml.parse(body)
    title = document.find("title")
    base, links = can_ada.parse(url), []
    for href in dict.fromkeys(str(anchor.attrs.get("href") or "") for anchor in document.find_all("a")):
        link = (base + href).href.partition("#")[0]
        if link not in seen:
            seen.add(link)
            links.append(link)
    return url, title.text if title else "", links


async def crawl(given: argparse.Namespace, sockets: Sequence[socket.socket]) -> None:
    tls = ssl.create_default_context(cafile=given.ca) if urlsplit(given.url).scheme == "https" else None
    with open(given.output, "w") as output:
        crawl = Crawl(given.within, output, tls, Addresses(given.name_server))
        await crawl.start_workers(sockets)
        crawl.add(given.url)
        await crawl.done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("output")
    parser.add_argument("--within", required=True, help="how the URLs begin that belong to the crawl")
    parser.add_argument("--name-server", default="", help="who is asked for names: ADDRESS:PORT")
    parser.add_argument("--ca", help="a PEM file with the authority that is trusted")
    given = parser.parse_args()
    sockets: list[socket.socket] = []
    for _ in range(WORKERS):
        ours, theirs = socket.socketpair()
        if not os.fork():
            for one in (ours, *sockets):
                one.close()
            work(theirs)
            os._exit(0)
        theirs.close()
        sockets.append(ours)
    uvloop.run(crawl(given, sockets))


if __name__ == "__main__":
    main()
