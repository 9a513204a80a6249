"""One HTTP exchange at a time for each visit: names looked up, addresses guarded, bodies within the byte budget."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from ..settings import FetchConfig
from .budget import Budget
from .exchange import Line
from .fetcher import Capped, HttpFetcher
from .gates import Gates
from .guard import Guard
from .origins import Origins, request_fields
from .relays import Relay, SocksConnector
from .resolver import NameServers, Resolver
from .wire import Connector

__all__ = ["Budget", "Capped", "Guard", "HttpFetcher", "open_fetcher"]


@asynccontextmanager
async def open_fetcher(
    config: FetchConfig,
    user_agent: str,
    *,
    contact: str = "",
    per_ip: int = 16,
    budget: Budget | None = None,
    hosts: Mapping[str, str] | None = None,
) -> AsyncIterator[HttpFetcher]:
    """A Fetcher over one pool of connections, closed with the block.

    `contact`, when it is a mail address, becomes the From field. `hosts` names addresses that no name server is asked
    for. Raises ConfigError.
    """
    budget = budget or Budget(config.budget_bytes, config.max_body_bytes)
    fields = request_fields(config, user_agent, contact)
    guard = Guard(config.allow_networks)
    relay = Relay(config.proxy, config.no_proxy)
    line = Line(config)
    async with AsyncExitStack() as stack:
        stack.callback(line.pace.close)
        names = NameServers()
        stack.push_async_callback(names.close)
        resolver = Resolver(guard, names.ask, hosts)
        stack.push_async_callback(resolver.close)
        direct = Connector(resolver, guard)
        stack.push_async_callback(direct.close)
        relayed = direct
        if relay.url is not None:
            # The proxy was named by the user, wherever it stands; what lies behind it we cannot see.
            proxies = Resolver(Guard(("0.0.0.0/0", "::/0")), names.ask, hosts)
            stack.push_async_callback(proxies.close)
            relayed = SocksConnector(proxies, relay.url) if relay.is_socks else Connector(proxies, None)
            stack.push_async_callback(relayed.close)
        yield HttpFetcher(
            line=line,
            resolver=resolver,
            origins=Origins(guard, fields, config, relay, direct, relayed),
            gates=Gates(per_ip),
            budget=budget,
            connect_timeout_s=config.connect_timeout_s,
        )
