"""A web of any number of hosts that exists as numbers only: most are small, some dead, slow, endless or hard to please.

It keeps an account of its own of who was asked when, so that a scheduler that breaks a promise is seen.
"""

from __future__ import annotations

import random
from array import array
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from crawler import urls
from crawler.model import Disposition, Lease, Links, Outcome, Page, Reason, Request, Response, Url

POWER = 1.1  # of the sizes of hosts (Pareto): most have a page, a few have thousands
LARGEST = 20_000
BRANCHES = 4  # the pages of a host are a tree, so that all can be reached
SHARED = 0.3  # of the hosts live at shared addresses
HOSTS_AN_ADDRESS = 500
CRAWL_DELAY_S, SLOW_S, DEAD_S, HOLD_S = 10.0, 20.0, 10.0, 120.0
RETRIES, RETRY_S = 3, 30.0
EARLY_S = 1e-6  # times are floating point


class Kind(Enum):
    """The kinds of hosts, with the share of each."""

    DEAD = 0.05
    """Nobody answers."""
    ASKS = 0.04
    """It asks for a Crawl-delay."""
    SLOW = 0.03
    """It takes its time."""
    BUSY = 0.02
    """One of four answers is 429, with a Retry-After."""
    ENDLESS = 0.001
    """Each page leads to two more, and all are alike."""
    PLAIN = 1.0


@dataclass
class Account:
    """What the web saw of the crawl."""

    visits: int = 0
    breaches: Counter[str] = field(default_factory=Counter)
    by_kind: Counter[Kind] = field(default_factory=Counter)
    barred: int = 0
    """Requests that were not made, for they lead into a trap."""


class SimulatedWeb:
    """Hosts by number. Each is what its number and the seed make of it."""

    def __init__(self, hosts: int, key: bytes, *, delay_s: float, per_ip: int, seed: int = 7) -> None:
        self.account = Account()
        self.addresses = max(1, int(hosts * SHARED / HOSTS_AN_ADDRESS))
        self._hosts = hosts
        self._key = key
        self._delay_s = delay_s
        self._per_ip = per_ip
        self._seed = seed
        self._chance = random.Random(seed)
        self._free_at = array("d", bytes(8 * hosts))
        self._busy = bytearray(hosts)
        self._is_known = bytearray(hosts)
        """Whether the crawl knows the address of the host, having been there."""
        self._at_address: Counter[int] = Counter()

    def seeds(self) -> list[Request]:
        return [Request(Url(f"http://h{host}.test/")) for host in range(self._hosts)]

    def kind(self, host: int) -> Kind:
        chance = _mix(host, self._seed) / 2**32
        for kind in Kind:
            if chance < kind.value:
                return kind
            chance -= kind.value
        return Kind.PLAIN

    def size(self, host: int) -> int:
        """Returns how many pages it has."""
        chance = (_mix(host, self._seed + 1) + 1) / (2**32 + 1)
        return min(LARGEST, int(chance ** (-1 / POWER)))

    def address(self, host: int) -> int:
        """Returns the number of its address; those of shared ones come first."""
        mixed = _mix(host, self._seed + 2)
        return mixed % self.addresses if mixed / 2**32 < SHARED else self.addresses + host

    def begin(self, lease: Lease, now: float) -> float:
        """Takes a request, and notes what it breaks; returns how long the answer takes."""
        host, account = _host(lease), self.account
        kind = self.kind(host)
        account.visits += 1
        account.by_kind[kind] += 1
        if self._busy[host]:
            account.breaches["two at once"] += 1
        if now < self._free_at[host] - EARLY_S:
            account.breaches["too early"] += 1
        if self._is_known[host]:
            address = self.address(host)
            if self._at_address[address] >= self._per_ip:
                account.breaches["too many at an address"] += 1
            self._at_address[address] += 1
        self._busy[host] += 1 + self._is_known[host] * 2  # the second bit: counted at its address
        if kind is Kind.DEAD:
            return DEAD_S
        return SLOW_S if kind is Kind.SLOW else self._chance.lognormvariate(-1.0, 0.7)

    def end(self, lease: Lease, now: float) -> Outcome:
        """Answers, and notes from when on the host may be asked again."""
        host, request = _host(lease), lease.request
        if self._busy[host] & 2:
            self._at_address[self.address(host)] -= 1
        self._busy[host] = 0
        kind = self.kind(host)
        if kind is Kind.DEAD:
            return self._fail(lease, Reason.CONNECT, self._delay_s, now)
        if kind is Kind.BUSY and self._chance.random() < 0.25:
            return self._fail(lease, Reason.RATE_LIMITED, HOLD_S, now)
        rest_s = CRAWL_DELAY_S if kind is Kind.ASKS else self._delay_s
        self._free_at[host] = now + rest_s
        self._is_known[host] = 1
        found, gist = self._links(host, kind, request), lease.token
        if kind is Kind.ENDLESS:
            gist = 1 + host
        page = Page(lease.token.to_bytes(32, "little"), length=30_000, kind="html", news=found, gist=gist)
        response = Response(request.url, 200, (), ip=self._ip(host))
        asked_s = rest_s if kind is Kind.ASKS else 0.0
        return Outcome(
            lease, Disposition.FETCHED, response=response, page=page, rest_s=rest_s, asked_s=asked_s, ended=now
        )

    def _fail(self, lease: Lease, reason: Reason, rest_s: float, now: float) -> Outcome:
        self._free_at[_host(lease)] = now + rest_s
        is_last = lease.request.attempt >= RETRIES
        disposition = Disposition.FAILED if is_last else Disposition.DEFERRED
        retry_in_s = None if is_last else max(RETRY_S, rest_s)
        return Outcome(lease, disposition, reason, "no luck", retry_in_s=retry_in_s, rest_s=rest_s, ended=now)

    def _links(self, host: int, kind: Kind, request: Request) -> Links:
        number = _number(request.url.text)
        first = BRANCHES * number + 1
        if kind is Kind.ENDLESS:
            numbers = range(2 * number + 1, 2 * number + 3)
        else:
            numbers = range(first, min(first + BRANCHES, self.size(host)))
        texts = [f"http://h{host}.test/page/{one}" for one in numbers]
        prints = b"".join(urls.fingerprint(text, self._key).to_bytes(8, "little") for text in texts)
        return Links("\n".join(texts), prints)

    def _ip(self, host: int) -> str:
        address = self.address(host)
        return f"100.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def _mix(number: int, seed: int) -> int:
    """Returns 32 bits that follow from both, without a pattern."""
    mixed = (number * 0x9E3779B97F4A7C15 + seed * 0xD1B54A32D192ED03) & (2**64 - 1)
    mixed = (mixed ^ mixed >> 31) * 0xBF58476D1CE4E5B9 & (2**64 - 1)
    return (mixed ^ mixed >> 29) >> 32


def _host(lease: Lease) -> int:
    return int(lease.request.url.text[8:].partition(".")[0])


def _number(text: str) -> int:
    tail = text.rpartition("/")[2]
    return int(tail) if tail else 0
