"""Knows of each site what all exchanges with it share: where to connect, and the request head we send."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from aiohttp import ClientRequest
from yarl import URL

from ..errors import ConfigError, FetchError
from ..model import Reason, Url
from .guard import Guard

MAX_ORIGINS = 16384
"""About 2 kB each; sites beyond are made up again when their turn comes."""

_OURS = frozenset(("host", "connection", "content-length", "transfer-encoding", "te", "upgrade", "trailer", "expect"))


@dataclass(frozen=True, slots=True)
class Origin:
    """One site (scheme, host, port)."""

    host: str
    literal: str
    """The host, when it is an address; else empty."""
    request: ClientRequest
    """Stands for any request to this site when the connector asks where to."""
    prefix: str
    """What a path is put behind in the request line: nothing, or the site itself for a plain proxy."""
    head: str
    """All that follows the path: the version and the fields, but for the empty line."""
    is_proxied: bool


class Origins:
    """Origins by site, the latest MAX_ORIGINS of them."""

    def __init__(self, guard: Guard, fields: Mapping[str, str], proxy: str | None, *, verify_tls: bool) -> None:
        self._guard = guard
        self._fields = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._proxy = URL(proxy) if proxy else None
        self._verify_tls = verify_tls
        self._loop = asyncio.get_running_loop()
        self._known: dict[str, Origin] = {}

    def find(self, site: str) -> Origin:
        """The origin of a site. Raises FetchError: BLOCKED_SCHEME, BLOCKED_ADDRESS, BAD_URL."""
        origin = self._known.get(site)
        if origin is None:
            if len(self._known) >= MAX_ORIGINS:
                del self._known[next(iter(self._known))]
            origin = self._known[site] = self._make(site)
        return origin

    def _make(self, site: str) -> Origin:
        scheme, _, authority = site.partition("://")
        if scheme not in ("http", "https"):
            raise FetchError(Reason.BLOCKED_SCHEME, f"{scheme}: is neither http nor https")
        host = _host(authority)
        literal = host if _is_address(host) else ""
        refusal = self._guard.refuses(literal) if literal else None
        if refusal:
            raise FetchError(Reason.BLOCKED_ADDRESS, f"{literal}: {refusal}")
        is_relayed = self._proxy is not None and scheme == "http"  # https goes through a tunnel, and stays as it is
        fields = f"Host: {authority}\r\n{self._fields}" + (self._proxy_fields() if is_relayed else "")
        return Origin(
            host=host,
            literal=literal,
            request=self._request(site, host),
            prefix=site if is_relayed else "",
            head=f" HTTP/1.1\r\n{fields}",
            is_proxied=self._proxy is not None,
        )

    def _request(self, site: str, host: str) -> ClientRequest:
        url = URL(f"{site}/", encoded=True)
        if url.raw_host != host:  # two parsers that disagree are a hole in the guard
            raise FetchError(Reason.BAD_URL, f"{host!r} is no host name")
        return ClientRequest("GET", url, loop=self._loop, proxy=self._proxy, ssl=self._verify_tls)

    def _proxy_fields(self) -> str:
        proxy = self._proxy
        if proxy is None or not proxy.user:
            return ""
        secret = b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()
        return f"Proxy-Authorization: Basic {secret}\r\n"


def request_fields(user_agent: str, contact: str, extra: Mapping[str, str]) -> dict[str, str]:
    """The fields of every request, in order; `extra` adds to them and wins over them. Raises ConfigError."""
    fields = {
        "User-Agent": user_agent,
        "From": contact if "@" in contact and ":" not in contact else "",  # RFC 9110 10.1.2: a mailbox
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Encoding": "gzip, deflate, br, zstd",
    }
    for name, value in extra.items():
        _check_field(name, value)
        fields = {old: kept for old, kept in fields.items() if old.lower() != name.lower()}
        fields[name] = value
    _check_field("User-Agent", user_agent)
    return {name: value for name, value in fields.items() if value}


def request_bytes(origin: Origin, url: Url, cookie: str = "") -> bytes:
    """The request for `url`, which is one of this origin's."""
    extra = f"Cookie: {cookie}\r\n" if cookie else ""
    return f"GET {origin.prefix}{url.path}{origin.head}{extra}\r\n".encode("latin-1")


def _check_field(name: str, value: str) -> None:
    """RFC 9110 5.1, 5.5: nothing that a setting says may end a line, or the head."""
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(f"fetch.headers: {name!r} is no field name")
    if name.lower() in _OURS:
        raise ConfigError(f"fetch.headers: {name} is not for settings to say")
    if any(ord(char) < 32 or ord(char) == 127 or ord(char) > 255 for char in value):
        raise ConfigError(f"fetch.headers: the value of {name} must be one line of latin-1 text")


def _host(authority: str) -> str:
    if authority.startswith("["):
        return authority[1 : authority.find("]")]
    return authority.partition(":")[0]


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
