"""Sends webhooks: to allowed addresses only, without following redirects, within a time limit."""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
from aiohappyeyeballs import AddrInfoType

from ...errors import FetchError
from ...fetch import Guard
from ...fetch.resolver import LookUp, Resolver
from ...settings.loading import project_version
from .delivery import DeliveryResult, Post

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


async def _post(http: aiohttp.ClientSession, url: str, body: bytes, fields: dict[str, str]) -> DeliveryResult:
    try:
        async with http.post(url, data=body, headers=fields, allow_redirects=False) as answer:
            answer.close()  # the body is not read
            if 200 <= answer.status < 300:
                return DeliveryResult()
            return DeliveryResult(f"HTTP {answer.status}", is_final=answer.status == 410)
    except TimeoutError:
        return DeliveryResult(f"no answer in {TIMES.total:g} s")
    except (aiohttp.ClientError, FetchError, OSError, ValueError) as error:
        return DeliveryResult(str(error) or type(error).__name__)


def _socket(guard: Guard, info: AddrInfoType) -> socket.socket:
    """Checks the address and makes a socket. URLs with a literal address reach this point without the resolver."""
    family, kind, protocol, _, address = info
    if refusal := guard.refuses(str(address[0])):
        raise OSError(errno.EACCES, f"{address[0]} is refused: {refusal}")
    return socket.socket(family, kind, protocol)
