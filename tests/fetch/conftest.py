"""Servers that say exactly the bytes a story wants, and the fetcher that meets them."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

import pycares
import pytest

from crawler.fetch import Budget, HttpFetcher
from crawler.identity import RequestSigner
from crawler.model import Request, Url
from crawler.settings import FetchConfig
from tests.defaults import make_rules, open_fetcher

NOTHING: Mapping[str, object] = MappingProxyType({})
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawServer:
    """A loopback server; `heads` are the request heads it read, in order, `connections` how many came."""

    url: str = ""
    port: int = 0
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)

    def request(self, path: str = "/") -> Request:
        return Request(Url(self.url + path))

    async def read_head(self, reader: asyncio.StreamReader) -> bytes:
        """The next request's head; IncompleteReadError when the client is gone."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        return head


Serve = Callable[..., Awaitable[RawServer]]


@pytest.fixture(scope="session", autouse=True)
def closing_thread() -> None:
    """pycares closes all its channels on one daemon thread a process, begun with the first: not the story's own."""
    pycares.Channel().close()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve(b"HTTP/1.1 ...")` answers each request so; `await serve(talk)` gives the connection to `talk`."""
    async with AsyncExitStack() as stack:

        async def start(answer: bytes | Callable[[RawServer], Talk], address: str = "127.0.0.1") -> RawServer:
            return await stack.enter_async_context(_serving(answer, address))

        yield start


@asynccontextmanager
async def _serving(answer: bytes | Callable[[RawServer], Talk], address: str) -> AsyncIterator[RawServer]:
    raw = RawServer()
    talk = _always(raw, answer) if isinstance(answer, bytes) else answer(raw)
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw.connections += 1
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, as clients do
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(connected, address, 0, backlog=4096)
    raw.port = server.sockets[0].getsockname()[1]
    raw.url = f"http://{address}:{raw.port}"
    try:
        yield raw
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def _always(raw: RawServer, answer: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await raw.read_head(reader)
            writer.write(answer)

    return talk


@pytest.fixture
async def fetcher() -> AsyncIterator[HttpFetcher]:
    async with open_loopback() as opened:
        yield opened


@asynccontextmanager
async def open_loopback(
    *,
    per_ip: int = 16,
    budget: Budget | None = None,
    hosts: dict[str, str] | None = None,
    sites: Mapping[str, object] = NOTHING,
    signer: RequestSigner | None = None,
    **settings: object,
) -> AsyncIterator[HttpFetcher]:
    """A fetcher that may talk to this machine."""
    config = FetchConfig.model_validate({"allow_networks": ("127.0.0.0/8", "::1/128"), **settings})
    rules = make_rules(sites)
    async with open_fetcher(
        config, "storybot/1.0", per_ip=per_ip, budget=budget, hosts=hosts, sites=rules, signer=signer
    ) as opened:
        yield opened


def ok(body: bytes = b"", *fields: bytes) -> bytes:
    """A plain answer."""
    return b"\r\n".join([b"HTTP/1.1 200 OK", *fields, b"Content-Length: %d" % len(body), b"", body])


@contextmanager
def open_files(soft: int) -> Iterator[None]:
    """A limit of open files for the length of a story."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 < hard < soft:
        pytest.skip(f"this machine allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))
