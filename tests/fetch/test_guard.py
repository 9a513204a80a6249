"""Who may be talked to."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import ConfigError
from crawler.fetch import Guard
from crawler.fetch import guard as room

REFUSED = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "this network",
    "10.0.0.1": "private",
    "100.64.0.1": "carrier-grade NAT",
    "100.100.100.200": "cloud metadata",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "cloud metadata",
    "169.254.169.254": "cloud metadata",
    "169.254.1.1": "link-local",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.1": "protocol assignments",
    "192.0.0.192": "cloud metadata",
    "192.0.2.1": "documentation",
    "192.88.99.1": "6to4 relay",
    "192.168.1.1": "private",
    "198.18.0.1": "benchmarking",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "loopback",
    "::8.8.8.8": "IPv4-compatible",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:169.254.169.254": "cloud metadata",
    "64:ff9b::10.0.0.1": "private",
    "64:ff9b:1::8.8.8.8": "local NAT64",
    "100::1": "discard",
    "2001::1": "Teredo",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "Teredo",
    "2001:2::1": "benchmarking",
    "2001:10::1": "protocol assignments",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "6to4",
    "2002:808:808::": "6to4",
    "2600::5efe:808:808": "ISATAP",
    "2600::200:5efe:10.0.0.1": "ISATAP",
    "3fff::1": "documentation",
    "4000::1": "reserved",
    "fc00::1": "private",
    "fd00:ec2::254": "cloud metadata",
    "fd12:3456::1": "private",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "nonsense": "not an address",
    "127.1": "not an address",
    "2130706433": "not an address",
}
PUBLIC = ("1.1.1.1", "8.8.8.8", "172.32.0.1", "192.0.1.1", "100.128.0.1", "198.20.0.1", "223.255.255.255")
PUBLIC_V6 = ("2606:4700::1111", "2a00:1450::1", "2001:200::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8")

EDGES: dict[str, tuple[str | None, str, str, str | None]] = {
    "169.254.169.254/32": ("link-local", "cloud metadata", "cloud metadata", "link-local"),
    "100.100.100.200/32": ("carrier-grade NAT", "cloud metadata", "cloud metadata", "carrier-grade NAT"),
    "192.0.0.192/32": ("protocol assignments", "cloud metadata", "cloud metadata", "protocol assignments"),
    "168.63.129.16/32": ("public", "cloud metadata", "cloud metadata", "public"),
    "0.0.0.0/32": (None, "unspecified", "unspecified", "this network"),
    "0.0.0.0/8": (None, "unspecified", "this network", "public"),
    "10.0.0.0/8": ("public", "private", "private", "public"),
    "100.64.0.0/10": ("public", "carrier-grade NAT", "carrier-grade NAT", "public"),
    "127.0.0.0/8": ("public", "loopback", "loopback", "public"),
    "169.254.0.0/16": ("public", "link-local", "link-local", "public"),
    "172.16.0.0/12": ("public", "private", "private", "public"),
    "192.0.0.0/24": ("public", "protocol assignments", "protocol assignments", "public"),
    "192.0.2.0/24": ("public", "documentation", "documentation", "public"),
    "192.88.99.0/24": ("public", "6to4 relay", "6to4 relay", "public"),
    "192.168.0.0/16": ("public", "private", "private", "public"),
    "198.18.0.0/15": ("public", "benchmarking", "benchmarking", "public"),
    "198.51.100.0/24": ("public", "documentation", "documentation", "public"),
    "203.0.113.0/24": ("public", "documentation", "documentation", "public"),
    "224.0.0.0/4": ("public", "multicast", "multicast", "reserved"),
    "255.255.255.255/32": ("reserved", "broadcast", "broadcast", None),
    "240.0.0.0/4": ("multicast", "reserved", "broadcast", None),
    "fd00:ec2::254/128": ("private", "cloud metadata", "cloud metadata", "private"),
    "::/128": (None, "unspecified", "unspecified", "loopback"),
    "::1/128": ("unspecified", "loopback", "loopback", "IPv4-compatible"),
    "::/96": (None, "unspecified", "IPv4-compatible", "reserved"),
    "64:ff9b:1::/48": ("reserved", "local NAT64", "local NAT64", "reserved"),
    "100::/64": ("reserved", "discard", "discard", "reserved"),
    "2001::/32": ("public", "Teredo", "Teredo", "protocol assignments"),
    "2001:2::/48": ("protocol assignments", "benchmarking", "benchmarking", "protocol assignments"),
    "2001:db8::/32": ("public", "documentation", "documentation", "public"),
    "2001::/23": ("public", "Teredo", "protocol assignments", "public"),
    "2002::/16": ("public", "6to4", "6to4", "public"),
    "3fff::/20": ("public", "documentation", "documentation", "public"),
    "fc00::/7": ("reserved", "private", "private", "reserved"),
    "fe80::/10": ("reserved", "link-local", "link-local", "site-local"),
    "fec0::/10": ("link-local", "site-local", "site-local", "multicast"),
    "ff00::/8": ("site-local", "multicast", "multicast", None),
    "64:ff9b::/96": ("reserved", "unspecified", "broadcast", "reserved"),
    "2000::/3": ("reserved", "public", "public", "reserved"),
    "::ffff:0:0/96": ("reserved", "unspecified", "broadcast", "reserved"),
}
"""By network: what the address before its first is, its first, its last, and the one behind; None: there is none."""


@pytest.mark.parametrize(("address", "why"), REFUSED.items())
def test_addresses_that_are_not_public_are_refused_by_name(address: str, why: str) -> None:
    assert Guard(()).refuses(address) == why


@pytest.mark.parametrize("network", EDGES)
def test_every_network_ends_where_it_ends(network: str) -> None:
    told, one = Guard(()), ip_network(network)
    of = type(one.network_address)
    first, last = int(one.network_address), int(one.broadcast_address)
    for number, expected in zip((first - 1, first, last, last + 1), EDGES[network], strict=True):
        if expected is not None:
            assert (told.refuses(str(of(number))) or "public") == expected, of(number)


def test_the_ends_of_every_network_that_is_refused_are_tried() -> None:
    known = {network for network, _ in room._REFUSED_V4 + room._REFUSED_V6}
    assert known | {str(room._NAT64), str(room._GLOBAL_UNICAST)} == set(EDGES) - {"::ffff:0:0/96"}


@pytest.mark.parametrize("address", PUBLIC + PUBLIC_V6)
def test_public_addresses_pass(address: str) -> None:
    assert Guard(()).refuses(address) is None


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_disguise_is_judged_like_itself(address: object) -> None:
    guard = Guard(())
    for disguise in ("::ffff:", "64:ff9b::"):
        assert guard.refuses(f"{disguise}{address}") == guard.refuses(str(address))


def test_a_network_allowed_by_name_passes_in_every_form() -> None:
    guard = Guard(("127.0.0.0/8", "fd12::/16"))
    assert guard.refuses("127.9.9.9") is None
    assert guard.refuses("::ffff:127.0.0.1") is None
    assert guard.refuses("fd12::1") is None
    assert guard.refuses("fd13::1") == "private"
    assert guard.refuses("10.0.0.1") == "private"


def test_a_network_nobody_can_read_is_named() -> None:
    with pytest.raises(ConfigError, match=r"fetch\.allow_networks: '127\.0\.0\.0/33'"):
        Guard(("127.0.0.0/33",))
