"""Makes HTTP exchanges: looks up names, refuses unsafe addresses, and keeps bodies within one byte budget."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ..dataclass import dataclass
from ..policy.site_rules import SiteRules
from ..runtime.presence import Presence
from ..settings import FetchConfig
from .address_limits import AddressLimits
from .budget import Budget, make_budget
from .cookie_file import keep_cookies
from .cookie_jar import CookieJar
from .exchange import ExchangeTerms
from .fetcher import Capped, HttpFetcher
from .files import Files
from .foreign import ForeignFetcher, LentFetcher
from .guard import Guard
from .origins import Origins, request_fields
from .proxy_pool import ProxyPool
from .resolver import LookUp, NameServers, Resolver
from .routes import Routes
from .setcookie import Cookie
from .speed_limits import SpeedLimits
from .throttle import SiteThrottles, Throttle, make_throttle
from .tls import Trust

if TYPE_CHECKING:
    from ..identity import RequestSigner

__all__ = [
    "Budget",
    "Capped",
    "Cookie",
    "CookieJar",
    "Files",
    "ForeignFetcher",
    "Guard",
    "HttpFetcher",
    "LentFetcher",
    "Network",
    "ProxyPool",
    "keep_cookies",
    "make_budget",
    "open_fetcher",
    "open_network",
]

_ANYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True)
class Network:
    """The parts that several fetchers may share: name servers and their answers, gates per address, room for files."""

    gates: AddressLimits
    throttle: Throttle
    """Keeps all fetchers together within one rate."""
    site_throttles: SiteThrottles
    ask: LookUp
    """Looks up a name. Its answers are not vetted: each fetcher has its own guard."""
    files: Files


@asynccontextmanager
async def open_network(
    per_ip: int, connect_timeout_s: float, presence: Presence | None = None, bytes_per_s: float | None = None
) -> AsyncIterator[Network]:
    """Opens what the fetchers of one event loop share; open and close them within the block.

    `bytes_per_s` is the rate of all of them together.
    """
    async with AsyncExitStack() as stack:
        names = NameServers((), connect_timeout_s)
        stack.push_async_callback(names.close)
        answers = Resolver(Guard(_ANYWHERE), names.ask, timeout_s=connect_timeout_s, presence=presence)
        stack.push_async_callback(answers.close)
        throttle = make_throttle(bytes_per_s)
        stack.callback(throttle.close)
        yield Network(AddressLimits(per_ip), throttle, SiteThrottles(make_throttle), answers.look_up, Files())


@asynccontextmanager
async def open_fetcher(  # noqa: PLR0913 - one for each thing that is no setting of `fetch`
    config: FetchConfig,
    user_agent: str,
    *,
    contact: str,
    per_ip: int,
    sites: SiteRules,
    budget: Budget | None = None,
    hosts: Mapping[str, str] | None = None,
    network: Network | None = None,
    presence: Presence | None = None,
    signer: RequestSigner | None = None,
) -> AsyncIterator[HttpFetcher]:
    """Opens a Fetcher over one pool of connections, and closes it with the block. Raises ConfigError.

    `contact` becomes the From field when it is a mail address. `hosts` maps host names to addresses, so that no name
    server is asked for them. `network` is shared with other fetchers; each has its own connections and guard.
    `presence` tells when this process was away; without it, nobody watches. `sites` tells what differs for single
    sites. `signer` signs requests over TLS.
    """
    budget = budget or make_budget(config)
    fields = request_fields(config, user_agent, contact)
    guard = Guard(config.allow_networks)
    pool = ProxyPool(config)
    presence = presence or Presence()
    line = ExchangeTerms(config, presence)
    trust = Trust(config)
    if config.ca_file:
        await trust.prepare()
    if signer:
        await signer.prepare()
    async with AsyncExitStack() as stack:
        stack.callback(line.pace.close)
        stack.callback(line.deadlines.close)
        if network is None or config.name_servers:
            names = NameServers(config.name_servers, config.connect_timeout_s)
            stack.push_async_callback(names.close)
            alone = Network(
                AddressLimits(per_ip), make_throttle(None), SiteThrottles(make_throttle), names.ask, Files()
            )
            shared = network or alone
            network = replace(shared, ask=names.ask)
        limits = SpeedLimits(config.bytes_per_s, network.throttle, network.site_throttles)
        stack.callback(limits.close)
        network.files.check(config.concurrency)
        resolver = Resolver(guard, network.ask, hosts, timeout_s=config.connect_timeout_s, presence=presence)
        stack.push_async_callback(resolver.close)
        proxies = Resolver(Guard(_ANYWHERE), network.ask, hosts, timeout_s=config.connect_timeout_s, presence=presence)
        stack.push_async_callback(proxies.close)
        routes = Routes(pool, resolver, proxies, guard, network.files)
        stack.push_async_callback(routes.close)
        yield HttpFetcher(
            line=line,
            resolver=resolver,
            trust=trust,
            origins=Origins(guard, fields, config, routes, trust, sites, limits, signer),
            gates=AddressLimits(per_ip, network.gates),
            routes=routes,
            limits=limits,
            files=network.files,
            budget=budget,
        )
