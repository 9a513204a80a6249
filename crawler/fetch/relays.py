"""Connects through proxies, HTTP and SOCKS, with aiohttp's pool. It is loaded only where there are proxies."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from importlib import import_module
from ssl import SSLContext
from typing import Any, NamedTuple, Protocol, cast

from aiohttp import ClientConnectionError, ClientProxyConnectionError, ClientRequest, ClientTimeout, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from ..errors import ConfigError, FetchError
from ..model import Reason
from .connections import KEEP_ALIVE_S, make_socket
from .files import Files
from .resolver import Resolver
from .wire import Wire


class Relay(NamedTuple):
    """Connects to one site through a proxy."""

    connector: Connector
    request: ClientRequest
    """Tells aiohttp's connector where to connect. It stands for every request to the site."""

    @classmethod
    def make(cls, connector: Connector, site: str, host: str, proxy: URL | None, tls: SSLContext | None) -> Relay:
        """Raises FetchError for a host that aiohttp reads otherwise than we do."""
        try:
            url = URL(f"{site}/", encoded=True)
            is_one = url.raw_host == host and url.port is not None
        except ValueError:
            is_one = False
        if not is_one:
            raise FetchError(Reason.BAD_URL, f"{host!r} is no host name")
        return cls(connector, ClientRequest("GET", url, loop=asyncio.get_running_loop(), proxy=proxy, ssl=tls or True))

    async def open(self, timeout_s: float) -> Wire:
        """Returns a connection to the site, a new one or one that was kept."""
        return await self.connector.open(self.request, timeout_s)


class LookUps(AbstractResolver):
    """Offers our resolver to aiohttp."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return await self._resolver.resolve(host, port, family)

    async def close(self) -> None:
        """Closes nothing: it is not ours."""


class Connector(TCPConnector):
    """aiohttp's pool without its limits, because the frontier and the visitors bound concurrency.

    The user named the proxy, so its address is allowed. The addresses behind it are not visible to us.
    """

    def __init__(self, resolver: AbstractResolver, files: Files) -> None:
        super().__init__(
            resolver=resolver,
            use_dns_cache=False,
            limit=0,
            keepalive_timeout=KEEP_ALIVE_S,
            socket_factory=partial(make_socket, None, files),
        )
        self.files = files
        self.open_connections = 0
        self._factory = partial(Wire, self, self._loop)  # type: ignore[assignment]  # a Wire is a ResponseHandler

    async def open(self, request: ClientRequest, timeout_s: float) -> Wire:
        """Returns a connection for a request, a new one or one that was kept."""
        # By default aiohttp rounds timers of more than 5 s up to whole seconds.
        connection = await self.connect(request, [], ClientTimeout(connect=timeout_s, ceil_threshold=float("inf")))
        wire = cast(Wire, connection.protocol)
        wire.holder = connection
        return wire

    def put_back(self, wire: Wire) -> None:
        """Keeps the connection for the site's next turn, unless open files are short."""
        if self.files.is_short or wire.holder is None:
            wire.drop()
        else:
            wire.holder.release()


class SocksConnector(Connector):
    """Connects through a SOCKS proxy (5 as in RFC 1928 and 1929, or 4a), which also looks up the names of sites.

    Raises ConfigError if the library for it is not installed.
    """

    def __init__(self, resolver: Resolver, proxy: URL, files: Files) -> None:
        super().__init__(_NamesStay(), files)
        self._proxies = resolver
        self._proxy = proxy
        self._open = _load_socks(proxy)

    async def _wrap_create_connection(self, *args: Any, **options: Any) -> Any:
        """Makes the socket where aiohttp would: asks the proxy for it, then hands it to aiohttp."""
        request = options["req"]
        _, _, _, _, (host, port, *_) = options.pop("addr_infos")[0]
        options.pop("client_error", None)
        address = (await self._proxies.addresses(self._proxy.raw_host or ""))[0]
        try:
            sock = await self._open(address).connect(host, port)
        except OSError as error:
            raise ClientProxyConnectionError(request.connection_key, error) from error
        except Exception as error:  # python_socks has many errors of its own
            raise ClientConnectionError(f"the proxy refused: {error}") from error
        try:
            return await self._wrap_existing_connection(*args, sock=sock, **options)
        except BaseException:
            sock.close()
            raise


class _Opener(Protocol):
    async def connect(self, dest_host: str, dest_port: int) -> socket.socket: ...


class _NamesStay(AbstractResolver):
    """Returns names unchanged, because the proxy looks them up."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host=host, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        pass


def _load_socks(proxy: URL) -> Callable[[str], _Opener]:
    try:
        library = import_module("python_socks")
        opener = import_module("python_socks.async_.asyncio").Proxy
    except ImportError as error:
        raise ConfigError("fetch.proxy: SOCKS needs one more library: pip install 'crawld[socks]'") from error
    kind = library.ProxyType.SOCKS4 if proxy.scheme == "socks4" else library.ProxyType.SOCKS5

    def of(address: str) -> _Opener:
        made = opener(kind, address, proxy.port or 1080, proxy.user, proxy.password, True, loop=_loop())
        return cast(_Opener, made)

    return of


def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()
