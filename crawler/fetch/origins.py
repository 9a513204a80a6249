"""Prepares for each site what all its exchanges share: where to connect, and the head of the request."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from math import inf
from ssl import SSLContext
from typing import TYPE_CHECKING

from aiohttp import ClientRequest
from yarl import URL

from ..dataclass import dataclass
from ..errors import ConfigError, FetchError
from ..model import Reason, Request
from ..policy.site_rules import SiteRules
from ..runtime.clock import wall
from ..settings import FetchConfig, SiteConfig
from ..urls import is_address
from .guard import Guard
from .proxy_pool import Proxy
from .routes import Routes
from .speed_limits import SpeedLimits
from .throttle import Throttle
from .tls import Trust, make_site_tls_context
from .wire import Connector

if TYPE_CHECKING:
    from ..identity import RequestSigner

MAX_ORIGINS = 16384
"""About 2 kB each. Beyond this number the oldest is dropped, and made again when its site is next visited."""

SETTING = "sites"
_OURS = frozenset(("host", "connection", "content-length", "transfer-encoding", "te", "upgrade", "trailer", "expect"))
_PROXYS = frozenset(("proxy-authorization", "proxy-connection", "keep-alive"))
"""Fields for the next hop (RFC 9110 7.6.1), so the settings of a site may not name them either."""
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))
"""Methods whose requests state the length of their body even if it is empty (RFC 9110 8.6)."""
_VALIDATOR = re.compile(r"[\x20-\x7e\x80-\xff]{1,1024}")
"""An ETag or a date is sent back only if it is one line of a reasonable size."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One site (scheme, host, port) and how to send requests to it."""

    host: str
    literal: str
    """The host if it is an address, else empty."""
    request: ClientRequest
    """Tells aiohttp's connector where to connect. It stands for every request to this site."""
    connector: Connector
    prefix: str
    """Comes before the path in the request line: empty, or the site itself for a plain HTTP proxy."""
    head: str
    """Follows the path: the version and the fields, without the empty line."""
    proxy: Proxy | None
    """The proxy that it is reached through; None: directly."""
    version: int
    """The version of the proxy pool that chose it."""
    throttles: tuple[Throttle, ...]
    """Its answers are read no faster than these let them."""
    cookie: str
    """The Cookie that the settings give for this site."""
    tls: str
    """`verified`, `unverified`, or empty without TLS."""
    is_conditional: bool
    """Whether the fields make requests conditional, so that 304 is a valid answer."""
    until: float
    """When the signature among the fields is to be made anew, seconds since 1970; infinite: there is none."""


class Origins:
    """Makes origins by site, and keeps the latest MAX_ORIGINS of them."""

    def __init__(
        self,
        guard: Guard,
        fields: Mapping[str, str],
        config: FetchConfig,
        routes: Routes,
        trust: Trust,
        rules: SiteRules,
        limits: SpeedLimits,
        signer: RequestSigner | None = None,
    ) -> None:
        """Raises ConfigError if the fields or the certificate of a site cannot be used."""
        self._guard = guard
        self._fields = fields
        self._routes = routes
        self._limits = limits
        self._signer = signer
        self._config = config
        self._trust = trust
        self._tls = "verified" if config.verify_tls else "unverified"
        self._specials = _Specials(fields, config, rules)
        routes.prepare(rules.proxies)
        self._loop = asyncio.get_running_loop()
        self._known: dict[str, Origin] = {}

    def find(self, site: str) -> Origin:
        """Returns the origin of a site. Raises FetchError: BLOCKED_SCHEME, BLOCKED_ADDRESS, BAD_URL."""
        origin = self._known.get(site)
        if origin is None or (origin.proxy and origin.version != self._routes.pool.version) or origin.until <= wall():
            if origin is None and len(self._known) >= MAX_ORIGINS:
                del self._known[next(iter(self._known))]
            origin = self._known[site] = self._make(site)
        return origin

    def prepare_rules(self, rules: SiteRules) -> Callable[[], None]:
        """Returns a function that puts the settings of sites in force. Raises ConfigError."""
        specials = _Specials(self._fields, self._config, rules, self._specials)
        self._routes.prepare(rules.proxies)

        def change() -> None:
            self._specials = specials
            self._known.clear()
            self._limits.forget_sites()

        return change

    def _make(self, site: str) -> Origin:
        scheme, _, authority = site.partition("://")
        if scheme not in ("http", "https"):
            raise FetchError(Reason.BLOCKED_SCHEME, f"{scheme}: is neither http nor https")
        host = _host(authority)
        literal = host if is_address(host) else ""
        refusal = self._guard.refuses(literal) if literal else None
        if refusal:
            raise FetchError(Reason.BLOCKED_ADDRESS, f"{literal}: {refusal}")
        fields = dict(self._specials.fields(site))
        cookie = next((fields.pop(name) for name in list(fields) if name.lower() == "cookie"), "")
        version, relay = self._routes.pool.version, self._find_proxy(site, host)
        proxy = relay.url if relay and not relay.is_socks else None
        sees_request = proxy is not None and scheme == "http"  # https goes through a tunnel, and stays as it is
        lines = [f"Host: {authority}", *map(": ".join, fields.items()), *_proxy_fields(proxy if sees_request else None)]
        signed = self._signer.sign(authority, wall()) if self._signer and scheme == "https" else None
        lines += signed.lines if signed else ()
        return Origin(
            host=host,
            literal=literal,
            request=self._request(site, host, proxy),
            connector=self._routes.connector(relay),
            prefix=site if sees_request else "",
            head="\r\n".join([" HTTP/1.1", *lines, ""]),
            proxy=relay,
            version=version,
            throttles=self._limits.find(site, self._specials.rules.find(site).said.bytes_per_s),
            cookie=cookie,
            tls=self._tls if scheme == "https" else "",
            is_conditional=any(name.lower().startswith("if-") for name in fields),
            until=signed.until if signed else inf,
        )

    def find_proxy(self, site: str) -> Proxy | None:
        """Returns the proxy that a site goes to now; None: it is reached directly."""
        return self._find_proxy(site, _host(site.partition("://")[2]))

    def _find_proxy(self, site: str, host: str) -> Proxy | None:
        return self._routes.pool.choose(site, host, self._specials.rules.find(site).said.proxy)

    def _request(self, site: str, host: str, proxy: URL | None) -> ClientRequest:
        try:
            url = URL(f"{site}/", encoded=True)
            is_one = url.raw_host == host and url.port is not None
        except ValueError:
            is_one = False
        if not is_one:  # two parsers that read different hosts would let a URL pass the guard
            raise FetchError(Reason.BAD_URL, f"{host!r} is no host name")
        needs_tls = url.scheme == "https" or (proxy is not None and proxy.scheme == "https")
        tls = (self._specials.trust(site) or self._trust.context) if needs_tls else True
        return ClientRequest("GET", url, loop=self._loop, proxy=proxy, ssl=tls)


class _Specials:
    """The fields and TLS contexts that the settings give for single sites."""

    def __init__(
        self, fields: Mapping[str, str], config: FetchConfig, rules: SiteRules, before: _Specials | None = None
    ) -> None:
        """Takes the contexts of certificates that are unchanged from `before`. Raises ConfigError."""
        self.rules = rules
        self._fields = fields
        self._trusts: dict[str, tuple[tuple[str, str], SSLContext]] = {}
        for name, site in rules.tables.items():
            _overlaid(fields, _named_fields(site), SETTING)
            old = before._trusts.get(name) if before else None
            files = (site.client_cert, site.client_key)
            if old and old[0] == files:
                self._trusts[name] = old
            elif context := make_site_tls_context(config, site):
                self._trusts[name] = (files, context)

    def fields(self, site: str) -> Mapping[str, str]:
        """Returns the fields of a request to this site."""
        found = self.rules.find(site)
        return self._fields if found.is_plain else _overlaid(self._fields, _named_fields(found.said), SETTING)

    def trust(self, site: str) -> SSLContext | None:
        """Returns the context that shows the certificate for this site; None: it has none."""
        found = self._trusts.get(site)
        return found[1] if found else None


def _named_fields(site: SiteConfig) -> dict[str, str]:
    named = dict(site.headers)
    if site.basic_auth:
        named["Authorization"] = f"Basic {b64encode(site.basic_auth.encode()).decode()}"
    if site.bearer:
        named["Authorization"] = f"Bearer {site.bearer}"
    return named


def request_fields(config: FetchConfig, user_agent: str, contact: str) -> dict[str, str]:
    """Returns the fields of every request, in order. Fields from the settings are added and win. Raises ConfigError."""
    fields = {
        "User-Agent": user_agent,
        "From": contact if "@" in contact and ":" not in contact else "",  # RFC 9110 10.1.2: a mailbox
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language": config.accept_language,
        "Accept-Encoding": "gzip, deflate, br, zstd",
    }
    _check_field("User-Agent", user_agent, "user_agent")
    return _overlaid({name: value for name, value in fields.items() if value}, config.headers, "fetch.headers")


def make_head(origin: Origin, request: Request, cookie: str = "") -> bytes:
    """Returns the head of a request to this origin, conditional where validators are known."""
    if not request.is_plain:
        return _make_own_head(origin, request, cookie)
    lines = _cookie_line(origin, cookie) + _conditions(request)
    return f"GET {origin.prefix}{request.url.path}{origin.head}{lines}\r\n".encode("latin-1")


def is_conditional(origin: Origin, request: Request) -> bool:
    """Whether 304 is a valid answer to this request."""
    if request.is_plain:
        return bool(request.etag or request.last_modified or origin.is_conditional)
    is_asked = any(name.lower().startswith("if-") for name, _ in request.headers)
    return is_asked or origin.is_conditional or bool(_conditions(request))


def _make_own_head(origin: Origin, request: Request, cookie: str) -> bytes:
    """Returns the head of a request with a method, fields or a body of its own; its fields take the place of ours."""
    own = {name.lower() for name, _ in request.headers}
    version, *usual = origin.head.split("\r\n")[:-1]
    lines = [line for line in usual if line.partition(":")[0].lower() not in own]
    if "cookie" not in own:
        lines += _cookie_line(origin, cookie).splitlines()
    lines += [line for line in _conditions(request).splitlines() if line.partition(":")[0].lower() not in own]
    lines += map(": ".join, request.headers)
    if request.body or request.method in _WITH_BODY:
        lines.append(f"Content-Length: {len(request.body)}")
    head = "\r\n".join([f"{request.method} {origin.prefix}{request.url.path}{version}", *lines, "", ""])
    return head.encode("latin-1")


def _cookie_line(origin: Origin, cookie: str) -> str:
    return f"Cookie: {'; '.join(filter(None, (origin.cookie, cookie)))}\r\n" if cookie or origin.cookie else ""


def _conditions(request: Request) -> str:
    """Returns the fields that ask for a page only if it changed."""
    if request.method not in ("GET", "HEAD"):
        return ""
    lines = ""
    if request.etag and _VALIDATOR.fullmatch(request.etag):
        lines += f"If-None-Match: {request.etag}\r\n"
    if request.last_modified and _VALIDATOR.fullmatch(request.last_modified):
        lines += f"If-Modified-Since: {request.last_modified}\r\n"
    return lines


def _overlaid(fields: Mapping[str, str], extra: Mapping[str, str], setting: str) -> dict[str, str]:
    """Returns `fields` with those of `extra` added or replaced. Names ignore case; an empty value drops the field."""
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
    """Raises ConfigError for a field that settings may not name, or that would end a line (RFC 9110 5.1, 5.5)."""
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(f"{setting}: {name!r} is no field name")
    if name.lower() in _OURS | _PROXYS:
        raise ConfigError(f"{setting}: {name} is set by the crawler and cannot be changed")
    if any(ord(char) < 32 or ord(char) == 127 or ord(char) > 255 for char in value):
        raise ConfigError(f"{setting}: the value of {name} must be one line of latin-1 text")


def _host(authority: str) -> str:
    if authority.startswith("["):
        return authority[1 : authority.find("]")]
    return authority.partition(":")[0]
