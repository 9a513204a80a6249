"""Holds the connections of a fetcher, by the way in which sites are reached: directly, or through a proxy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .connections import Connections
from .files import Files
from .proxy_pool import Proxy, ProxyPool
from .resolver import Resolver

if TYPE_CHECKING:
    from .relays import Connector, SocksConnector


class Routes:
    """The pool of proxies, and the connectors, which are opened as they are needed. Close it at the end."""

    def __init__(self, pool: ProxyPool, direct: Connections, proxy_resolver: Resolver, files: Files) -> None:
        """`proxy_resolver` looks up the names of proxies. Raises ConfigError for a SOCKS proxy without its library."""
        self.pool = pool
        self.direct: Connections = direct
        self._proxy_resolver = proxy_resolver
        self._files = files
        self._relayed: Connector | None = None
        self._socks: dict[str, SocksConnector] = {}
        self.prepare(proxy.text for proxy in pool.proxies)

    def prepare(self, proxies: Iterable[str]) -> None:
        """Opens the connectors for these proxies. Raises ConfigError if one of them cannot be used."""
        for text in proxies:
            self.connector(self.pool.find(text))

    def connector(self, proxy: Proxy) -> Connector:
        """Returns the connector for a proxy."""
        from . import relays  # noqa: PLC0415 - it loads aiohttp, which crawls without proxies rarely need

        if proxy.is_socks:
            if proxy.text not in self._socks:
                self._socks[proxy.text] = relays.SocksConnector(self._proxy_resolver, proxy.url, self._files)
            return self._socks[proxy.text]
        if self._relayed is None:
            self._relayed = relays.Connector(relays.LookUps(self._proxy_resolver), self._files)
        return self._relayed

    async def close(self) -> None:
        """Closes all connections."""
        await self.direct.close()
        for connector in (self._relayed, *self._socks.values()):
            if connector is not None:
                await connector.close()
