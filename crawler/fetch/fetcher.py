"""Offers the Fetcher: many exchanges at a time on one loop, over one pool of connections, within the budget."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from ..dataclass import dataclass
from ..errors import OutOfFiles
from ..model import Request, Response
from ..policy.site_rules import SiteRules
from ..runtime.clock import monotonic
from .address_limits import AddressLimits
from .budget import BodyShare, Budget
from .exchange import Exchange, ExchangeTerms
from .files import Files
from .origins import Origin, Origins
from .proxies import ProxyFailed
from .resolver import Resolver
from .routes import Routes
from .speed_limits import SpeedLimits
from .tls import Trust

UNKNOWN_TO_PROXY = 407
"""The status by which a proxy asks who we are (RFC 9110 15.5.8)."""


@dataclass(frozen=True, slots=True)
class HttpFetcher:
    """Fetches over HTTP. Use `open_fetcher` to make one."""

    line: ExchangeTerms
    resolver: Resolver
    trust: Trust
    origins: Origins
    routes: Routes
    limits: SpeedLimits
    gates: AddressLimits
    files: Files
    budget: Budget

    async def fetch(self, request: Request, *, cap: int | None = None) -> Response:
        """Makes one exchange and returns the answer, charged to the budget until it is released. Raises FetchError.

        `cap` keeps at most that many bytes of the body and ignores the rest.
        """
        begun = monotonic()
        site = request.url.site
        if not self.trust.is_ready and site.startswith("https:"):
            await self.trust.prepare()
        with self.budget.open() as share:
            origin = self.origins.find(site)
            if origin.proxy is None:
                return await self._exchange_with(origin, request, share, cap, begun)
            return await self._exchange_by_proxy(request, share, cap, begun)

    def capped(self, limit_bytes: int) -> Capped:
        """Returns a Fetcher that reads at most `limit_bytes` of each body."""
        return Capped(self, limit_bytes)

    def limit_per_address(self, most: int) -> None:
        """Allows `most` exchanges at a time with each address, from the next one on."""
        self.gates.per_address = most

    def limit_speed(self, bytes_per_s: float | None) -> None:
        """Reads `bytes_per_s` at most over all exchanges, those under way included; None: as fast as they come."""
        self.limits.own.change(bytes_per_s)

    def proxy_of(self, site: str) -> str:
        """Returns the proxy that a site goes to now, without its password; empty: it is reached directly."""
        proxy = self.origins.find_proxy(site)
        return proxy.name if proxy else ""

    def prepare_sites(self, sites: SiteRules) -> Callable[[], None]:
        """Returns a function that puts other settings of single sites in force. Raises ConfigError."""
        return self.origins.prepare_rules(sites)

    async def _exchange_by_proxy(self, request: Request, share: BodyShare, cap: int | None, begun: float) -> Response:
        """Makes one exchange by the proxies of its site, one after another while one fails."""
        site = request.url.site
        while True:
            origin = self.origins.find(site)
            if origin.proxy is None:
                return await self._exchange_with(origin, request, share, cap, begun)
            since = self.routes.pool.now()
            try:
                response = await self._exchange_with(origin, request, share, cap, begun)
            except ProxyFailed as error:
                doubted_since = None if error.is_certain else since
                if not self.routes.pool.note_failure(origin.proxy, error.detail, began=doubted_since):
                    raise
            else:
                if response.status != UNKNOWN_TO_PROXY:
                    self.routes.pool.note_success(origin.proxy)
                    return response
                if not self.routes.pool.note_failure(origin.proxy, "it answers HTTP 407"):
                    return response
                share.give_back()

    async def _exchange_with(
        self, origin: Origin, request: Request, share: BodyShare, cap: int | None, begun: float
    ) -> Response:
        """Makes one exchange as soon as gates, budget and open files allow, and charges it to the share."""
        address = origin.literal or self._known(origin) or await self._address(origin)
        resolved = monotonic()
        if not self.gates.is_entered(address):
            await self.gates.enter(address)
        try:
            if self.budget.is_short:
                await share.wait(0)
            dns_ms, queue_ms = (resolved - begun) * 1000, (monotonic() - resolved) * 1000
            exchange = Exchange(self.line, origin, request, share, cap)
            for times in count(1):
                if not self.files.is_entered():
                    await self.files.enter()
                try:
                    return await exchange.run(dns_ms, queue_ms)
                except OutOfFiles as error:
                    missing = error
                finally:
                    self.files.leave()
                await self.files.run_out(missing, times)
            raise AssertionError
        finally:
            self.gates.leave(address)

    async def vet(self, request: Request) -> None:
        """Checks that the address of this request is allowed, without connecting to it. Raises FetchError."""
        origin = self.origins.find(request.url.site)
        _ = origin.literal or self._known(origin) or await self._address(origin)

    def _known(self, origin: Origin) -> str:
        """Returns the address that the connection will most likely use, or an empty string if it is not known yet.

        Behind a proxy addresses are invisible, so the host name stands for it.
        """
        if origin.proxy:
            return origin.host
        addresses = self.resolver.known(origin.host)
        return addresses[0] if addresses else ""

    async def _address(self, origin: Origin) -> str:
        return (await self.resolver.addresses(origin.host))[0]


@dataclass(frozen=True, slots=True)
class Capped:
    """A Fetcher that reads bodies up to a limit."""

    fetcher: HttpFetcher
    limit_bytes: int

    async def fetch(self, request: Request) -> Response:
        """Makes one exchange and returns the answer, its body cut at the limit. Raises FetchError."""
        return await self.fetcher.fetch(request, cap=self.limit_bytes)
