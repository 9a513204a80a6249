"""Asks sites for their reservation of text and data mining: `/.well-known/tdmrep.json` (TDMRep, W3C CG, 2024)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import NamedTuple
from weakref import WeakValueDictionary

import orjson

from ..errors import FetchError, VisitError
from ..model import Request, Response, Statement, Url
from ..parse.codings import decode
from ..policy.pace import Exchange
from ..protocols import Capping, Fetcher, Observer, Offloader
from ..runtime.clock import monotonic
from ..settings import MOST_INLINE_BYTES
from ..usage import read_tdm
from .preferences import MAX_LINES, order, place
from .rules import Placed, find_statements

PATH = "/.well-known/tdmrep.json"
MAX_BYTES = 256 << 10
"""Bytes of a tdmrep.json that are read. A longer one is cut, and so no JSON: it says nothing."""
MAX_SITES = 20_000
TTL_S = 86400.0
FAILED_S = 600.0
"""Seconds until a site is asked again that did not answer, or with a server error. Until then it says nothing."""
_INLINE_BYTES = 2 << 10


class Known(NamedTuple):
    """The reservations of a site, and until when they hold."""

    until: float
    lines: tuple[Placed, ...] = ()


class Reservations:
    """Asks each site once a day, and keeps what it says."""

    def __init__(self, fetcher: Fetcher, offloader: Offloader, observer: Observer | None = None) -> None:
        self._fetcher = fetcher.capped(MAX_BYTES) if isinstance(fetcher, Capping) else fetcher
        self._offloader = offloader
        self._observer = observer
        self._known: dict[str, Known] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def knows(self, site: str) -> bool:
        """Whether the site need not be asked now."""
        known = self._known.get(site)
        return known is not None and known.until > monotonic()

    def find(self, url: Url) -> tuple[Statement, ...]:
        """Returns what the site of the URL says about its path, as far as it was asked."""
        known = self._known.get(url.site)
        return find_statements(known.lines, url.path) if known else ()

    async def ask(self, request: Request, exchange: Exchange) -> float:
        """Asks the site, unless another visit did meanwhile; returns how long the site rests then."""
        site = request.url.site
        turn = self._turns.setdefault(site, asyncio.Lock())
        async with turn:
            if self.knows(site):
                return 0.0
            try:
                response = replace(await self._fetcher.fetch(request), aside="tdmrep.json")
            except FetchError as error:
                self._keep(site, Known(monotonic() + FAILED_S))
                return exchange.fail(error)
            try:
                if self._observer is not None:
                    await self._observer.observe(response)
                self._keep(site, await self._read(response))
            finally:
                response.release()
            return exchange.end(response)

    def _keep(self, site: str, known: Known) -> None:
        if site not in self._known and len(self._known) >= MAX_SITES:
            del self._known[next(iter(self._known))]
        self._known[site] = known

    async def _read(self, response: Response) -> Known:
        now = monotonic()
        if response.status == 429 or response.status >= 500:
            return Known(now + FAILED_S)
        if response.status != 200:
            return Known(now + TTL_S)
        body, coding = response.body, response.header("content-encoding")
        if not coding and len(body) <= _INLINE_BYTES:
            return Known(now + TTL_S, read_reservations(body))
        size = max(len(body), MOST_INLINE_BYTES)
        try:
            return Known(now + TTL_S, await self._offloader.run(_decode_and_read, body, coding, size=size))
        except VisitError:  # it cannot be decoded, so it says nothing
            return Known(now + TTL_S)


def read_reservations(body: bytes) -> tuple[Placed, ...]:
    """Returns the entries of a tdmrep.json, the longest pattern first. Never raises: what is no such file says nothing.

    `location` is a pattern as in robots.txt. Entries without it, or without a reservation of 0 or 1, say nothing.
    """
    try:
        said = orjson.loads(_as_utf8(body[:MAX_BYTES]))
    except ValueError:
        return ()
    found = []
    for number, entry in enumerate((said if isinstance(said, list) else [said])[:MAX_LINES], 1):
        if not isinstance(entry, dict) or not isinstance(entry.get("location"), str):
            continue
        reserved, policy, pattern = entry.get("tdm-reservation"), entry.get("tdm-policy"), entry["location"]
        if isinstance(reserved, bool) or reserved not in (0, 1, "0", "1"):
            continue
        text = f"tdm-reservation: {reserved} for {pattern[:100]}"
        if isinstance(policy, str) and policy:
            text += f", tdm-policy: {policy[:100]}"
        statements = read_tdm(str(int(reserved)), f"tdmrep.json entry {number}", text)
        raw = ("/" + pattern.lstrip("/") if not pattern.startswith("*") else pattern).encode("utf-8", "replace")
        found.append(place("tdm", raw[:MAX_BYTES], number, statements))
    return order(found)


def _as_utf8(body: bytes) -> bytes:
    """Returns the text in UTF-8 without a byte order mark. UTF-16, which some editors write, is read as well."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace").encode("utf-8", "replace")
    return body.removeprefix(b"\xef\xbb\xbf")


def _decode_and_read(body: bytes, coding: str) -> tuple[Placed, ...]:
    """Decodes and reads a tdmrep.json, in a worker. Raises ParseError."""
    return read_reservations(decode(body, coding, MAX_BYTES))
