"""Reads the settings that name proxies, and tells the faults of proxies from those of sites."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, FetchError, OutOfFiles
from ..model import Reason

if TYPE_CHECKING:
    from yarl import URL


class ProxyFailed(FetchError):
    """Raised where a connection to a proxy, or through it, cannot be made."""

    is_certain = True
    """Whether the proxy itself is at fault. False: the site behind it may be."""


def blame_proxy(error: Exception, told: FetchError) -> FetchError:
    """Returns the error that connecting through a proxy ended with, as ProxyFailed where that proxy may be at fault."""
    from aiohttp import ClientProxyConnectionError  # noqa: PLC0415 - only crawls with proxies load aiohttp for it

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


def read_proxy_url(text: str, setting: str) -> URL:
    """Returns the URL of a proxy. Raises ConfigError."""
    from yarl import URL  # noqa: PLC0415

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
