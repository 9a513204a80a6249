"""Looks up host names: caches the answers, asks once at a time for each name, and returns allowed addresses only."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from aiohttp.abc import AbstractResolver, ResolveResult

from ..errors import FetchError
from ..model import Reason
from ..runtime.clock import holding, monotonic
from ..runtime.gil import yield_gil
from ..runtime.presence import Presence
from .guard import Guard

if TYPE_CHECKING:
    import aiodns

MIN_TTL_S = 60.0
"""Answers are kept at least this long, even if the zone allows less, so that not each page asks again."""
MAX_TTL_S = 3600.0
UNKNOWN_TTL_S = 300.0
"""Lifetime of `no such name` and `refused address`. RFC 2308 5 allows hours, but people correct their seeds."""
SETBACK_TTL_S = 5.0
"""Lifetime of a transient failure, so that other pages of the host do not wait for the same time-out."""
MAX_TRIES = 3
"""Most look-ups of a name in a row, if this process was away during each. The last answer counts, whatever it is."""
MAX_NAMES = 65536
MAX_WAIT_S = 2.0
"""First wait for one name server. It doubles with each round."""


class NameAnswer(NamedTuple):
    """The answer of a name server, valid for `ttl_s` seconds."""

    addresses: Sequence[str]
    ttl_s: float


LookUp = Callable[[str], Awaitable[NameAnswer]]
"""Looks up one host name. Raises FetchError."""


class Resolver(AbstractResolver):
    """Finds the addresses of a host and vets each by the guard. `hosts` gives addresses that are known beforehand.

    aiohttp's connector asks this object too, right after the fetcher, and gets the same vetted addresses.
    """

    def __init__(
        self,
        guard: Guard,
        ask: LookUp,
        hosts: Mapping[str, str] | None = None,
        clock: Callable[[], float] = monotonic,
        *,
        timeout_s: float,
        presence: Presence | None = None,
    ) -> None:
        """A look-up that takes longer than `timeout_s` fails for all callers that wait for it."""
        self._timeout_s = timeout_s
        self._guard = guard
        self._ask = ask
        self._hosts = {host: (address,) for host, address in (hosts or {}).items()}
        self._clock = clock
        self._presence = presence or Presence()
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Task[_Known]] = {}

    def known(self, host: str) -> tuple[str, ...]:
        """Returns the cached addresses of a host, without waiting. If empty, call `addresses`."""
        known = self._known.get(host)
        return known.addresses if known and known.until > self._clock() else ()

    async def addresses(self, host: str) -> tuple[str, ...]:
        """Returns the addresses of a host, at least one. Raises FetchError: DNS or BLOCKED_ADDRESS."""
        known = self._known.get(host)
        if known is None or known.until <= self._clock():
            known = await asyncio.shield(self._ask_once(host))
        if known.error:
            raise known.error.copy()
        return known.addresses

    async def look_up(self, host: str) -> NameAnswer:
        """Returns the addresses as an `LookUp`, for resolvers that share this cache and vet with their own guards."""
        return NameAnswer(await self.addresses(host), MIN_TTL_S)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Returns the addresses in the form that aiohttp's connector expects."""
        return [_result(host, address, port) for address in await self.addresses(host)]

    async def close(self) -> None:
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ask_once(self, host: str) -> asyncio.Task[_Known]:
        """Returns the running look-up of this name, or starts one. Cancelling a caller does not end it for others."""
        task = self._asking.get(host)
        if task is None:
            task = self._asking[host] = asyncio.create_task(self._learn(host))
        return task

    async def _learn(self, host: str) -> _Known:
        try:
            known = await self._look_up_awake(host)
        except FetchError as error:
            ttl_s = SETBACK_TTL_S if error.transient else UNKNOWN_TTL_S
            known = _Known((), self._clock() + ttl_s, error.copy())
        finally:
            del self._asking[host]
        self._remember(host, known)
        return known

    async def _look_up_awake(self, host: str) -> _Known:
        """Looks up a name, and once more if this process was away while that failed."""
        for _ in range(MAX_TRIES - 1):
            begun = self._presence.beat()
            try:
                return await self._look_up(host)
            except FetchError:
                if self._presence.beat() == begun:
                    raise
        return await self._look_up(host)

    async def _look_up(self, host: str) -> _Known:
        found = NameAnswer(self._hosts[host], MAX_TTL_S) if host in self._hosts else await self._answer(host)
        addresses = self._vet(host, found.addresses)
        return _Known(addresses, self._clock() + min(max(found.ttl_s, MIN_TTL_S), MAX_TTL_S), None)

    async def _answer(self, host: str) -> NameAnswer:
        try:
            async with asyncio.timeout(self._timeout_s):
                with holding():  # it may be a thread of c-ares that waits for the answer
                    return await self._ask(host)
        except TimeoutError as error:
            raise FetchError(Reason.DNS, f"{host}: the name servers did not answer", transient=True) from error

    def _vet(self, host: str, addresses: Sequence[str]) -> tuple[str, ...]:
        """Returns the addresses that the guard allows, so a name with some private addresses is still reachable.

        Raises FetchError if none is left.
        """
        if not addresses:
            raise FetchError(Reason.DNS, f"{host} has no address")
        refusals = {address: self._guard.refuses(address) for address in addresses}
        vetted = tuple(address for address, refusal in refusals.items() if refusal is None)
        if not vetted:
            address, refusal = next(iter(refusals.items()))
            raise FetchError(Reason.BLOCKED_ADDRESS, f"{host} is {address}: {refusal}")
        return vetted

    def _remember(self, host: str, known: _Known) -> None:
        self._known.pop(host, None)
        if len(self._known) >= MAX_NAMES:
            del self._known[next(iter(self._known))]
        self._known[host] = known


class _Known(NamedTuple):
    addresses: tuple[str, ...]
    until: float
    error: FetchError | None


class NameServers:
    """Looks names up through c-ares: in /etc/hosts, then at the given name servers or those of the system."""

    def __init__(self, servers: Sequence[str], timeout_s: float) -> None:
        """A look-up may take `timeout_s`. A server that does not answer is skipped long before."""
        self._servers = servers
        self._wait_s = min(MAX_WAIT_S, timeout_s / 4)
        self._resolver: aiodns.DNSResolver | None = None

    async def ask(self, host: str) -> NameAnswer:
        """Returns all addresses of a host. Raises FetchError: DNS, transient unless the name does not exist."""
        import aiodns  # noqa: PLC0415  (a crawl of literal addresses needs none)

        if self._resolver is None:
            self._resolver = aiodns.DNSResolver(self._servers, timeout=self._wait_s)
        try:
            with yield_gil():  # c-ares answers from a thread of its own
                answer = await self._resolver.getaddrinfo(host, socket.AF_UNSPEC, type=socket.SOCK_STREAM)
        except aiodns.error.DNSError as error:
            raise _refusal(host, error) from error
        addresses = [_text(node.addr[0]) for node in answer.nodes]
        return NameAnswer(addresses, min((node.ttl for node in answer.nodes), default=0))

    async def close(self) -> None:
        if self._resolver is not None:
            await self._resolver.close()


def _refusal(host: str, error: aiodns.error.DNSError) -> FetchError:
    from aiodns import error as codes  # noqa: PLC0415

    code, text = (*error.args, "", "")[:2]
    is_final = code in (codes.ARES_ENOTFOUND, codes.ARES_ENODATA, codes.ARES_EBADNAME, codes.ARES_ENONAME)
    return FetchError(Reason.DNS, f"{host}: {text}", transient=not is_final)


def _text(address: str | bytes) -> str:
    return address.decode("ascii") if isinstance(address, bytes) else address


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
