"""Holds the connectors of a fetcher, one for each way in which sites are reached: directly, or through a proxy."""

from __future__ import annotations

from collections.abc import Iterable

from .connector import Connector
from .files import Files
from .guard import Guard
from .proxies import SocksConnector
from .proxy_pool import Proxy, ProxyPool
from .resolver import Resolver


class Routes:
    """The pool of proxies, and the connectors, which are opened as they are needed. Close it at the end."""

    def __init__(
        self, pool: ProxyPool, resolver: Resolver, proxy_resolver: Resolver, guard: Guard, files: Files
    ) -> None:
        """`proxy_resolver` looks up the names of proxies. Raises ConfigError for a SOCKS proxy without its library."""
        self.pool = pool
        self._proxy_resolver = proxy_resolver
        self._files = files
        self.direct: Connector = Connector(resolver, guard, files)
        self._relayed: Connector | None = None
        self._socks: dict[str, SocksConnector] = {}
        self.prepare(proxy.text for proxy in pool.proxies)

    def prepare(self, proxies: Iterable[str]) -> None:
        """Opens the connectors for these proxies. Raises ConfigError if one of them cannot be used."""
        for text in proxies:
            self.connector(self.pool.find(text))

    def connector(self, proxy: Proxy | None) -> Connector:
        """Returns the connector for a proxy; None: the one that connects to sites themselves."""
        if proxy is None:
            return self.direct
        if proxy.is_socks:
            if proxy.text not in self._socks:
                self._socks[proxy.text] = SocksConnector(self._proxy_resolver, proxy.url, self._files)
            return self._socks[proxy.text]
        if self._relayed is None:
            # The user named the proxy, so its address is allowed. The addresses behind it are not visible to us.
            self._relayed = Connector(self._proxy_resolver, None, self._files)
        return self._relayed

    async def close(self) -> None:
        """Closes all connections."""
        for connector in (self.direct, self._relayed, *self._socks.values()):
            if connector is not None:
                connector.give_up_kept()
                await connector.close()
