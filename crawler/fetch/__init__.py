"""One HTTP exchange at a time for each visit: names looked up, addresses guarded, bodies within the byte budget."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import CookieJar

from ..settings import FetchConfig
from .budget import Budget
from .exchange import Line
from .fetcher import Capped, HttpFetcher
from .gates import Gates
from .guard import Guard
from .origins import Origins, request_fields
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
    fields = request_fields(user_agent, contact, config.headers)
    guard = Guard(config.allow_networks)
    names = NameServers()
    # The proxy was named by the user, wherever it stands; what lies behind it we cannot see.
    resolver = Resolver(Guard(("0.0.0.0/0", "::/0")) if config.proxy else guard, names.ask, hosts)
    connector = Connector(resolver, None if config.proxy else guard)
    jar = CookieJar() if config.cookies else None
    try:
        yield HttpFetcher(
            line=Line(connector, jar, config.timeout_s, config.connect_timeout_s, config.max_body_bytes),
            resolver=resolver,
            origins=Origins(guard, fields, config.proxy, verify_tls=config.verify_tls),
            gates=Gates(sys.maxsize if config.proxy else per_ip),
            budget=budget,
            connect_timeout_s=config.connect_timeout_s,
        )
    finally:
        await connector.close()
        await resolver.close()
        await names.close()
