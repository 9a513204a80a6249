"""Knows of each site what all exchanges with it share: where to connect, and the request head we send."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from ssl import SSLContext

from aiohttp import ClientRequest
from yarl import URL

from ..errors import ConfigError, FetchError
from ..model import Reason, Request
from ..settings import FetchConfig, SiteConfig
from ..urls import is_address
from .guard import Guard
from .relays import Relay
from .trust import trust_of_site
from .wire import Connector

MAX_ORIGINS = 16384
"""About 2 kB each; sites beyond are made up again when their turn comes."""

_OURS = frozenset(("host", "connection", "content-length", "transfer-encoding", "te", "upgrade", "trailer", "expect"))
_PROXYS = frozenset(("proxy-authorization", "proxy-connection", "keep-alive"))
"""Said to the next hop (RFC 9110 7.6.1), so not for settings of a site either."""
_VALIDATOR = re.compile(r"[\x20-\x7e\x80-\xff]{1,1024}")
"""What we give back of an ETag or a date: one line of a size that one would expect, whatever it was when it came."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One site (scheme, host, port)."""

    host: str
    literal: str
    """The host, when it is an address; else empty."""
    request: ClientRequest
    """Stands for any request to this site when the connector asks where to."""
    connector: Connector
    prefix: str
    """What a path is put behind in the request line: nothing, or the site itself for a plain proxy."""
    head: str
    """All that follows the path: the version and the fields, but for the empty line."""
    is_proxied: bool
    cookie: str
    """The Cookie that settings name for this site."""
    tls: str
    """`verified`, `unverified`, or empty without TLS."""
    is_conditional: bool
    """Whether the fields ask for an answer on a condition, so that 304 is one."""


class Origins:
    """Origins by site, the latest MAX_ORIGINS of them."""

    def __init__(
        self,
        guard: Guard,
        fields: Mapping[str, str],
        config: FetchConfig,
        relay: Relay,
        direct: Connector,
        relayed: Connector,
        tls: SSLContext,
    ) -> None:
        """Raises ConfigError: a site's fields or certificate cannot be used."""
        self._guard = guard
        self._fields = fields
        self._relay = relay
        self.direct = direct
        self._relayed = relayed
        self._trust = tls
        self._tls = "verified" if config.verify_tls else "unverified"
        self._sites = {site: _Special(fields, config, named) for site, named in config.sites.items()}
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
        literal = host if is_address(host) else ""
        refusal = self._guard.refuses(literal) if literal else None
        if refusal:
            raise FetchError(Reason.BLOCKED_ADDRESS, f"{literal}: {refusal}")
        special = self._sites.get(site)
        fields = dict(special.fields if special else self._fields)
        cookie = next((fields.pop(name) for name in list(fields) if name.lower() == "cookie"), "")
        is_proxied = self._relay.stands_before(host)
        proxy = self._relay.url if is_proxied and not self._relay.is_socks else None
        is_told_all = proxy is not None and scheme == "http"  # https goes through a tunnel, and stays as it is
        lines = [f"Host: {authority}", *map(": ".join, fields.items()), *_proxy_fields(proxy if is_told_all else None)]
        return Origin(
            host=host,
            literal=literal,
            request=self._request(site, host, proxy, (special and special.trust) or self._trust),
            connector=self._relayed if is_proxied else self.direct,
            prefix=site if is_told_all else "",
            head="\r\n".join([" HTTP/1.1", *lines, ""]),
            is_proxied=is_proxied,
            cookie=cookie,
            tls=self._tls if scheme == "https" else "",
            is_conditional=any(name.lower().startswith("if-") for name in fields),
        )

    def _request(self, site: str, host: str, proxy: URL | None, tls: SSLContext) -> ClientRequest:
        try:
            url = URL(f"{site}/", encoded=True)
            is_one = url.raw_host == host and url.port is not None
        except ValueError:
            is_one = False
        if not is_one:  # two parsers that disagree are a hole in the guard
            raise FetchError(Reason.BAD_URL, f"{host!r} is no host name")
        return ClientRequest("GET", url, loop=self._loop, proxy=proxy, ssl=tls)


class _Special:
    """What settings say of one site."""

    def __init__(self, fields: Mapping[str, str], config: FetchConfig, site: SiteConfig) -> None:
        said = dict(site.headers)
        if site.basic_auth:
            said["Authorization"] = f"Basic {b64encode(site.basic_auth.encode()).decode()}"
        if site.bearer:
            said["Authorization"] = f"Bearer {site.bearer}"
        self.fields = _overlaid(fields, said, "fetch.sites")
        self.trust = trust_of_site(config, site)


def request_fields(config: FetchConfig, user_agent: str, contact: str) -> dict[str, str]:
    """The fields of every request, in order; those of the settings add to ours and win. Raises ConfigError."""
    fields = {
        "User-Agent": user_agent,
        "From": contact if "@" in contact and ":" not in contact else "",  # RFC 9110 10.1.2: a mailbox
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language": config.accept_language,
        "Accept-Encoding": "gzip, deflate, br, zstd",
    }
    _check_field("User-Agent", user_agent, "user_agent")
    return _overlaid({name: value for name, value in fields.items() if value}, config.headers, "fetch.headers")


def request_bytes(origin: Origin, request: Request, cookie: str = "") -> bytes:
    """The request for a URL of this origin: a GET, on the condition that there is news, where validators are known."""
    lines = ""
    if cookie or origin.cookie:
        lines = f"Cookie: {'; '.join(filter(None, (origin.cookie, cookie)))}\r\n"
    if request.etag and _VALIDATOR.fullmatch(request.etag):
        lines += f"If-None-Match: {request.etag}\r\n"
    if request.last_modified and _VALIDATOR.fullmatch(request.last_modified):
        lines += f"If-Modified-Since: {request.last_modified}\r\n"
    return f"GET {origin.prefix}{request.url.path}{origin.head}{lines}\r\n".encode("latin-1")


def is_conditional(origin: Origin, request: Request) -> bool:
    """Whether 304 may be the answer."""
    return bool(request.etag or request.last_modified or origin.is_conditional)


def _overlaid(fields: Mapping[str, str], extra: Mapping[str, str], setting: str) -> dict[str, str]:
    """Names differ in their letters' case and mean the same. An empty value drops the field."""
    result = dict(fields)
    for name, value in extra.items():
        _check_field(name, value, setting)
        result = {old: kept for old, kept in result.items() if old.lower() != name.lower()}
        result[name] = value
    return {name: value for name, value in result.items() if value}


def _proxy_fields(proxy: URL | None) -> list[str]:
    if proxy is None or not proxy.user:
        return []
    secret = b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()
    return [f"Proxy-Authorization: Basic {secret}"]


def _check_field(name: str, value: str, setting: str) -> None:
    """RFC 9110 5.1, 5.5: nothing that a setting says may end a line, or the head."""
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(f"{setting}: {name!r} is no field name")
    if name.lower() in _OURS | _PROXYS:
        raise ConfigError(f"{setting}: {name} is not for settings to say")
    if any(ord(char) < 32 or ord(char) == 127 or ord(char) > 255 for char in value):
        raise ConfigError(f"{setting}: the value of {name} must be one line of latin-1 text")


def _host(authority: str) -> str:
    if authority.startswith("["):
        return authority[1 : authority.find("]")]
    return authority.partition(":")[0]
