"""Who may be talked to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import ConfigError
from crawler.fetch import Guard

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


@pytest.mark.parametrize(("address", "why"), REFUSED.items())
def test_addresses_that_are_not_public_are_refused_by_name(address: str, why: str) -> None:
    assert Guard().refuses(address) == why


@pytest.mark.parametrize("address", PUBLIC + PUBLIC_V6)
def test_public_addresses_pass(address: str) -> None:
    assert Guard().refuses(address) is None


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_disguise_is_judged_like_itself(address: object) -> None:
    guard = Guard()
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
