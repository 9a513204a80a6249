"""Posts messages to webhooks: to allowed addresses only, without following redirects, within a time limit."""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
from aiohappyeyeballs import AddrInfoType

from ..errors import FetchError
from ..model import Post, PostResult
from ..policy.politeness import retry_after_s
from ..runtime.clock import wall
from ..settings import FetchConfig
from ..settings.loading import project_version
from .guard import Guard
from .resolver import LookUp, NameServers, Resolver

TIMES = aiohttp.ClientTimeout(total=15)
LOOK_UP_S = 10.0
MOST_CONNECTIONS = 20


@asynccontextmanager
async def open_post(guard: Guard, ask: LookUp) -> AsyncIterator[Post]:
    """Opens a function that sends webhooks, only to addresses that `guard` allows, whatever a name resolves to."""
    resolver = Resolver(guard, ask, timeout_s=LOOK_UP_S)
    connector = aiohttp.TCPConnector(
        resolver=resolver, use_dns_cache=False, limit=MOST_CONNECTIONS, socket_factory=partial(_socket, guard)
    )
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=TIMES,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"crawld/{project_version()}"},
    ) as http:
        try:
            yield partial(_post, http)
        finally:
            await resolver.close()


@asynccontextmanager
async def open_post_alone(config: FetchConfig) -> AsyncIterator[Post]:
    """Opens such a function for one crawl, with name servers of its own."""
    names = NameServers(config.name_servers, config.connect_timeout_s)
    try:
        async with open_post(Guard(config.allow_networks), names.ask) as post:
            yield post
    finally:
        await names.close()


async def _post(http: aiohttp.ClientSession, url: str, body: bytes, fields: dict[str, str]) -> PostResult:
    try:
        async with http.post(url, data=body, headers=fields, allow_redirects=False) as answer:
            answer.close()  # the body is not read
            if 200 <= answer.status < 300:
                return PostResult()
            rest_s = retry_after_s(answer.headers.get("Retry-After", ""), wall())
            return PostResult(f"HTTP {answer.status}", answer.status == 410, rest_s or 0.0)
    except TimeoutError:
        return PostResult(f"no answer in {TIMES.total:g} s")
    except (aiohttp.ClientError, FetchError, OSError, ValueError) as error:
        return PostResult(str(error) or type(error).__name__)


def _socket(guard: Guard, info: AddrInfoType) -> socket.socket:
    """Checks the address and makes a socket. URLs with a literal address reach this point without the resolver."""
    family, kind, protocol, _, address = info
    if refusal := guard.refuses(str(address[0])):
        raise OSError(errno.EACCES, f"{address[0]} is refused: {refusal}")
    return socket.socket(family, kind, protocol)
