"""Connects through proxies, reads the settings that name them, and tells their faults from those of sites."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from importlib import import_module
from ipaddress import ip_address, ip_network
from typing import Any, Protocol, cast

from aiohttp import ClientConnectionError, ClientProxyConnectionError
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from ..errors import ConfigError, FetchError, OutOfFiles
from ..model import Reason
from .connector import Connector
from .files import Files
from .resolver import Resolver


class ProxyFailed(FetchError):
    """Raised where a connection to a proxy, or through it, cannot be made."""

    is_certain = True
    """Whether the proxy itself is at fault. False: the site behind it may be."""


def blame_proxy(error: Exception, told: FetchError) -> FetchError:
    """Returns the error that connecting through a proxy ended with, as ProxyFailed where that proxy may be at fault."""
    is_certain = isinstance(error, ClientProxyConnectionError | FetchError) or getattr(error, "status", 0) == 407
    if (
        isinstance(told, OutOfFiles)
        or told.reason is Reason.HTTP2_ONLY
        or not (is_certain or isinstance(error, TimeoutError | OSError))
    ):
        return told
    failed = ProxyFailed(told.reason, told.detail, transient=told.transient)
    failed.is_certain = is_certain
    return failed


class SocksConnector(Connector):
    """Connects through a SOCKS proxy (5 as in RFC 1928 and 1929, or 4a), which also looks up the names of sites.

    Raises ConfigError if the library for it is not installed.
    """

    def __init__(self, resolver: Resolver, proxy: URL, files: Files) -> None:
        super().__init__(_NamesStay(), None, files)
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


def read_proxy_url(text: str, setting: str) -> URL:
    """Returns the URL of a proxy. Raises ConfigError."""
    try:
        url = URL(text)
        _ = url.port
    except ValueError as error:
        raise ConfigError(f"{setting}: not a URL like http://host:port ({error})") from error
    if not url.raw_host:
        raise ConfigError(f"{setting}: not a URL like http://host:port")
    return url


def make_matcher(text: str) -> Callable[[str], bool]:
    """Returns a function that says whether a host matches this entry of no_proxy."""
    if text == "*":
        return lambda host: True
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        name = text.lower().removeprefix("*").strip(".")
        return lambda host: host == name or host.endswith(f".{name}")
    return lambda host: _is_inside(host, network)


def _is_inside(host: str, network: Any) -> bool:
    try:
        return ip_address(host) in network
    except ValueError:
        return False
