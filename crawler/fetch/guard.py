"""Decides which network addresses may be connected to: public ones, and those that the configuration allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ..errors import ConfigError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA's special-purpose registries (RFC 6890 and its updates), and public addresses that clouds use internally.
# The first match names the refusal, so narrower networks come first.
_REFUSED_V4: tuple[tuple[str, str], ...] = (
    ("169.254.169.254/32", "cloud metadata"),
    ("100.100.100.200/32", "cloud metadata"),
    ("192.0.0.192/32", "cloud metadata"),
    ("168.63.129.16/32", "cloud metadata"),
    ("0.0.0.0/32", "unspecified"),
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("240.0.0.0/4", "reserved"),
)
_REFUSED_V6: tuple[tuple[str, str], ...] = (
    ("fd00:ec2::254/128", "cloud metadata"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::/96", "IPv4-compatible"),
    ("64:ff9b:1::/48", "local NAT64"),
    ("100::/64", "discard"),
    ("2001::/32", "Teredo"),
    ("2001:2::/48", "benchmarking"),
    ("2001:db8::/32", "documentation"),
    ("2001::/23", "protocol assignments"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "documentation"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_ISATAP = frozenset((0x0000_5EFE, 0x0200_5EFE))  # RFC 5214 6.1: the upper half of the interface identifier


class Guard:
    """Refuses every address that is not public, unless it lies in one of `allow_networks`.

    IPv4-mapped (`::ffff:a.b.c.d`) and NAT64 (`64:ff9b::a.b.c.d`) addresses are judged by the IPv4 address inside them,
    because packets go there. The other forms that contain an IPv4 address (IPv4-compatible, 6to4, Teredo, ISATAP,
    local NAT64) serve no public web, so they are always refused.
    """

    refuses: Callable[[str], str | None]
    """Returns in a few words why this address is refused, or None if it is allowed."""

    def __init__(self, allow_networks: Iterable[str]) -> None:
        self._allowed = tuple(_network(text) for text in allow_networks)
        self.refuses = lru_cache(maxsize=1 << 14)(self._refuses)

    def _refuses(self, text: str) -> str | None:
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return "not an address"
        return self._judge(address)

    def _judge(self, address: Address) -> str | None:
        if any(address.version == network.version and address in network for network in self._allowed):
            return None
        if isinstance(address, IPv4Address):
            return _first(address, _V4)
        inside = _embedded(address)
        return self._judge(inside) if inside else _refused_v6(address)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None


def _refused_v6(address: IPv6Address) -> str | None:
    if reason := _first(address, _V6):
        return reason
    if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        return "ISATAP"
    return None if address in _GLOBAL_UNICAST else "reserved"


def _first(address: Address, table: Iterable[tuple[Network, str]]) -> str | None:
    return next((reason for network, reason in table if address in network), None)


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ConfigError(f'fetch.allow_networks: {text!r} is no network ({error}); write "127.0.0.0/8"') from error


_V4 = tuple((ip_network(text), reason) for text, reason in _REFUSED_V4)
_V6 = tuple((ip_network(text), reason) for text, reason in _REFUSED_V6)
