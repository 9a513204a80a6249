"""Cuts a crawl into shards: all sites of one registered domain are in one, and rows and sites tell theirs by number."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from .. import urls
from ..urls.suffixes import private_suffix

ROWS_BITS = 28
"""Rows of a shard: 268 million. With 4096 shards a row still fits into the 40 bits that a key has for it."""
MOST_SHARDS = 1 << 12
FINGERPRINT_BITS = 64
_CACHED = 1 << 16


class Span(NamedTuple):
    """Numbers from `first` to `last`, both included."""

    first: int
    last: int


def base_of(shard: int) -> int:
    """Returns the number after which the rows of a shard begin. A frontier that was never cut is shard 0."""
    return shard << ROWS_BITS


def shard_of_row(row: int) -> int:
    """Returns the shard of a row. Rows below zero are names: URLs that are referred to and were never queued."""
    return abs(row) >> ROWS_BITS


def rows_of(shard: int) -> Span:
    """Returns the rows that a shard may have."""
    return Span(base_of(shard) + 1, base_of(shard + 1) - 1)


def names_of(shard: int) -> Span:
    """Returns the numbers that names of a shard may have."""
    rows = rows_of(shard)
    return Span(-rows.last, -rows.first)


class Cut:
    """One way to cut a crawl. It never changes for this crawl: `shards` and `key` are set when it is cut."""

    def __init__(self, shards: int, key: bytes) -> None:
        """Takes a power of two, at most `MOST_SHARDS`."""
        self.shards = shards
        self._key = key
        self._bits = shards.bit_length() - 1
        self._of_host = lru_cache(_CACHED)(self._find)
        self._ids = lru_cache(_CACHED)(self._number)

    def shard_of(self, site: str) -> int:
        """Returns the shard of a site, of a URL, or of a pattern of URLs: text that begins with scheme and host."""
        start = site.find("//") + 2
        end = site.find("/", start)
        return self._of_host(site[start:] if end < 0 else site[start:end])

    def site_id(self, site: str) -> int:
        """Returns the number of a site or a pattern: 64 bits without a sign, of which the first are its shard."""
        return self._ids(site)

    def sites_of(self, shard: int) -> Span:
        """Returns the numbers that sites of a shard may have."""
        bits = FINGERPRINT_BITS - self._bits
        return Span(shard << bits, (shard + 1 << bits) - 1)

    def _find(self, host: str) -> int:
        name = host.rpartition("@")[2]
        if not name.endswith("]"):
            name = name.partition(":")[0] if "[" not in name else name[: name.index("]") + 1]
        last = name.rpartition(".")[2]
        domain = name if last.isdigit() or name.startswith("[") else private_suffix(name) or name
        return urls.fingerprint(domain, self._key) % self.shards

    def _number(self, site: str) -> int:
        bits = FINGERPRINT_BITS - self._bits
        return self.shard_of(site) << bits | urls.fingerprint(site, self._key) >> self._bits
