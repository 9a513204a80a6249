"""Turns host names into addresses we may talk to: cached, asked once at a time, and guarded."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from aiohttp.abc import AbstractResolver, ResolveResult

from ..errors import FetchError
from ..model import Reason
from ..runtime.gil import breathing
from .guard import Guard

if TYPE_CHECKING:
    import aiodns

MIN_TTL_S = 60.0
"""A name is not asked again for each page, whatever its zone says."""
MAX_TTL_S = 3600.0
UNKNOWN_TTL_S = 300.0
"""How long `no such name` and `refused address` stand; RFC 2308 5 allows hours, but seeds get mended."""
SETBACK_TTL_S = 5.0
"""How long a resolver in trouble is left alone for this name: its other pages need not wait for the same time-out."""
MAX_NAMES = 65536
MAX_WAIT_S = 2.0
"""For one name server at first; the wait doubles with each round."""


class Found(NamedTuple):
    """What a name server answered. `ttl_s`: how long it may be believed."""

    addresses: Sequence[str]
    ttl_s: float


Ask = Callable[[str], Awaitable[Found]]
"""One look-up of a host name. Raises FetchError."""


class Resolver(AbstractResolver):
    """Addresses by host name; `hosts` are known beforehand. Every answer passes the guard before anyone sees it.

    The connector asks this object too, right after us, and gets the very addresses that were vetted.
    """

    def __init__(
        self,
        guard: Guard,
        ask: Ask,
        hosts: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        timeout_s: float = 10.0,
    ) -> None:
        """A name that takes longer than `timeout_s` has none to answer for it, for all who wait."""
        self._timeout_s = timeout_s
        self._guard = guard
        self._ask = ask
        self._hosts = {host: (address,) for host, address in (hosts or {}).items()}
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Task[_Known]] = {}

    def known(self, host: str) -> tuple[str, ...]:
        """The addresses of a host looked up lately, without waiting; empty: ask `addresses`."""
        known = self._known.get(host)
        return known.addresses if known and known.until > self._clock() else ()

    async def addresses(self, host: str) -> tuple[str, ...]:
        """The host's addresses, at least one. Raises FetchError: DNS or BLOCKED_ADDRESS."""
        known = self._known.get(host)
        if known is None or known.until <= self._clock():
            known = await asyncio.shield(self._asked(host))
        if known.error:
            raise _again(known.error)
        return known.addresses

    async def found(self, host: str) -> Found:
        """The same, as an `Ask` for resolvers with guards of their own: each vets what this one keeps for all."""
        return Found(await self.addresses(host), MIN_TTL_S)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The connector's way of asking."""
        return [_result(host, address, port) for address in await self.addresses(host)]

    async def close(self) -> None:
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _asked(self, host: str) -> asyncio.Task[_Known]:
        """The one look-up of this name under way: whoever is cancelled leaves it to the others."""
        task = self._asking.get(host)
        if task is None:
            task = self._asking[host] = asyncio.create_task(self._learn(host))
        return task

    async def _learn(self, host: str) -> _Known:
        try:
            known = await self._look_up(host)
        except FetchError as error:
            ttl_s = SETBACK_TTL_S if error.transient else UNKNOWN_TTL_S
            known = _Known((), self._clock() + ttl_s, _again(error))
        finally:
            del self._asking[host]
        self._remember(host, known)
        return known

    async def _look_up(self, host: str) -> _Known:
        found = Found(self._hosts[host], MAX_TTL_S) if host in self._hosts else await self._answer(host)
        addresses = self._vetted(host, found.addresses)
        return _Known(addresses, self._clock() + min(max(found.ttl_s, MIN_TTL_S), MAX_TTL_S), None)

    async def _answer(self, host: str) -> Found:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._ask(host)
        except TimeoutError as error:
            raise FetchError(Reason.DNS, f"{host}: the name servers did not answer", transient=True) from error

    def _vetted(self, host: str, addresses: Sequence[str]) -> tuple[str, ...]:
        """Those that pass the guard: a name that also points inward may still be reached where it points outward."""
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


def _again(error: FetchError) -> FetchError:
    """The same, without the frames that hang on what was raised: it is kept for long, and raised many times."""
    return FetchError(error.reason, error.detail, transient=error.transient)


class NameServers:
    """Asks name servers, the system's unless others are named, and /etc/hosts before them, through c-ares."""

    def __init__(self, servers: Sequence[str] = (), timeout_s: float = 10.0) -> None:
        """`timeout_s`: what a look-up may take; a server that does not answer is passed by long before."""
        self._servers = servers
        self._wait_s = min(MAX_WAIT_S, timeout_s / 4)
        self._resolver: aiodns.DNSResolver | None = None

    async def ask(self, host: str) -> Found:
        """All addresses of a host. Raises FetchError: DNS, transient unless there is no such name."""
        import aiodns  # noqa: PLC0415  (a crawl of literal addresses needs none)

        if self._resolver is None:
            self._resolver = aiodns.DNSResolver(self._servers, timeout=self._wait_s)
        try:
            with breathing():  # c-ares answers from a thread of its own
                answer = await self._resolver.getaddrinfo(host, socket.AF_UNSPEC, type=socket.SOCK_STREAM)
        except aiodns.error.DNSError as error:
            raise _refusal(host, error) from error
        addresses = [_text(node.addr[0]) for node in answer.nodes]
        return Found(addresses, min((node.ttl for node in answer.nodes), default=0))

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
